#include "poll/paced_client.h"

#include "hi6/open_api.h"
#include "hi6/quote.h"

#include <algorithm>
#include <utility>

namespace hi6gw::poll {

namespace asio = boost::asio;
using Method = ops::ControllerMetrics::Method;

namespace {

// Why this answer is not that of the controller that is meant; empty: it is.
std::string stranger(const hi6::Reply& reply, const std::string& expected) {
    const std::string meant = ", and " + expected + " is expected (system_version)";
    if (reply.outcome != hi6::Outcome::ok) {
        return "wrong_device: what answers does not say its system version: " + reply.detail +
               meant;
    }
    const auto modules = hi6::parse_system_version(reply.body);
    if (!modules) {
        return "wrong_device: what answers does not say its system version: " +
               modules.error().what + meant;
    }
    const auto com = std::find_if(modules->begin(), modules->end(),
                                  [](const hi6::Module& one) { return one.name == "com"; });
    const std::string version = com == modules->end() ? "" : com->version;
    return version == expected
               ? ""
               : "wrong_device: the system version is " + hi6::quoted(version, 32) + meant;
}

}  // namespace

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
    known_ = system_version_.empty();
    const Deadline limit = std::min(time_.now() + timeout_, deadline);
    due_ = limit;
    hi6::LinkFault fault = co_await inner_.connect(limit);
    if (fault.ok() && !known_) {
        fault = co_await identify(limit);
    }
    if (fault.ok()) {
        ++connects_;
    } else {
        failed();
    }
    co_return fault;
}

// The first question on a connection, before any other is asked and anything is written.
asio::awaitable<hi6::LinkFault> PacedClient::identify(Deadline deadline) {
    begin(deadline);
    std::string target(hi6::kSystemVersionTarget);
    const hi6::Reply reply = co_await inner_.get(std::move(target), deadline);
    unproven_ = false;  // whether this connection is of use is not told by an answer, but by which
    count(Method::get, reply);
    hi6::LinkFault fault;
    const bool answered =
        reply.outcome != hi6::Outcome::lost && reply.outcome != hi6::Outcome::not_sent;
    if (!answered || reply.outcome == hi6::Outcome::server_error) {
        fault.detail = "asked for the system version: " + reply.detail;
    } else if (fault.detail = stranger(reply, system_version_); !fault.detail.empty()) {
        fault.kind = hi6::LinkFault::Kind::stranger;
    } else if (inner_.keep_alive_refused()) {
        // Nothing would tell who is at the other end of the next connection.
        fault.kind = hi6::LinkFault::Kind::stranger;
        fault.detail =
            "wrong_device: it closes the connection after each answer, so that nothing vouches for "
            "the next one, and system_version is set";
    } else {
        known_ = true;
        backoff_.succeeded();
        co_return fault;
    }
    inner_.close();
    co_return fault;
}

// What answers on the present connection has been asked for another version, or not at all.
void PacedClient::expect(std::string system_version) {
    if (system_version == system_version_) {
        return;
    }
    system_version_ = std::move(system_version);
    known_ = system_version_.empty();
    if (!known_) {
        inner_.close();
    }
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

// Opens the connection again, whose end was announced. The deadline, put off by the time that took.
asio::awaitable<PacedClient::Deadline> PacedClient::reopen(Deadline deadline) {
    const Steady::time_point before = time_.now();
    co_await connect(Deadline::max());
    co_return deadline + (time_.now() - before);
}

void PacedClient::begin(Deadline deadline) {
    busy_since_ = began_ = time_.now();
    due_ = deadline;
}

asio::awaitable<hi6::Reply> PacedClient::read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                    Deadline deadline) {
    if (ended()) {
        deadline = co_await reopen(deadline);
    }
    begin(deadline);
    hi6::Reply reply = co_await inner_.read_block(read, out, deadline);
    count(Method::get, reply);
    co_return reply;
}

asio::awaitable<hi6::Reply> PacedClient::read_single(hi6::Address address, Deadline deadline) {
    if (ended()) {
        deadline = co_await reopen(deadline);
    }
    begin(deadline);
    hi6::Reply reply = co_await inner_.read_single(address, deadline);
    count(Method::get, reply);
    co_return reply;
}

asio::awaitable<hi6::Reply> PacedClient::get(std::string target, Deadline deadline) {
    if (ended()) {
        deadline = co_await reopen(deadline);
    }
    begin(deadline);
    hi6::Reply reply = co_await inner_.get(std::move(target), deadline);
    count(Method::get, reply);
    co_return reply;
}

asio::awaitable<hi6::Reply> PacedClient::write(hi6::Address address, std::uint32_t raw,
                                               Deadline deadline) {
    begin(deadline);
    ++writes_;
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
