#include "poll/schedule.h"

#include <algorithm>

namespace hi6gw::poll {
namespace {

using std::chrono::nanoseconds;

// The first point of the grid {phase + k * period} that is later than `now`. The grid is anchored
// in the steady clock itself, so a controller keeps its phase over reconnects.
Steady::time_point grid_after(Steady::time_point now, nanoseconds period, nanoseconds phase) {
    const nanoseconds since = now.time_since_epoch() - phase;
    // The steady clock counts from boot, so on a fresh machine `since` can be negative: round down.
    const auto passed = since / period - (since % period < nanoseconds(0) ? 1 : 0);
    return Steady::time_point(phase + (passed + 1) * period);
}

}  // namespace

Schedule::Schedule(const std::vector<std::chrono::milliseconds>& periods, double max_load,
                   double phase)
    : max_load_(max_load) {
    for (const nanoseconds period : periods) {
        const nanoseconds shift(
            static_cast<std::int64_t>(static_cast<double>(period.count()) * phase));
        groups_.push_back({period, shift, {}});
    }
}

void Schedule::restart() {
    all_due_ = true;
}

Steady::time_point Schedule::next() const {
    const Steady::time_point earliest = std::max(allowed_, paused_);
    if (all_due_) {
        return earliest;
    }
    Steady::time_point best = Steady::time_point::max();
    for (const Group& group : groups_) {
        const Steady::time_point when =
            group.next >= earliest
                ? group.next
                : grid_after(earliest - nanoseconds(1), group.period, group.phase);
        best = std::min(best, when);
    }
    return best;
}

Schedule::Due Schedule::take(Steady::time_point now) {
    Due due;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        Group& group = groups_[i];
        if (!all_due_ && group.next > now) {
            continue;
        }
        due.groups |= GroupMask{1} << i;
        if (!all_due_) {
            due.skipped += static_cast<std::uint64_t>((now - group.next) / group.period);
        }
        group.next = grid_after(now, group.period, group.phase);
    }
    all_due_ = false;
    return due;
}

void Schedule::worked(Steady::time_point start, nanoseconds busy) {
    const nanoseconds cost(
        static_cast<std::int64_t>(static_cast<double>(busy.count()) / max_load_));
    allowed_ = std::max(allowed_, start - kLoadCredit) + cost;
}

void Schedule::pause(Steady::time_point until) {
    paused_ = std::max(paused_, until);
}

}  // namespace hi6gw::poll
