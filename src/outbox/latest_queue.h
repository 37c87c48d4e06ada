#pragma once
// Which items have something new to say, oldest first, each at most once: the queue is bounded by
// the number of items, and what is said is the item's latest state at the time it is taken out.
// Pure; amortised constant time.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hi6gw::outbox {

class LatestQueue {
  public:
    explicit LatestQueue(std::size_t items) : ring_(items), queued_(items, false) {}

    // No-op while the item is queued already: it keeps its place.
    void push(std::uint32_t item) {
        if (queued_[item]) {
            return;
        }
        queued_[item] = true;
        ring_[(head_ + size_) % ring_.size()] = item;
        ++size_;
    }
    // Precondition: !empty().
    std::uint32_t pop() {
        const std::uint32_t item = ring_[head_];
        head_ = (head_ + 1) % ring_.size();
        --size_;
        queued_[item] = false;
        return item;
    }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    void clear() {
        while (!empty()) {
            pop();
        }
    }

  private:
    std::vector<std::uint32_t> ring_;
    std::vector<bool> queued_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace hi6gw::outbox
