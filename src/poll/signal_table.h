#pragma once
// What the gateway knows of one controller's signals: the raw image, each signal's last published
// value, quality and time, and which of them have something new to say. Pure; no clock, no socket.
//
// The path that counts: an answer equal to the image, with nothing in need of attention, costs one
// compare and a time stamp per byte, allocates nothing and touches no signal.

#include "base/clock.h"
#include "config/config.h"
#include "domain/quality.h"
#include "domain/value.h"
#include "outbox/event.h"
#include "outbox/latest_queue.h"
#include "poll/sweep_plan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <vector>

namespace hi6gw::poll {

struct Moment {
    Steady::time_point steady;
    std::int64_t wall_ms = 0;  // since the epoch, UTC
};

class SignalTable {
  public:
    // `signals` outlives the table, and so does `events`, which is null where no signal has any:
    // then events cost nothing. Signals that `before` has, under the same name at the same address,
    // are what they were there, as old as they were. All others start as not_read, stamped `born`,
    // and that is an event too. Everything is news.
    SignalTable(std::span<const config::Signal> signals, Moment born,
                outbox::EventSink* events = nullptr, const SignalTable* before = nullptr);

    // Takes over a new layout. Values, qualities and times stay; every signal is looked at again
    // with its next read.
    void arrange(std::span<const Place> places, std::uint32_t image_bytes);

    // Fresh bytes for [image, image + bytes.size()). Returns how many signals changed their value.
    std::uint32_t apply(std::uint32_t image, std::span<const std::byte> bytes, const Moment& at);
    // One signal's raw bits from elsewhere than the image: a single read of its own. The next
    // apply() over it looks at it again, whatever the image says.
    std::uint32_t note(std::uint32_t signal, std::uint32_t raw, const Moment& at);
    // Whether apply() would find anything new in these bytes.
    [[nodiscard]] bool differs(std::uint32_t image, std::span<const std::byte> bytes) const;
    // All signals with a byte in [image, image + bytes) could not be read: their value is kept,
    // their quality is `quality`.
    void mark(std::uint32_t image, std::uint32_t bytes, domain::Quality quality,
              std::int64_t wall_ms);
    void mark_signal(std::uint32_t signal, domain::Quality quality, std::int64_t wall_ms);
    void mark_all(domain::Quality quality, std::int64_t wall_ms);
    // Signals in need of a look even when the bytes are the same (not good, or never looked at as
    // laid out now).
    [[nodiscard]] std::size_t attention() const { return attention_; }

    // --- time
    // Good values older than max(3 * max(poll, sweep), 2 s) become `quality`.
    void expire(const Moment& now, domain::Quality quality);
    // `sweep`: from the start of one sweep to the start of the next, when that is more than `poll`.
    void set_sweep_time(std::chrono::nanoseconds sweep);
    // Publishes throttled values (min_interval) and heartbeats (max_interval) whose time has come.
    void run_timers(const Moment& now);
    // When expire() or run_timers() has something to do next; max() when never.
    [[nodiscard]] Steady::time_point next_deadline() const;

    // --- publication
    // The next signal to publish, its state being that of this moment. False: nothing to say.
    bool next(std::uint32_t& signal);
    [[nodiscard]] bool has_news() const { return !news_.empty(); }
    void publish_again(std::uint32_t signal) { news_.push(signal); }
    // Everything, with the time of the last read: after a reconnect to the broker.
    void publish_all(const Moment& now);
    void forget_news() { news_.clear(); }

    struct State {
        domain::Value value;
        domain::Quality quality = domain::Quality::not_read;
        std::int64_t timestamp_ms = 0;
        const std::string* text = nullptr;  // of `values:`, or null
        Steady::time_point read_at;         // of the value
    };
    [[nodiscard]] State state(std::uint32_t signal) const;
    [[nodiscard]] const config::Signal& signal(std::uint32_t signal) const {
        return signals_[signal];
    }
    [[nodiscard]] std::size_t size() const { return signals_.size(); }
    [[nodiscard]] std::span<const std::byte> image(std::uint32_t from, std::uint32_t bytes) const {
        return std::span(image_).subspan(from, bytes);
    }

