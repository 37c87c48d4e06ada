#include "bench.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

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

std::vector<Exchange> FakeLine::posts() const {
    std::vector<Exchange> out;
    std::copy_if(log.begin(), log.end(), std::back_inserter(out),
                 [](const Exchange& each) { return each.post; });
    return out;
}

std::uint32_t FakeLine::value(const hi6::Address& address) {
    const hi6::BitRange range = hi6::bit_range(address, hi6::IndexUnit::byte);
    std::vector<bool>& bits = memory_[address.area];
    bits.resize(std::size_t{hi6::area_bytes(address.area)} * 8);
    std::uint32_t raw = 0;
    for (std::uint32_t i = 0; i < range.count; ++i) {
        raw |= (bits[range.first + i] ? 1U : 0U) << i;
    }
    return raw;
}

void FakeLine::put(const hi6::Address& address, std::uint32_t raw) {
    const hi6::BitRange range = hi6::bit_range(address, hi6::IndexUnit::byte);
    std::vector<bool>& bits = memory_[address.area];
    bits.resize(std::size_t{hi6::area_bytes(address.area)} * 8);
    for (std::uint32_t i = 0; i < range.count; ++i) {
        bits[range.first + i] = (raw >> i & 1U) != 0;
    }
}

asio::awaitable<hi6::LinkFault> FakeLine::connect(Deadline deadline) {
    const Busy busy(under_way_, overlapped_);
    ++connects;
    const Deadline done = std::min(deadline, time_.now() + service);
    co_await gate_.pass(done);
    if (reachable && !reachable()) {
        co_return hi6::LinkFault{hi6::LinkFault::Kind::refused, "connect: Connection refused"};
    }
    up = true;
    co_return hi6::LinkFault{};
}

asio::awaitable<hi6::Reply> FakeLine::exchange(Exchange what, Deadline deadline) {
    const Busy busy(under_way_, overlapped_);
    hi6::Reply out;
    if (!up) {
        out.outcome = Outcome::not_sent;
        co_return out;
    }
    what.at = time_.now();
    const Answer planned = answer ? answer(what) : Answer{};
    what.outcome = planned.hang ? Outcome::lost : planned.outcome;
    what.applied = planned.applied && what.outcome != Outcome::not_sent;
    if (what.outcome == Outcome::not_sent) {
        up = false;
        out.outcome = Outcome::not_sent;
        co_return out;
    }
    if (what.post && what.applied) {
        put(what.address, what.raw);
    }
    log.push_back(what);
    const std::size_t index = log.size() - 1;
    const Deadline done = planned.hang ? deadline : std::min(deadline, time_.now() + service);
    co_await gate_.pass(done);
    if (!what.post && what.outcome == Outcome::ok) {
        out.raw = log[index].raw = value(what.address);
    }
    up = up && what.outcome != Outcome::lost;
    out.outcome = what.outcome;
    out.answered = time_.now();
    co_return out;
}

asio::awaitable<hi6::Reply> FakeLine::read_any(hi6::Address address, Deadline deadline) {
    Exchange what;
    what.address = address;
    hi6::Reply out = co_await exchange(what, deadline);
    co_return out;
}

asio::awaitable<hi6::Reply> FakeLine::read_single(hi6::Address address, Deadline deadline) {
    EXPECT_TRUE(hi6::has_single_read(address.area)) << to_string(address);
    hi6::Reply out = co_await read_any(address, deadline);
    co_return out;
}

asio::awaitable<hi6::Reply> FakeLine::write(hi6::Address address, std::uint32_t raw,
                                            Deadline deadline) {
    EXPECT_LT(time_.now(), deadline) << "handed over too late";
    Exchange what;
    what.post = true;
    what.address = address;
    what.raw = raw;
    hi6::Reply out = co_await exchange(what, deadline);
    co_return out;
}

// A poll: counted, not logged.
asio::awaitable<hi6::Reply> FakeLine::read_block(hi6::BlockRead /*read*/,
                                                 std::span<std::byte> /*out*/, Deadline deadline) {
    const Busy busy(under_way_, overlapped_);
    ++polls;
    poll_times.push_back(time_.now());
    const Deadline done = std::min(deadline, time_.now() + service);
    co_await gate_.pass(done);
    hi6::Reply out;
    out.outcome = Outcome::ok;
    co_return out;
}

asio::awaitable<hi6::Reply> FakeLine::get(std::string /*target*/, Deadline /*deadline*/) {
    ADD_FAILURE() << "nobody asks for this here";
    co_return hi6::Reply{};
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
    Supervisor::Parts parts;
    parts.time = &time;
    parts.pulses = &store;
    parts.finished = [this](const Command& command, CommandResult result) {
        EXPECT_EQ(command.reply.id, result.id);
        ended.push_back({command.reply.id, std::move(result), command, line.log.size(),
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
    EXPECT_FALSE(line.overlapped()) << "a second exchange was under way";
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
    hi6::Reply out = co_await line.read_any(address, deadline);
    co_return out;
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
            const hi6::BlockRead all;
            const std::span<std::byte> nowhere;
            const hi6::Reply reply = co_await line.read_block(all, nowhere, now + 1s);
            EXPECT_EQ(reply.outcome, Outcome::ok);
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
