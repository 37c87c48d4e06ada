#pragma once
// Whose turn it is to publish, and which messages are on their way. Pure.

#include "mqtt/session.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace hi6gw::mqtt {

// The sources by priority, each priority served in turn.
class SourceRing {
  public:
    void add(Source& source, Priority priority) {
        ranks_.at(static_cast<std::size_t>(priority)).sources.push_back(&source);
    }
    void remove(const Source& source) {
        for (Rank& rank : ranks_) {
            std::erase(rank.sources, &source);
            rank.turn = 0;
        }
    }
    // Fills `out` with the next message and returns its source; null when nobody has one.
    [[nodiscard]] Source* next(Publication& out) {
        for (Rank& rank : ranks_) {
            for (std::size_t asked = 0; asked < rank.sources.size(); ++asked) {
                Source* const source = rank.sources[rank.turn % rank.sources.size()];
                rank.turn = (rank.turn + 1) % rank.sources.size();
                clear(out);
                if (source->next(out)) {
                    return source;
                }
            }
        }
        return nullptr;
    }

  private:
    struct Rank {
        std::vector<Source*> sources;
        std::size_t turn = 0;
    };
    static void clear(Publication& out) {  // keeps the strings' capacity
        out.topic.clear();
        out.payload.clear();
        out.correlation.clear();
        out.qos = 1;
        out.retain = false;
        out.awaited = true;
        out.ticket = {};
    }

    std::array<Rank, 4> ranks_;  // indexed by Priority
};

// Messages handed to Paho and not settled yet, each in a numbered slot.
class InFlight {
  public:
    explicit InFlight(std::uint32_t capacity) : slots_(capacity) {
        for (std::uint32_t slot = capacity; slot > 0; --slot) {
            free_.push_back(slot - 1);
        }
    }
    [[nodiscard]] std::uint32_t capacity() const {
        return static_cast<std::uint32_t>(slots_.size());
    }
    [[nodiscard]] std::size_t count() const { return slots_.size() - free_.size(); }

    // Only while count() < capacity().
    [[nodiscard]] std::uint32_t take(Source& source, const Ticket& ticket) {
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot] = {.source = &source, .ticket = ticket, .taken = true};
        return slot;
    }
    // Frees the slot and tells its source; a slot that is not taken is ignored. `acknowledged`: of
    // what arrived, when it was.
    void settle(std::uint32_t slot, bool arrived, const std::string& why,
                std::chrono::steady_clock::time_point acknowledged = {}) {
        if (slot >= slots_.size() || !slots_[slot].taken) {
            return;
        }
        Slot was = slots_[slot];
        was.ticket.acknowledged = acknowledged;
        slots_[slot] = {};
        free_.push_back(slot);
        if (was.source != nullptr) {
            was.source->settled(was.ticket, arrived, why);
        }
    }
    void settle_all_as_lost() {
        for (std::uint32_t slot = 0; slot < capacity(); ++slot) {
            settle(slot, false, {});
        }
    }
    // Its messages stay in their slots until they are settled, but nobody is told.
    void forget(const Source& source) {
        for (Slot& slot : slots_) {
            slot.source = slot.source == &source ? nullptr : slot.source;
        }
    }

  private:
    struct Slot {
        Source* source = nullptr;
        Ticket ticket;
        bool taken = false;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

}  // namespace hi6gw::mqtt
