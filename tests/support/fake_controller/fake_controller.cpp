#include "support/fake_controller/fake_controller.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hi6gw::support {
namespace {

namespace asio = boost::asio;
using hi6::Outcome;

// Counts what is under way, also when the coroutine is cancelled.
class Busy {
  public:
    Busy(int& count, bool& overlapped) : count_(count) { overlapped = overlapped || ++count_ > 1; }
    ~Busy() { --count_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

  private:
    int& count_;
};

}  // namespace

std::vector<std::uint8_t>& FakeController::memory(const hi6::Area& area) {
    auto& bytes = memory_[area];
    bytes.resize(hi6::area_bytes(area));
    return bytes;
}

void FakeController::put(const hi6::Area& area, std::uint32_t byte,
                         std::vector<std::uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), memory(area).begin() + byte);
}

std::size_t FakeController::first_byte(const hi6::Address& address) const {
    if (address.width == hi6::Width::bit) {
        return address.index / 8;
    }
    const std::uint32_t width = hi6::width_bytes(address.width);
    return std::size_t{address.index} * (unit == hi6::IndexUnit::element ? width : 1);
}

std::uint32_t FakeController::value(const hi6::Address& address) {
    const auto& bytes = memory(address.area);
    const std::size_t first = first_byte(address);
    if (address.width == hi6::Width::bit) {
        return std::uint32_t{bytes[first]} >> address.index % 8 & 1U;
    }
    const std::uint32_t width = hi6::width_bytes(address.width);
    std::uint32_t raw = 0;
    for (std::uint32_t i = 0; i < width && first + i < bytes.size(); ++i) {
        raw |= std::uint32_t{bytes[first + i]} << 8 * i;
    }
    return raw;
}

void FakeController::put(const hi6::Address& address, std::uint32_t raw) {
    auto& bytes = memory(address.area);
    const std::size_t first = first_byte(address);
    if (address.width == hi6::Width::bit) {
        const unsigned mask = 1U << address.index % 8;
        bytes[first] =
            static_cast<std::uint8_t>((bytes[first] & ~mask) | ((raw & 1U) != 0 ? mask : 0));
        return;
    }
    const std::uint32_t width = hi6::width_bytes(address.width);
    for (std::uint32_t i = 0; i < width && first + i < bytes.size(); ++i) {
        bytes[first + i] = static_cast<std::uint8_t>(raw >> 8 * i);
    }
}

std::size_t FakeController::count(std::string_view start_of_text) const {
    return some(start_of_text).size();
}

std::vector<FakeController::Request> FakeController::some(std::string_view start_of_text) const {
    std::vector<Request> out;
    std::copy_if(requests.begin(), requests.end(), std::back_inserter(out),
                 [&](const Request& request) { return request.is(start_of_text); });
    return out;
}

asio::awaitable<void> FakeController::pause(Steady::time_point until) {
    if (wait) {
        co_await wait(until);
    } else {
        co_await alarm_->wait_until(until);
    }
}

asio::awaitable<hi6::LinkFault> FakeController::connect(Deadline deadline) {
    const Busy busy(under_way_, overlapped);
    connects.push_back(time_.now());
    up = false;
    if (connect_time > std::chrono::nanoseconds(0)) {
        const Deadline done = std::min(deadline, time_.now() + connect_time);
        co_await pause(done);
    }
    if (before_connect) {
        before_connect();
    }
    if (connect_mode == Connect::hang) {
        co_await pause(deadline);
        co_return hi6::LinkFault{hi6::LinkFault::Kind::timeout, "connect: timed out"};
    }
    if (connect_mode == Connect::refuse) {
        co_return hi6::LinkFault{hi6::LinkFault::Kind::refused, "connect: Connection refused"};
    }
    up = true;
    refused_ = false;
    co_return hi6::LinkFault{};
}

