#pragma once
// The head of one stream on its way to the broker: rows that are on the disk, in order, each sent
// until it has arrived. Several may be in flight; after a lost connection they are sent again from
// the first that has not arrived, so the first time that each arrives is in order.
//
// A row that the broker refuses holds the stream until the others in flight are settled. If a later
// one was taken, the refusal was meant for this one: in its place a gap is said. Else the stream
// pauses and sends it again, kTries times in all: its order is kept, and a broker that refuses
// everything for a while costs nothing. Pure; time comes in as an argument.

#include "base/clock.h"
#include "outbox/event.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace hi6gw::outbox {

class EventWindow {
  public:
    static constexpr std::size_t kCapacity = 512;  // rows
    static constexpr int kTries = 3;
    static constexpr std::chrono::seconds kPause{10};

    // Only while there is room(); rows come by ascending numbers.
    void append(Row row) { entries_.push_back({std::move(row)}); }
    [[nodiscard]] std::size_t room() const {
        return kCapacity - std::min(kCapacity, entries_.size());
    }

    // The next row to send, which is then in flight until it is settled; null: none for now.
    [[nodiscard]] const Row* next(Steady::time_point now);
    enum class Fate : std::uint8_t { arrived, lost, refused };
    // Lost: with the connection; it may have arrived all the same.
    void settled(std::uint64_t seq, Fate fate, Steady::time_point now);

    // All rows up to this number have arrived; 0: none.
    [[nodiscard]] std::uint64_t arrived() const { return arrived_; }
    // When a pause ends; max(): there is none.
    [[nodiscard]] Steady::time_point pause_ends() const { return pause_ends_; }

    struct Counters {
        std::uint64_t sent = 0;
        std::uint64_t again = 0;     // of these, sent before: may come to the consumer twice
        std::uint64_t given_up = 0;  // events that the broker refuses: a gap says so
        std::uint64_t unsaid = 0;    // gaps that it refuses as well
    };
    [[nodiscard]] const Counters& counters() const { return counters_; }

  private:
    enum class State : std::uint8_t { waits, in_flight, arrived, refused };
    struct Entry {
        Row row;
        State state = State::waits;
        bool sent = false;
        int refusals = 0;
    };
    void judge(Steady::time_point now);
    void give_up(Entry& entry);
    void pop_arrived();

    std::deque<Entry> entries_;
    std::size_t next_ = 0;  // no entry before it waits
    std::size_t in_flight_ = 0;
    std::size_t refused_ = 0;
    std::uint64_t arrived_ = 0;
    Steady::time_point pause_ends_ = Steady::time_point::max();
    Counters counters_;
};

}  // namespace hi6gw::outbox
