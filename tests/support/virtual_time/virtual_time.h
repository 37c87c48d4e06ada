#pragma once
// hi6gw::Time for component tests: stands still until advance(), and then goes from alarm to alarm,
// so that hours pass in milliseconds and every run is the same. Nothing here waits.

#include "base/time.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <vector>

namespace hi6gw::support {

class VirtualAlarm;

class VirtualTime final : public Time {
  public:
    // `io` outlives this. Steady time starts `uptime` after boot, the wall clock in November 2025.
    explicit VirtualTime(boost::asio::io_context& io,
                         std::chrono::seconds uptime = std::chrono::hours(24));

    [[nodiscard]] Steady::time_point now() const override { return now_; }
    [[nodiscard]] Wall::time_point wall() const override { return wall_; }
    [[nodiscard]] std::unique_ptr<Alarm> alarm() override;

    // Lets everything happen that is due until `by` from now, each at its own time. Throws
    // std::logic_error when the program spins: many alarms and no time passes.
    void advance(std::chrono::nanoseconds by);
    // Runs what is ready now.
    void settle();
    // Somebody sets the wall clock.
    void step_wall(std::chrono::nanoseconds by) { wall_ += to_wall(by); }
    // Called whenever everything ready at one point in time has run.
    void on_step(std::function<void()> call) { step_ = std::move(call); }

  private:
    friend class VirtualAlarm;
    static Wall::duration to_wall(std::chrono::nanoseconds by) {
        return std::chrono::duration_cast<Wall::duration>(by);
    }
    [[nodiscard]] VirtualAlarm* earliest() const;
    void go_to(Steady::time_point when);

    boost::asio::io_context& io_;
    Steady::time_point now_;
    Wall::time_point wall_;
    std::vector<VirtualAlarm*> waiting_;  // in the order their waits began
    std::function<void()> step_;
};

}  // namespace hi6gw::support
