#pragma once
// Where time comes from. Deadlines and schedules use the steady clock, payload timestamps the wall
// clock; both are asked of a Time object so that component tests run on virtual time. Pure code
// takes `now` as a parameter instead. Thread: the event loop's.

#include "base/clock.h"

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace hi6gw {

// A wait that can be ended early. One coroutine waits at a time.
class Alarm {
  public:
    Alarm() = default;
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    virtual ~Alarm() = default;
    // Returns when `when` has come, when wake() was called (also if that was before the wait began:
    // no wake-up is lost), or, with an operation_aborted exception, when the coroutine is
    // cancelled.
    virtual boost::asio::awaitable<void> wait_until(Steady::time_point when) = 0;
    virtual void wake() = 0;
};

class Time {
  public:
    Time() = default;
    Time(const Time&) = delete;
    Time& operator=(const Time&) = delete;
    virtual ~Time() = default;
    [[nodiscard]] virtual Steady::time_point now() const = 0;
    [[nodiscard]] virtual Wall::time_point wall() const = 0;
    [[nodiscard]] virtual std::unique_ptr<Alarm> alarm() = 0;
};

// The real clocks, on Asio timers of `executor`.
std::unique_ptr<Time> make_real_time(const boost::asio::any_io_executor& executor);

}  // namespace hi6gw
