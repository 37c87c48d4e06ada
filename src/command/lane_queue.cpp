#include "command/lane_queue.h"

#include <algorithm>
#include <utility>

namespace hi6gw::command {
namespace {

// Takes out what `which` says, in order.
template <class Predicate>
void move_out(std::deque<Command>& queue, std::vector<Command>& out, const Predicate& which) {
    std::deque<Command> rest;
    for (Command& command : queue) {
        if (which(command)) {
            out.push_back(std::move(command));
        } else {
            rest.push_back(std::move(command));
        }
    }
    queue = std::move(rest);
}

}  // namespace

bool LaneQueue::push(Command& command, std::vector<Command>& superseded) {
    const auto replaced = [&](const Command& older) {
        return command.address.width != hi6::Width::bit && older.address.width != hi6::Width::bit &&
               covers(command, older);
    };
    if (std::any_of(queue_.begin(), queue_.end(), replaced)) {
        move_out(queue_, superseded, replaced);
    } else if (queue_.size() >= capacity_) {
        return false;
    }
    queue_.push_back(std::move(command));
    return true;
}

LaneQueue::Queue::const_iterator LaneQueue::first_ready(std::span<const Bits> busy) const {
    if (busy.empty()) {
        return queue_.begin();
    }
    std::vector<Bits> passed(busy.begin(), busy.end());
    return std::find_if(queue_.begin(), queue_.end(), [&passed](const Command& command) {
        const Bits own = bits_of(command);
        const bool waits = std::any_of(passed.begin(), passed.end(),
                                       [&own](const Bits& bits) { return overlaps(bits, own); });
        if (waits) {
            passed.push_back(own);  // whoever writes the same bits stays behind it
        }
        return !waits;
    });
}

std::optional<Command> LaneQueue::pop(std::span<const Bits> busy) {
    const auto found = queue_.begin() + (first_ready(busy) - queue_.cbegin());
    if (found == queue_.end()) {
        return std::nullopt;
    }
    std::optional<Command> out(std::move(*found));
    queue_.erase(found);
    return out;
}

bool LaneQueue::newer_than(const Command& running) const {
    return std::any_of(queue_.begin(), queue_.end(), [&](const Command& queued) {
        return overlaps(bits_of(queued), bits_of(running));
    });
}

std::vector<Command> LaneQueue::take_expired(Clock::time_point now) {
    return take_if([now](const Command& command) { return now >= command.deadline; });
}

std::vector<Command> LaneQueue::take_if(const std::function<bool(const Command&)>& which) {
    std::vector<Command> out;
    if (std::any_of(queue_.begin(), queue_.end(), which)) {
        move_out(queue_, out, which);
    }
    return out;
}

std::vector<Command> LaneQueue::take_all() {
    std::vector<Command> out(std::make_move_iterator(queue_.begin()),
                             std::make_move_iterator(queue_.end()));
    queue_.clear();
    return out;
}

std::optional<Clock::time_point> LaneQueue::next_deadline() const {
    const auto first = std::min_element(
        queue_.begin(), queue_.end(),
        [](const Command& a, const Command& b) { return a.deadline < b.deadline; });
    return first == queue_.end() ? std::nullopt : std::optional(first->deadline);
}

}  // namespace hi6gw::command
