#pragma once
// Events that are not on the disk yet, by stream, oldest first. Bounded: beyond the limit the
// oldest ones of the stream that has most go (policy drop_oldest), and it is kept how many, so that
// a gap can say so. Pure.

#include "outbox/event.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace hi6gw::outbox {

class EventBuffer {
  public:
    struct Stream {
        std::uint64_t lost = 0;    // before the first of `events`
        std::int64_t lost_ms = 0;  // timestamp of the last of them
        std::deque<Event> events;
        std::size_t bytes = 0;
        [[nodiscard]] bool empty() const { return lost == 0 && events.empty(); }
    };
    using Batch = std::vector<Stream>;  // by stream

    // `limit`: bytes, roughly.
    explicit EventBuffer(std::size_t limit) : limit_(limit) {}

    void push(std::uint32_t stream, Event event);
    // All there is, to be written.
    [[nodiscard]] Batch take();
    // What take() gave was not written: it stands again before what has come since.
    void put_back(Batch batch);

    [[nodiscard]] bool empty() const { return events_ == 0 && !lost_; }
    [[nodiscard]] std::size_t events() const { return events_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // since the start

  private:
    void keep_to_limit();

    std::size_t limit_;
    Batch streams_;
    std::size_t events_ = 0;
    std::size_t bytes_ = 0;
    bool lost_ = false;  // some stream has lost some
    std::uint64_t dropped_ = 0;
};

}  // namespace hi6gw::outbox
