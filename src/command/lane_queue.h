#pragma once
// The commands that wait for one controller, and whose turn it is on its connection. Pure.

#include "command/command.h"

#include <deque>
#include <span>
#include <vector>

namespace hi6gw::command {

// First in, first out. A queued number (any width but a bit) is superseded by a newer number that
// overwrites all of it; one that overwrites a part of it waits behind it, because both count. Bits
// are all executed. `busy` are the bits of pulses that are not released yet: a command to one of
// them waits for that, else the release would undo it; what does not touch it goes past it.
class LaneQueue {
  public:
    explicit LaneQueue(std::size_t capacity = 256) : capacity_(capacity) {}

    // False: full, and `command` is left as it was. Superseded commands are appended to
    // `superseded`, to be ended by the caller.
    [[nodiscard]] bool push(Command& command, std::vector<Command>& superseded);
    [[nodiscard]] std::optional<Command> pop(std::span<const Bits> busy);
    // pop() would give one.
    [[nodiscard]] bool ready(std::span<const Bits> busy) const {
        return first_ready(busy) != queue_.end();
    }
    // Some queued command writes a bit that this one writes.
    [[nodiscard]] bool newer_than(const Command& running) const;
    // Those whose deadline has passed, oldest first; to be ended as expired.
    [[nodiscard]] std::vector<Command> take_expired(Clock::time_point now);
    // Everything: shutdown (aborted), or the controller went offline (controller_offline).
    [[nodiscard]] std::vector<Command> take_all();
    // When take_expired() will have something; nullopt: nothing is queued.
    [[nodiscard]] std::optional<Clock::time_point> next_deadline() const;
    [[nodiscard]] std::size_t size() const { return queue_.size(); }
    [[nodiscard]] bool empty() const { return queue_.empty(); }

  private:
    using Queue = std::deque<Command>;
    [[nodiscard]] Queue::const_iterator first_ready(std::span<const Bits> busy) const;

    std::size_t capacity_;
    Queue queue_;
};

enum class Turn : std::uint8_t { release, command, poll, idle };

// Who gets the connection for the next exchange: a release always; then a command, which so waits
// for no more than the request in flight; but after kInARow command exchanges while a poll was due,
// one poll, so that a flood of commands cannot starve the polling.
class Turns {
  public:
    static constexpr unsigned kInARow = 4;

    [[nodiscard]] Turn next(bool release_due, bool command_ready, bool poll_due) {
        if (release_due) {
            return Turn::release;
        }
        if (command_ready && (!poll_due || in_a_row_ < kInARow)) {
            in_a_row_ = poll_due ? in_a_row_ + 1 : 0;
            return Turn::command;
        }
        in_a_row_ = 0;
        return poll_due ? Turn::poll : Turn::idle;
    }

  private:
    unsigned in_a_row_ = 0;  // command exchanges since the last poll, while one was due
};

}  // namespace hi6gw::command
