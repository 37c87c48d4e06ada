#include "bench.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>

namespace hi6gw::command {

namespace asio = boost::asio;
using hi6::Outcome;

namespace {

// Keeps the handler that would resume the coroutine; to drop it is to destroy the coroutine.
class Park {
  public:
    explicit Park(std::function<void()>& slot) : slot_(&slot) {}
    template <class Handler>
    void operator()(Handler handler) const {
        const auto held = std::make_shared<Handler>(std::move(handler));
        *slot_ = [held] { (*held)(); };
    }

  private:
    std::function<void()>* slot_;
};

asio::awaitable<void> park(std::function<void()>& slot) {
    const Park where(slot);
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(where,
                                                                          asio::use_awaitable);
}

}  // namespace

asio::awaitable<void> Gate::pass(Clock::time_point until) {
    ++passed;
    if (passed == hold_at) {
        if (parks) {
            co_await park(parked_);
        }
        until = Clock::time_point::max();
    }
    co_await alarm_->wait_until(until);
}

asio::awaitable<bool> FakeStore::begin(OpenPulse pulse) {
    const std::string line = begin_line(pulse);
    co_await gate_.pass(time_.now() + 2ms);
    if (!broken) {
        text += line;
    }
    co_return !broken;
}

Bench::Bench() {
    line.up = true;
    line.connect_time = line.service;
    line.wait = [this](Clock::time_point until) { return gate.pass(until); };
    line.fault = [this](const Exchange& exchange) {
        EXPECT_FALSE(exchange.is("get")) << "nobody asks for this here";
        return answer && !exchange.is(kPoll) ? std::optional(answer(exchange)) : std::nullopt;
    };
    Supervisor::Parts parts;
    parts.time = &time;
    parts.pulses = &store;
    parts.finished = [this](const Command& command, CommandResult result) {
        EXPECT_EQ(command.reply.id, result.id);
        ended.push_back({command.reply.id, std::move(result), command, line.requests.size(),
                         line.value(command.address)});
    };
    parts.released = [this](const OpenPulse& pulse, Release::End end) {
        released.emplace_back(pulse, end);
    };
    parts.seen = [this](const hi6::Address& address, const hi6::Reply& reply) {
        EXPECT_EQ(reply.outcome, Outcome::ok);
        seen.push_back(address);
    };
    parts.news = [this] { alarm_->wake(); };
    parts.read_raw = [this](hi6::Address address, Clock::time_point deadline) {
        return read_raw(address, deadline);
    };
    supervisor = std::make_unique<Supervisor>("r1", Limits{}, std::move(parts));
}

Bench::~Bench() {
    stop_lane();
    EXPECT_FALSE(line.overlapped) << "a second exchange was under way";
    supervisor.reset();
    EXPECT_EQ(ended.size(), static_cast<std::size_t>(submitted_)) << "one result each";
}

asio::awaitable<hi6::Reply> Bench::read_raw(hi6::Address address, Clock::time_point deadline) {
    EXPECT_FALSE(hi6::has_single_read(address.area)) << to_string(address);
    if (raw_reads_refused) {
        hi6::Reply out;
        out.outcome = Outcome::refused;
        co_return out;
    }
    hi6::BlockRead read{address.area, hi6::first_byte(address, line.unit), 1};
    std::array<std::byte, 4> word{};
    hi6::Reply out = co_await line.read_block(read, word, deadline);
    for (std::uint32_t i = 0; i < out.words * 4; ++i) {
        out.raw |= std::to_integer<std::uint32_t>(word.at(i)) << 8 * i;
    }
    if (address.width == hi6::Width::bit) {
        out.raw = out.raw >> hi6::bit_in_byte(address) & 1U;
    }
    co_return out;
}

std::vector<Exchange> Bench::exchanges() const {
    std::vector<Exchange> out = line.requests;
    std::erase_if(out, [](const Exchange& each) { return each.is("block"); });
    return out;
}

Command Bench::make(const std::string& where, std::uint32_t raw) {
    Command out = test::command(where, raw);
    out.received = time.now();
    out.deadline = time.now() + 3s;
    out.reply.id = "id-" + std::to_string(submitted_ + 1);
    return out;
}

Command Bench::pulse(std::chrono::milliseconds length) {
    Command out = make();
    out.pulse = length;
    return out;
}

void Bench::submit(Command command) {
    ++submitted_;
    supervisor->submit(std::move(command), time.now());
}

// As the lane's sweeps do, of what most commands write to.
asio::awaitable<void> Bench::poll() {
    const hi6::BlockRead all{test::address("fb2.do0").area, 0, 30};
    std::array<std::byte, 120> image{};
    const hi6::Reply reply = co_await line.read_block(all, image, time.now() + 1s);
    EXPECT_TRUE(reply.outcome == Outcome::ok || !line.up) << hi6::to_string(reply.outcome);
}

asio::awaitable<void> Bench::lane() {
    Clock::time_point next_poll = time.now() + poll_period;
    for (;;) {
        const Clock::time_point now = time.now();
        supervisor->expire(now);
        const bool poll_due = now >= next_poll;
        if (supervisor->my_turn(now, poll_due)) {
            co_await supervisor->take_turn(line);
        } else if (poll_due) {
            next_poll = now + poll_period;
            co_await poll();
        } else {
            const Clock::time_point wake =
                std::min({next_poll, supervisor->next_wake(), supervisor->next_expiry()});
            co_await alarm_->wait_until(wake);
        }
    }
}

void Bench::start_lane() {
    lane_running = true;
    asio::co_spawn(
        io, lane(),
        asio::bind_cancellation_slot(cancel_.slot(), [this](const std::exception_ptr& error) {
            lane_running = false;
            try {
                if (error) {
                    std::rethrow_exception(error);
                }
            } catch (const boost::system::system_error& e) {
                EXPECT_EQ(e.code(), asio::error::operation_aborted);
            }
        }));
    time.settle();
}

void Bench::stop_lane() {
    if (lane_running) {
        cancel_.emit(asio::cancellation_type::terminal);
        time.settle();
    }
}

void Bench::drain(std::chrono::milliseconds limit) {
    bool done = false;
    asio::co_spawn(io, supervisor->drain(line, time.now() + limit),
                   [&done](const std::exception_ptr& error) {
                       EXPECT_FALSE(error);
                       done = true;
                   });
    advance(limit + 2s);
    EXPECT_TRUE(done);
}

CommandResult Bench::only() const {
    EXPECT_EQ(ended.size(), 1U);
    return ended.empty() ? CommandResult{} : ended.front().result;
}

}  // namespace hi6gw::command
