#pragma once
// How many log lines a speaker may still write. A fault that comes and goes is a transition every
// time, and would fill the log like one that repeats: after a burst there is one line now and then,
// which says how many were left out. Pure; time comes in as an argument.

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace hi6gw {

class LineBudget {
  public:
    static constexpr std::int64_t kBurst = 10;
    static constexpr std::chrono::minutes kRefill{5};  // one more line

    // Whether a line may be written now: how many were left out since the last one, or nothing.
    std::optional<std::uint64_t> take(Steady::time_point now) {
        // Counted from the time at which the budget was, or will have been, full.
        const Steady::time_point full = std::max(full_, now);
        if (full + kRefill > now + kBurst * kRefill) {
            ++left_out_;
            return std::nullopt;
        }
        full_ = full + kRefill;
        return std::exchange(left_out_, 0);
    }

  private:
    Steady::time_point full_;
    std::uint64_t left_out_ = 0;
};

}  // namespace hi6gw
