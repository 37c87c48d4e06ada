#pragma once
// The two clocks: steady for deadlines and schedules, wall (UTC) for payload timestamps only.

#include <chrono>
#include <cstdint>

namespace hi6gw {

using Steady = std::chrono::steady_clock;
using Wall = std::chrono::system_clock;

[[nodiscard]] inline std::int64_t unix_ms(Wall::time_point when) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

}  // namespace hi6gw