  private:
    struct Slot {
        std::uint32_t raw = 0;        // as last read with good quality
        std::uint32_t published = 0;  // as last put up for publication
        std::int64_t stamp_ms = 0;    // never goes back
        std::uint32_t timed = kUntimed;
        Steady::time_point seen;  // while unsettled: when the value was read
        Place place;
        domain::Quality quality = domain::Quality::not_read;
        bool known = false;      // raw holds a value
        bool unsettled = false;  // the image under it changed without its being looked at whole
    };
    struct Timed {  // of signals with min_interval or max_interval
        Steady::time_point published;
        bool throttled = false;
        bool armed = false;  // timers_ has an entry for the end of a throttle
    };
    struct Recorded {  // the last event
        std::uint32_t raw = 0;
        std::int64_t stamp_ms = 0;  // never goes back
    };
    struct TimerEntry {
        Steady::time_point when;
        std::uint32_t signal = 0;
        bool heartbeat = false;  // or the end of a throttle
        bool operator>(const TimerEntry& other) const { return when > other.when; }
    };
    static constexpr std::uint32_t kUntimed = 0xffffffff;

    [[nodiscard]] const domain::SignalOptions& options(std::uint32_t signal) const {
        return *signals_[signal].options;
    }
    [[nodiscard]] std::span<const std::uint32_t> touching(std::uint32_t from,
                                                          std::uint32_t to) const;
    [[nodiscard]] Steady::time_point read_at(const Slot& slot) const;
    [[nodiscard]] Moment read_moment(const Slot& slot, const Moment& now) const;
    [[nodiscard]] std::chrono::nanoseconds stale_after(std::uint32_t signal) const;
    bool take_over(std::uint32_t signal, const SignalTable& before, std::uint32_t there);
    void unsettle(Slot& slot);
    bool look_at(std::uint32_t signal, std::uint32_t raw, const Moment& at);
    void offer(std::uint32_t signal, bool recovered, const Moment& at);
    void put_up(std::uint32_t signal, const Moment& at);
    void set_quality(std::uint32_t signal, domain::Quality quality, std::int64_t wall_ms);
    void settle(Slot& slot, bool unsettled);
    void record(std::uint32_t signal, std::int64_t wall_ms);
    void arm(std::uint32_t signal, Timed& timed);
    [[nodiscard]] static bool needs_attention(const Slot& slot) {
        return slot.quality != domain::Quality::good || slot.unsettled;
    }
    [[nodiscard]] bool within_deadband(std::uint32_t signal, std::uint32_t before) const;
    [[nodiscard]] const std::string* text_of(std::uint32_t signal, std::uint32_t raw) const;
    [[nodiscard]] std::optional<domain::Value> value_of(std::uint32_t signal,
                                                        std::uint32_t raw) const;

    std::span<const config::Signal> signals_;
    std::vector<Slot> slots_;
    std::vector<Timed> timed_;
    outbox::EventSink* events_;
    std::vector<Recorded> recorded_;        // by signal; empty without `events_`
    std::vector<std::uint32_t> by_offset_;  // signals sorted by image offset
    std::vector<std::byte> image_;
    std::vector<Steady::time_point> read_at_;  // by image byte
    std::size_t attention_ = 0;
    outbox::LatestQueue news_;
    std::priority_queue<TimerEntry, std::vector<TimerEntry>, std::greater<>> timers_;
    std::chrono::nanoseconds sweep_{0};
    std::chrono::milliseconds shortest_poll_{0};
    Steady::time_point next_expiry_ = Steady::time_point::max();
};

}  // namespace hi6gw::poll
