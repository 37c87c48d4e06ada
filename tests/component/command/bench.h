#pragma once
// A supervisor on virtual time: a controller and a journal in memory, and the smallest lane that
// polls beside it.

#include "command/supervisor.h"
#include "support/fake_controller/fake_controller.h"
#include "support/virtual_time/virtual_time.h"
#include "unit/command/make.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

using Exchange = support::FakeController::Request;
using Answer = support::FakeController::Fault;
inline constexpr std::string_view kPoll = "block fb2.do 0 30";

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
    std::size_t logged = 0;  // requests there had been by then
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
    [[nodiscard]] std::vector<Exchange> posts() const { return line.some("write"); }
    [[nodiscard]] std::vector<Exchange> polls() const { return line.some(kPoll); }
    // What the supervisor asked for: all but the polls.
    [[nodiscard]] std::vector<Exchange> exchanges() const;
    // The only result there is.
    [[nodiscard]] CommandResult only() const;

    boost::asio::io_context io{1};
    support::VirtualTime time{io};
    Gate gate{time};
    support::FakeController line{time};
    std::function<Answer(const Exchange&)> answer;  // not to polls; empty: all is well
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
    boost::asio::awaitable<void> poll();
    boost::asio::awaitable<hi6::Reply> read_raw(hi6::Address address, Clock::time_point deadline);

    std::unique_ptr<Alarm> alarm_ = time.alarm();
    boost::asio::cancellation_signal cancel_;
    int submitted_ = 0;
};

}  // namespace hi6gw::command
