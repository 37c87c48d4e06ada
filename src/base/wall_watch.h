#pragma once
// Whether the wall clock is being set under us. Pure; both clocks' times come in as arguments.

#include "base/clock.h"

#include <chrono>
#include <optional>
#include <utility>

namespace hi6gw {

class WallWatch {
  public:
    // More than a process that is held up between two readings of clocks is likely to see, and than
    // slewing makes in an hour.
    static constexpr std::chrono::seconds kStep{2};

    // By how much it was set since the last look, forward or back; nothing: it was not. A machine
    // that slept looks like one whose clock was set forward.
    std::optional<std::chrono::milliseconds> look(Steady::time_point steady,
                                                  Wall::time_point wall) {
        const auto apart = std::chrono::duration_cast<std::chrono::milliseconds>(
            wall.time_since_epoch() - steady.time_since_epoch());
        const auto before = std::exchange(apart_, apart);
        if (!before || std::chrono::abs(apart - *before) < kStep) {
            return std::nullopt;
        }
        return apart - *before;
    }

    // A clock that is older than this program has not been set since the machine was switched on.
    [[nodiscard]] static bool is_set(Wall::time_point wall) {
        return wall >= std::chrono::sys_days(std::chrono::year(2025) / 1 / 1);
    }

  private:
    std::optional<std::chrono::milliseconds> apart_;
};

}  // namespace hi6gw
