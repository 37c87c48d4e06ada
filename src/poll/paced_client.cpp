#include "poll/paced_client.h"

#include <algorithm>

namespace hi6gw::poll {

namespace asio = boost::asio;
using Method = ops::ControllerMetrics::Method;

PacedClient::PacedClient(hi6::ControllerClient& inner, ops::ControllerMetrics& metrics, Time& time,
                         std::chrono::milliseconds timeout, std::uint32_t seed)
    : inner_(inner),
      metrics_(metrics),
      time_(time),
      timeout_(timeout),
      gate_(time.alarm()),
      backoff_({}, seed),
      not_before_(time.now()) {}

asio::awaitable<hi6::LinkFault> PacedClient::connect(Deadline deadline) {
    while (time_.now() < not_before_) {
        if (time_.now() >= deadline) {
            co_return hi6::LinkFault{hi6::LinkFault::Kind::timeout, "no connect is allowed yet"};
        }
        due_ = std::min(not_before_, deadline);
        co_await gate_->wait_until(due_);
    }
    latest_connect_ = time_.now();
    not_before_ = latest_connect_ + kConnectInterval;
    metrics_.connected();
    unproven_ = true;
    const Deadline limit = std::min(time_.now() + timeout_, deadline);
    due_ = limit;
    hi6::LinkFault fault = co_await inner_.connect(limit);
    if (fault.ok()) {
        ++connects_;
    } else {
        failed();
    }
    co_return fault;
}

// Connecting again at once would be of no use.
void PacedClient::failed() {
    unproven_ = false;
    if (!hurried_) {
        not_before_ = std::max(not_before_, time_.now() + backoff_.failed());
    }
}

void PacedClient::hurry() {
    hurried_ = true;
    not_before_ = std::max(latest_connect_ + kConnectInterval, latest_loss_ + kAfterLoss);
}

// Opens the connection again where its end was announced. The deadline, put off by the time that
// took.
asio::awaitable<PacedClient::Deadline> PacedClient::reopen(Deadline deadline) {
    if (inner_.keep_alive_refused() && !inner_.connected()) {
        const Steady::time_point before = time_.now();
        co_await connect(Deadline::max());
        deadline += time_.now() - before;
    }
    begin();
    co_return deadline;
}

asio::awaitable<hi6::Reply> PacedClient::read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                    Deadline deadline) {
    deadline = co_await reopen(deadline);
    due_ = deadline;
    hi6::Reply reply = co_await inner_.read_block(read, out, deadline);
    count(Method::get, reply);
    co_return reply;
}

asio::awaitable<hi6::Reply> PacedClient::read_single(hi6::Address address, Deadline deadline) {
    deadline = co_await reopen(deadline);
    due_ = deadline;
    hi6::Reply reply = co_await inner_.read_single(address, deadline);
    count(Method::get, reply);
    co_return reply;
}

asio::awaitable<hi6::Reply> PacedClient::get(std::string target, Deadline deadline) {
    deadline = co_await reopen(deadline);
    due_ = deadline;
    hi6::Reply reply = co_await inner_.get(std::move(target), deadline);
    count(Method::get, reply);
    co_return reply;
}

asio::awaitable<hi6::Reply> PacedClient::write(hi6::Address address, std::uint32_t raw,
                                               Deadline deadline) {
    begin();
    due_ = deadline;
    hi6::Reply reply = co_await inner_.write(address, raw, deadline);
    count(Method::post, reply);
    co_return reply;
}

void PacedClient::count(Method method, const hi6::Reply& reply) {
    const Steady::time_point now = time_.now();
    const bool sent = reply.outcome != hi6::Outcome::not_sent;
    const std::chrono::nanoseconds took = sent ? now - busy_since_ : std::chrono::nanoseconds{0};
    busy_ += took;
    busy_since_ = Steady::time_point::max();
    metrics_.request(method, hi6::to_string(reply.outcome), took);
    const bool lost = reply.outcome == hi6::Outcome::lost;
    const bool answered = sent && !lost;
    if (lost) {
        latest_loss_ = now;
        not_before_ = std::max(not_before_, now + kAfterLoss);
    }
    if (unproven_ && answered) {
        unproven_ = false;
        backoff_.succeeded();
    } else if (unproven_) {
        failed();
    }
}

}  // namespace hi6gw::poll
