#pragma once
// A supervisor on virtual time: a controller in memory that records every exchange, a journal in
// memory, and the smallest lane that polls beside it.

#include "command/supervisor.h"
#include "support/virtual_time/virtual_time.h"
#include "unit/command/make.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::command {

using namespace std::chrono_literals;

// Where coroutines are held. Counts the awaits, and can hold one of them for good.
class Gate {
  public:
    explicit Gate(Time& time) : alarm_(time.alarm()) {}
    boost::asio::awaitable<void> pass(Clock::time_point until);
    // The frames of the coroutine that is held are destroyed at the loop's next turn.
    void drop() { parked_ = nullptr; }

    int passed = 0;
    int hold_at = 0;     // this await, counted from 1, does not return;
    bool parks = false;  // nor can it be cancelled

  private:
    std::unique_ptr<Alarm> alarm_;
    std::function<void()> parked_;
};

struct Exchange {
    Clock::time_point at;
    bool post = false;
    hi6::Address address;
    std::uint32_t raw = 0;  // written, or read
    hi6::Outcome outcome = hi6::Outcome::ok;
    bool applied = true;  // a post: had its effect
};

struct Answer {
    hi6::Outcome outcome = hi6::Outcome::ok;
    bool applied = true;
    bool hang = false;  // nothing until the deadline; then lost
};

class FakeLine final : public hi6::ControllerClient {
  public:
    FakeLine(Time& time, Gate& gate) : time_(time), gate_(gate) {}

    std::function<Answer(const Exchange&)> answer;  // empty: all is well
    std::function<bool()> reachable;                // for a connect; empty: always
    std::chrono::milliseconds service{4};
    bool up = true;

    std::vector<Exchange> log;
    int polls = 0;
    int connects = 0;
    std::vector<Clock::time_point> poll_times;
    [[nodiscard]] std::vector<Exchange> posts() const;
    [[nodiscard]] std::uint32_t value(const hi6::Address& address);
    void put(const hi6::Address& address, std::uint32_t raw);
    [[nodiscard]] bool overlapped() const { return overlapped_; }
    boost::asio::awaitable<hi6::Reply> read_any(hi6::Address address, Deadline deadline);

    boost::asio::awaitable<hi6::LinkFault> connect(Deadline deadline) override;
    [[nodiscard]] bool connected() override { return up; }
    void close() override { up = false; }
    [[nodiscard]] bool keep_alive_refused() const override { return false; }
    boost::asio::awaitable<hi6::Reply> read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                  Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> read_single(hi6::Address address,
                                                   Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> write(hi6::Address address, std::uint32_t raw,
                                             Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> get(std::string target, Deadline deadline) override;

  private:
    boost::asio::awaitable<hi6::Reply> exchange(Exchange what, Deadline deadline);

    Time& time_;
    Gate& gate_;
    std::map<hi6::Area, std::vector<bool>> memory_;
    int under_way_ = 0;
    bool overlapped_ = false;
};

class FakeStore final : public PulseStore {
  public:
    explicit FakeStore(Time& time, Gate& gate) : time_(time), gate_(gate) {}
    bool broken = false;
    std::string text;
    [[nodiscard]] std::vector<OpenPulse> open() const { return read_journal(text).open; }

    std::uint64_t next_number() override { return ++number_; }
    boost::asio::awaitable<bool> begin(OpenPulse pulse) override;
    void end(std::uint64_t number) noexcept override { text += end_line(number); }

  private:
    Time& time_;
    Gate& gate_;
    std::uint64_t number_ = 0;
};

struct Ended {
    std::string id;
    CommandResult result;
    Command command;
    std::size_t logged = 0;  // exchanges there had been by then
    std::uint32_t held = 0;  // what the controller holds at the address
};

class Bench {
  public:
    Bench();
    ~Bench();

    // Like test::command(), but received now.
    Command make(const std::string& where = "fb2.do3", std::uint32_t raw = 1);
    Command pulse(std::chrono::milliseconds length = 200ms);
    void submit(Command command);
    void start_lane();  // polls every `poll_period`
    void stop_lane();   // cancels it
    void drain(std::chrono::milliseconds limit);
    void advance(std::chrono::nanoseconds by) { time.advance(by); }
    // The only result there is.
    [[nodiscard]] CommandResult only() const;

    boost::asio::io_context io{1};
    support::VirtualTime time{io};
    Gate gate{time};
    FakeLine line{time, gate};
    FakeStore store{time, gate};
    std::chrono::milliseconds poll_period{50};
    bool raw_reads_refused = false;
    std::vector<Ended> ended;
    std::vector<std::pair<OpenPulse, Release::End>> released;
    std::vector<hi6::Address> seen;
    std::unique_ptr<Supervisor> supervisor;
    bool lane_running = false;

  private:
    boost::asio::awaitable<void> lane();
    boost::asio::awaitable<hi6::Reply> read_raw(hi6::Address address, Clock::time_point deadline);

    std::unique_ptr<Alarm> alarm_ = time.alarm();
    boost::asio::cancellation_signal cancel_;
    int submitted_ = 0;
};

}  // namespace hi6gw::command
