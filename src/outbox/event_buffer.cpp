#include "outbox/event_buffer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hi6gw::outbox {
namespace {

// What an event takes in memory besides its text, in a deque and on the heap.
constexpr std::size_t kOverhead = 96;

std::size_t size_of(const Event& event) {
    return event.signal.size() + event.body.size() + kOverhead;
}

}  // namespace

void EventBuffer::push(std::uint32_t stream, Event event) {
    if (stream >= streams_.size()) {
        streams_.resize(stream + 1);
    }
    const std::size_t bytes = size_of(event);
    streams_[stream].events.push_back(std::move(event));
    streams_[stream].bytes += bytes;
    bytes_ += bytes;
    ++events_;
    keep_to_limit();
}

EventBuffer::Batch EventBuffer::take() {
    events_ = 0;
    bytes_ = 0;
    lost_ = false;
    return std::exchange(streams_, Batch(streams_.size()));
}

void EventBuffer::put_back(Batch batch) {
    streams_.resize(std::max(streams_.size(), batch.size()));
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Stream& older = batch[i];
        Stream& newer = streams_[i];
        events_ += older.events.size();
        bytes_ += older.bytes;
        lost_ = lost_ || older.lost > 0;
        if (newer.lost > 0) {  // what was lost meanwhile came after all of the older ones
            dropped_ += older.events.size();
            events_ -= older.events.size();
            bytes_ -= older.bytes;
            newer.lost += older.lost + older.events.size();
            continue;
        }
        newer.bytes += older.bytes;
        newer.lost = older.lost;
        newer.lost_ms = older.lost_ms;
        std::ranges::move(newer.events, std::back_inserter(older.events));
        newer.events = std::move(older.events);
    }
    keep_to_limit();
}

void EventBuffer::keep_to_limit() {
    while (bytes_ > limit_) {
        Stream& largest = *std::ranges::max_element(streams_, {}, &Stream::bytes);
        const std::size_t bytes = size_of(largest.events.front());
        largest.lost_ms = largest.events.front().at_ms;
        largest.events.pop_front();
        largest.bytes -= bytes;
        bytes_ -= bytes;
        --events_;
        ++largest.lost;
        ++dropped_;
        lost_ = true;
    }
}

}  // namespace hi6gw::outbox
