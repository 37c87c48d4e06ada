#pragma once
// When to read what: one fixed time grid per polling period, and a bound on the share of time the
// controller is kept busy. Pure; time comes in as arguments.

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <vector>

namespace hi6gw::poll {

// Signals with the same period form a group; a set of groups is a bit mask.
using GroupMask = std::uint64_t;
inline constexpr std::size_t kMaxGroups = 64;

class Schedule {
  public:
    // `periods`: one per group, at most kMaxGroups, each > 0. `max_load`: (0, 1]. `phase`: [0, 1),
    // shifts the grids of controllers against each other so that they do not all start in the same
    // millisecond.
    Schedule(const std::vector<std::chrono::milliseconds>& periods, double max_load, double phase);

    // After (re)connecting, and after a sweep that could not be finished: every group is due as
    // soon as load and pause allow, then on its grid.
    void restart();
    // When the next sweep may start: the first grid point that is due and that the load allows.
    [[nodiscard]] Steady::time_point next() const;

    struct Due {
        GroupMask groups = 0;
        std::uint64_t skipped = 0;  // grid points that passed unserved; never made up for
    };
    // The groups due at `now`, moved on to their next grid point.
    Due take(Steady::time_point now);

    // A sweep that began at `start` kept the controller busy for `busy`. Load is averaged over a
    // short while (kLoadCredit), so that one slow answer does not cost a grid point.
    void worked(Steady::time_point start, std::chrono::nanoseconds busy);
    // Nothing before `until` (backing off after errors).
    void pause(Steady::time_point until);

    static constexpr std::chrono::milliseconds kLoadCredit{100};

  private:
    struct Group {
        std::chrono::nanoseconds period;
        std::chrono::nanoseconds phase;
        Steady::time_point next;
    };
    std::vector<Group> groups_;
    double max_load_;
    bool all_due_ = true;
    Steady::time_point allowed_;
    Steady::time_point paused_;
};

}  // namespace hi6gw::poll
