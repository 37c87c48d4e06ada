#pragma once
// Messages on their way in, bounded: what comes faster than it is looked at is dropped, newest
// first, and counted. A broker may send 256 MB in one message, so bytes are bounded too. Pure.

#include "mqtt/session.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace hi6gw::mqtt {

class InboundQueue {
  public:
    static constexpr std::size_t kMostMessages = 10'000;
    static constexpr std::size_t kMostBytes = std::size_t{16} * 1024 * 1024;

    void push(Inbound&& message) {
        const std::size_t size = size_of(message);
        if (messages_.size() >= kMostMessages || bytes_ + size > kMostBytes) {
            ++dropped_;
            return;
        }
        bytes_ += size;
        messages_.push_back(std::move(message));
    }
    [[nodiscard]] std::optional<Inbound> pop() {
        if (messages_.empty()) {
            return std::nullopt;
        }
        std::optional<Inbound> first = std::move(messages_.front());
        messages_.pop_front();
        bytes_ -= size_of(*first);
        return first;
    }
    // All that is in the other queue, its count of dropped ones included.
    void append(InboundQueue& other) {
        if (messages_.empty()) {
            messages_.swap(other.messages_);
            std::swap(bytes_, other.bytes_);
        }
        while (std::optional<Inbound> message = other.pop()) {
            push(std::move(*message));
        }
        dropped_ += std::exchange(other.dropped_, 0);
    }
    [[nodiscard]] bool empty() const { return messages_.empty(); }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
    void clear() {
        messages_.clear();
        bytes_ = 0;
        dropped_ = 0;
    }

  private:
    static std::size_t size_of(const Inbound& message) {
        std::size_t size = message.topic.size() + message.payload.size() +
                           message.response_topic.size() + message.correlation.size();
        for (const auto& [name, value] : message.user_properties) {
            size += name.size() + value.size();
        }
        return size;
    }

    std::deque<Inbound> messages_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace hi6gw::mqtt
