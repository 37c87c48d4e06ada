#include "outbox/event_window.h"

#include <algorithm>
#include <ranges>

namespace hi6gw::outbox {

const Row* EventWindow::next(Steady::time_point now) {
    if (refused_ > 0 || (pause_ends_ != Steady::time_point::max() && now < pause_ends_)) {
        return nullptr;
    }
    pause_ends_ = Steady::time_point::max();
    while (next_ < entries_.size() && entries_[next_].state != State::waits) {
        ++next_;
    }
    if (next_ == entries_.size()) {
        return nullptr;
    }
    Entry& entry = entries_[next_++];
    ++counters_.sent;
    counters_.again += entry.sent ? 1U : 0U;
    entry.sent = true;
    entry.state = State::in_flight;
    ++in_flight_;
    return &entry.row;
}

void EventWindow::settled(std::uint64_t seq, Fate fate, Steady::time_point now) {
    const auto entry = std::ranges::lower_bound(
        entries_, seq, {}, [](const Entry& candidate) { return candidate.row.seq; });
    if (entry == entries_.end() || entry->row.seq != seq || entry->state != State::in_flight) {
        return;
    }
    --in_flight_;
    switch (fate) {
        case Fate::arrived:
            entry->state = State::arrived;
            break;
        case Fate::lost:
            entry->state = State::waits;
            next_ = 0;
            break;
        case Fate::refused:
            entry->state = State::refused;
            ++entry->refusals;
            ++refused_;
            break;
    }
    if (refused_ > 0 && in_flight_ == 0) {
        judge(now);
    }
    pop_arrived();
}

void EventWindow::judge(Steady::time_point now) {
    bool later_arrived = false;
    for (Entry& entry : entries_ | std::views::reverse) {
        later_arrived = later_arrived || entry.state == State::arrived;
        if (entry.state != State::refused) {
            continue;
        }
        entry.state = State::waits;
        if (later_arrived || entry.refusals >= kTries) {
            give_up(entry);
        } else {
            pause_ends_ = now + kPause;
        }
    }
    refused_ = 0;
    next_ = 0;
}

void EventWindow::give_up(Entry& entry) {
    if (entry.row.gap) {
        ++counters_.unsaid;
        entry.state = State::arrived;
        return;
    }
    ++counters_.given_up;
    entry.row.gap = true;
    entry.row.signal.clear();
    entry.row.body = gap_reason::kRefused;
    entry.refusals = 0;
    entry.sent = false;
}

void EventWindow::pop_arrived() {
    while (!entries_.empty() && entries_.front().state == State::arrived) {
        arrived_ = entries_.front().row.seq;
        entries_.pop_front();
        next_ -= std::min<std::size_t>(next_, 1);
    }
}

}  // namespace hi6gw::outbox