asio::awaitable<hi6::Reply> FakeController::exchange(Request request, Deadline deadline,
                                                     std::optional<std::size_t>* cut) {
    const Busy busy(under_way_, overlapped);
    hi6::Reply reply;
    request.at = time_.now();
    const std::optional<Fault> wrong = up && fault ? fault(request) : std::nullopt;
    const Fault plan = wrong.value_or(Fault{});
    if (!up || plan.outcome == Outcome::not_sent) {
        up = false;
        reply.outcome = Outcome::not_sent;
        reply.detail = "the connection was closed";
        co_return reply;
    }
    reply.sent = time_.now();
    if (request.post && plan.applied) {
        request.applied = true;
        put(request.address, request.raw);
    }
    const std::size_t index = requests.size();
    requests.push_back(request);
    const Deadline done = plan.hang ? deadline : std::min(deadline, time_.now() + service);
    co_await pause(done);
    reply.answered = time_.now();
    if (plan.hang || !up || reply.sent + service > deadline) {
        up = false;
        reply.outcome = Outcome::lost;
        reply.detail = "no answer in time";
        co_return reply;
    }
    reply.outcome = plan.outcome;
    up = up && reply.outcome != Outcome::lost;
    if (reply.outcome != Outcome::ok) {
        reply.detail = hi6::to_string(reply.outcome);
    }
    if (wrong && cut != nullptr) {
        *cut = plan.cut;
    }
    if (closes_after_each) {
        up = false;
        refused_ = true;
    }
    if (before_answer) {
        before_answer(request);
    }
    if (!request.post && reply.outcome == Outcome::ok && request.is("single")) {
        reply.raw = value(request.address);
    }
    // The test may have cleared the record meanwhile.
    if (index < requests.size() && requests[index].at == request.at) {
        requests[index].raw = request.post ? request.raw : reply.raw;
        requests[index].outcome = reply.outcome;
    }
    co_return reply;
}

std::size_t FakeController::fill(const hi6::BlockRead& read, std::span<std::byte> out) {
    const std::vector<std::uint8_t>& bytes = memory(read.area);
    const std::size_t step = start == Start::byte ? 8 : start == Start::bit ? 1 : 32;
    const std::size_t first = read.start * step;
    std::size_t words = 0;
    for (; words < read.words && first + 32 * (words + 1) <= bytes.size() * 8; ++words) {
        for (std::size_t byte = 0; byte < 4; ++byte) {
            unsigned value = 0;
            for (std::size_t bit = 0; bit < 8; ++bit) {
                const std::size_t at = first + 32 * words + 8 * byte + bit;
                value |= (unsigned{bytes[at / 8]} >> at % 8 & 1U) << bit;
            }
            out[4 * words + byte] = static_cast<std::byte>(value);
        }
    }
    return words;
}

asio::awaitable<hi6::Reply> FakeController::read_block(hi6::BlockRead read,
                                                       std::span<std::byte> out,
                                                       Deadline deadline) {
    EXPECT_TRUE(hi6::has_block_read(read.area)) << to_string(read.area);
    Request request;
    request.text = "block " + to_string(read.area) + " " + std::to_string(read.start) + " " +
                   std::to_string(read.words);
    std::optional<std::size_t> cut;
    hi6::Reply reply = co_await exchange(std::move(request), deadline, &cut);
    if (reply.outcome == Outcome::ok) {
        reply.words = std::min(fill(read, out), cut.value_or(read.words));
        std::fill(out.begin() + std::ptrdiff_t(reply.words * 4), out.end(), std::byte{0});
    }
    co_return reply;
}

asio::awaitable<hi6::Reply> FakeController::read_single(hi6::Address address, Deadline deadline) {
    EXPECT_TRUE(hi6::has_single_read(address.area)) << to_string(address);
    Request request;
    request.text = "single " + to_string(address);
    request.address = address;
    hi6::Reply reply = co_await exchange(std::move(request), deadline, nullptr);
    co_return reply;
}

asio::awaitable<hi6::Reply> FakeController::write(hi6::Address address, std::uint32_t raw,
                                                  Deadline deadline) {
    EXPECT_TRUE(hi6::is_writable(address.area)) << to_string(address);
    EXPECT_LT(time_.now(), deadline) << "handed over too late";
    Request request;
    request.text = "write " + to_string(address);
    request.post = true;
    request.address = address;
    request.raw = raw;
    hi6::Reply reply = co_await exchange(std::move(request), deadline, nullptr);
    co_return reply;
}

asio::awaitable<hi6::Reply> FakeController::get(std::string target, Deadline deadline) {
    const bool version = target == hi6::kSystemVersionTarget;
    Request request;
    request.text = "get " + std::move(target);
    hi6::Reply reply = co_await exchange(std::move(request), deadline, nullptr);
    if (reply.outcome == Outcome::ok) {
        reply.body = version ? system_version : "5";
    }
    co_return reply;
}

}  // namespace hi6gw::support
