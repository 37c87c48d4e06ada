#include "fake_controller.h"

#include <algorithm>

namespace hi6gw::poll {
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

std::uint32_t FakeController::value(const hi6::Address& address) {
    const auto& bytes = memory(address.area);
    if (address.width == hi6::Width::bit) {
        return std::uint32_t{bytes[address.index / 8]} >> address.index % 8 & 1U;
    }
    const std::uint32_t width = hi6::width_bytes(address.width);
    const std::size_t first = address.index * (unit == hi6::IndexUnit::element ? width : 1);
    std::uint32_t raw = 0;
    for (std::uint32_t i = 0; i < width && first + i < bytes.size(); ++i) {
        raw |= std::uint32_t{bytes[first + i]} << 8 * i;
    }
    return raw;
}

std::size_t FakeController::count(std::string_view start_of_text) const {
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [&](const Request& request) { return request.is(start_of_text); }));
}

asio::awaitable<hi6::LinkFault> FakeController::connect(Deadline deadline) {
    const Busy busy(under_way_, overlapped);
    connects.push_back(time_.now());
    connected_ = false;
    if (connect_mode == Connect::hang) {
        co_await alarm_->wait_until(deadline);
        co_return hi6::LinkFault{hi6::LinkFault::Kind::timeout, "connect: timed out"};
    }
    if (connect_mode == Connect::refuse) {
        co_return hi6::LinkFault{hi6::LinkFault::Kind::refused, "connect: Connection refused"};
    }
    connected_ = true;
    refused_ = false;
    co_return hi6::LinkFault{};
}

asio::awaitable<hi6::Reply> FakeController::exchange(std::string text, Deadline deadline,
                                                     std::optional<std::size_t>* cut) {
    const Busy busy(under_way_, overlapped);
    hi6::Reply reply;
    if (!connected_) {
        reply.outcome = Outcome::not_sent;
        reply.detail = "the connection was closed";
        co_return reply;
    }
    reply.sent = time_.now();
    const Request request{time_.now(), std::move(text)};
    requests.push_back(request);
    const std::optional<Fault> wrong = fault ? fault(request) : std::nullopt;
    const bool silent = wrong && wrong->hang;
    const Deadline done = silent ? deadline : std::min(deadline, time_.now() + service);
    co_await alarm_->wait_until(done);
    reply.answered = time_.now();
    if (silent || !connected_ || reply.sent + service > deadline) {
        connected_ = false;
        reply.outcome = Outcome::lost;
        reply.detail = "no answer in time";
        co_return reply;
    }
    reply.outcome = wrong ? wrong->outcome : Outcome::ok;
    if (reply.outcome == Outcome::lost) {
        connected_ = false;
    }
    if (reply.outcome != Outcome::ok) {
        reply.detail = hi6::to_string(reply.outcome);
    }
    if (wrong && cut != nullptr) {
        *cut = wrong->cut;
    }
    if (closes_after_each) {
        connected_ = false;
        refused_ = true;
    }
    if (before_answer) {
        before_answer(request);
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
    std::optional<std::size_t> cut;
    std::string text = "block " + to_string(read.area) + " " + std::to_string(read.start) + " " +
                       std::to_string(read.words);
    hi6::Reply reply = co_await exchange(std::move(text), deadline, &cut);
    if (reply.outcome == Outcome::ok) {
        reply.words = std::min(fill(read, out), cut.value_or(read.words));
        std::fill(out.begin() + std::ptrdiff_t(reply.words * 4), out.end(), std::byte{0});
    }
    co_return reply;
}

asio::awaitable<hi6::Reply> FakeController::read_single(hi6::Address address, Deadline deadline) {
    std::string text = "single " + to_string(address);
    hi6::Reply reply = co_await exchange(std::move(text), deadline, nullptr);
    if (reply.outcome == Outcome::ok) {
        reply.raw = value(address);
    }
    co_return reply;
}

asio::awaitable<hi6::Reply> FakeController::write(hi6::Address address, std::uint32_t /*raw*/,
                                                  Deadline deadline) {
    std::string text = "write " + to_string(address);
    co_return co_await exchange(std::move(text), deadline, nullptr);
}

asio::awaitable<hi6::Reply> FakeController::get(std::string target, Deadline deadline) {
    std::string text = "get " + std::move(target);
    hi6::Reply reply = co_await exchange(std::move(text), deadline, nullptr);
    if (reply.outcome == Outcome::ok) {
        reply.body = "5";
    }
    co_return reply;
}

}  // namespace hi6gw::poll
