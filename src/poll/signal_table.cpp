#include "poll/signal_table.h"

#include "hi6/codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace hi6gw::poll {
namespace {

using domain::Quality;
constexpr std::chrono::seconds kLeastStaleAfter{2};

double number(const domain::Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*integer);
    }
    if (const auto* real = std::get_if<float>(&value)) {
        return static_cast<double>(*real);
    }
    const auto* scaled = std::get_if<double>(&value);
    return scaled != nullptr ? *scaled : 0.0;
}

}  // namespace

SignalTable::SignalTable(std::span<const config::Signal> signals, Moment born,
                         outbox::EventSink* events, const SignalTable* before)
    : signals_(signals),
      slots_(signals.size()),
      events_(events),
      recorded_(events != nullptr ? signals.size() : 0),
      news_(signals.size()) {
    std::unordered_map<std::string_view, std::uint32_t> there;
    for (std::uint32_t i = 0; before != nullptr && i < before->size(); ++i) {
        there.emplace(before->signal(i).name, i);
    }
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        slots_[i].stamp_ms = born.wall_ms;
        const auto& rules = options(i);
        shortest_poll_ = i == 0 ? rules.poll : std::min(shortest_poll_, rules.poll);
        if (rules.min_interval.count() > 0 || rules.max_interval.count() > 0) {
            slots_[i].timed = static_cast<std::uint32_t>(timed_.size());
            timed_.push_back({born.steady - rules.min_interval});
            if (rules.max_interval.count() > 0) {
                timers_.push({born.steady + rules.max_interval, i, true});
            }
        }
        news_.push(i);
        const auto old = there.find(signals[i].name);
        const bool known = old != there.end() && take_over(i, *before, old->second);
        if (events_ != nullptr && !known) {
            record(i, born.wall_ms);
        }
    }
    attention_ = slots_.size();  // what was taken over is looked at with its next read, too
}

// False: it is another signal now. What no longer fits (events that were not recorded so far, say)
// starts anew by itself.
bool SignalTable::take_over(std::uint32_t signal, const SignalTable& before, std::uint32_t there) {
    if (before.signal(there).address != signals_[signal].address) {
        return false;
    }
    const Slot& old = before.slots_[there];
    Slot& slot = slots_[signal];
    slot.raw = old.raw;
    slot.published = old.raw;
    slot.stamp_ms = old.stamp_ms;
    slot.quality = old.quality;
    slot.known = old.known;
    slot.seen = before.read_at(old);
    slot.unsettled = true;
    if (slot.quality == Quality::good) {
        next_expiry_ = std::min(next_expiry_, slot.seen + stale_after(signal));
    }
    const bool recorded =
        events_ != nullptr && before.events_ != nullptr && before.options(there).events;
    if (recorded) {
        recorded_[signal] = before.recorded_[there];
    }
    return recorded || events_ == nullptr;
}

void SignalTable::arrange(std::span<const Place> places, std::uint32_t image_bytes) {
    // Until it is looked at again, a signal keeps the age it had: neighbours of another age that
    // now share its bytes must not make it older or younger.
    // Steady::max: a gap that no signal needs.
    std::vector<Steady::time_point> read_at(image_bytes, Steady::time_point::max());
    by_offset_.resize(slots_.size());
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        by_offset_[i] = i;
        Slot& slot = slots_[i];
        unsettle(slot);
        slot.place = places[i];
        std::fill_n(read_at.begin() + slot.place.offset, slot.place.bytes,
                    Steady::time_point::min());
    }
    read_at_ = std::move(read_at);
    image_.assign(image_bytes, std::byte{0});
    std::sort(by_offset_.begin(), by_offset_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return slots_[a].place.offset < slots_[b].place.offset;
    });
}

std::span<const std::uint32_t> SignalTable::touching(std::uint32_t from, std::uint32_t to) const {
    constexpr std::uint32_t kWidest = 4;
    const std::uint32_t low = from >= kWidest ? from - kWidest + 1 : 0;
    const auto before = [this](std::uint32_t signal, std::uint32_t offset) {
        return slots_[signal].place.offset < offset;
    };
    const auto first = std::lower_bound(by_offset_.begin(), by_offset_.end(), low, before);
    const auto last = std::lower_bound(first, by_offset_.end(), to, before);
    return {first, last};
}

bool SignalTable::differs(std::uint32_t image, std::span<const std::byte> bytes) const {
    return attention_ > 0 || std::memcmp(image_.data() + image, bytes.data(), bytes.size()) != 0;
}

std::uint32_t SignalTable::apply(std::uint32_t image, std::span<const std::byte> bytes,
                                 const Moment& at) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    if (size == 0) {
        return 0;
    }
    const std::uint32_t end = image + size;
    const bool same = std::memcmp(image_.data() + image, bytes.data(), size) == 0;
    if (same && attention_ == 0) {
        std::fill_n(read_at_.begin() + image, size, at.steady);
        return 0;
    }
    std::uint32_t changes = 0;
    for (const std::uint32_t signal : touching(image, end)) {
        Slot& slot = slots_[signal];
        const std::uint32_t from = std::max(slot.place.offset, image);
        const std::uint32_t to = std::min(slot.place.offset + slot.place.bytes, end);
        if (from >= to) {
            continue;
        }
        const bool changed =
            std::memcmp(image_.data() + from, bytes.data() + (from - image), to - from) != 0;
        if (!changed && !needs_attention(slot)) {
            continue;
        }
        if (to - from < slot.place.bytes) {
            // Half of it is new, half of it old: no value. Look at it again when an answer covers
            // it whole.
            if (changed) {
                unsettle(slot);
            }
            continue;
        }
        const auto own = bytes.subspan(from - image, slot.place.bytes);
        const std::uint32_t raw = hi6::extract(own, signals_[signal].address.width, slot.place.bit);
        changes += look_at(signal, raw, at) ? 1U : 0U;
    }
    std::fill_n(read_at_.begin() + image, size, at.steady);
    std::memcpy(image_.data() + image, bytes.data(), size);
    return changes;
}

std::uint32_t SignalTable::note(std::uint32_t signal, std::uint32_t raw, const Moment& at) {
    Slot& slot = slots_[signal];
    const bool changed = look_at(signal, raw, at);
    slot.seen = at.steady;
    settle(slot, true);
    return changed ? 1 : 0;
}

bool SignalTable::look_at(std::uint32_t signal, std::uint32_t raw, const Moment& at) {
    Slot& slot = slots_[signal];
    settle(slot, false);
    if (!value_of(signal, raw)) {  // NaN, infinite
        set_quality(signal, Quality::bad_data, at.wall_ms);
        return false;
    }
    const bool recovered = slot.quality != Quality::good;
    const bool changed = !slot.known || raw != slot.raw;
    if (!recovered && !changed) {
        return false;
    }
    slot.raw = raw;
    slot.known = true;
    if (recovered) {
        slot.quality = Quality::good;
        settle(slot, false);
        --attention_;
        next_expiry_ = std::min(next_expiry_, at.steady + stale_after(signal));
    }
    // min_interval holds back states, not events: each has a dead band of its own.
    if (events_ != nullptr && (recovered || !within_deadband(signal, recorded_[signal].raw))) {
        record(signal, at.wall_ms);
    }
    offer(signal, recovered, at);
    return changed;
}

// Decides whether a new value is worth a message now, later, or not at all.
void SignalTable::offer(std::uint32_t signal, bool recovered, const Moment& at) {
    Slot& slot = slots_[signal];
    if (!recovered && within_deadband(signal, slot.published)) {
        return;
    }
    if (!recovered && slot.timed != kUntimed) {
        Timed& timed = timed_[slot.timed];
        const Steady::time_point free = timed.published + options(signal).min_interval;
        if (at.steady < free) {
            timed.throttled = true;
            arm(signal, timed);
            return;
        }
    }
    put_up(signal, at);
}

// At most one entry a signal, however often it is throttled, fails and recovers.
void SignalTable::arm(std::uint32_t signal, Timed& timed) {
    if (!timed.armed) {
        timed.armed = true;
        timers_.push({timed.published + options(signal).min_interval, signal, false});
    }
}

void SignalTable::put_up(std::uint32_t signal, const Moment& at) {
    Slot& slot = slots_[signal];
    slot.published = slot.raw;
    slot.stamp_ms = std::max(slot.stamp_ms, at.wall_ms);
    if (slot.timed != kUntimed) {
        timed_[slot.timed].published = at.steady;
        timed_[slot.timed].throttled = false;
    }
    news_.push(signal);
}

void SignalTable::mark(std::uint32_t image, std::uint32_t bytes, Quality quality,
                       std::int64_t wall_ms) {
    for (const std::uint32_t signal : touching(image, image + bytes)) {
        const Place& place = slots_[signal].place;
        if (place.offset + place.bytes > image) {
            set_quality(signal, quality, wall_ms);
        }
    }
}

void SignalTable::mark_signal(std::uint32_t signal, Quality quality, std::int64_t wall_ms) {
    set_quality(signal, quality, wall_ms);
}

void SignalTable::mark_all(Quality quality, std::int64_t wall_ms) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        set_quality(i, quality, wall_ms);
    }
}

void SignalTable::set_quality(std::uint32_t signal, Quality quality, std::int64_t wall_ms) {
    Slot& slot = slots_[signal];
    if (slot.quality == quality) {
        return;
    }
    const bool needed = needs_attention(slot);
    slot.quality = quality;
    attention_ += needs_attention(slot) ? 1U : 0U;
    attention_ -= needed ? 1U : 0U;
    slot.published = slot.raw;
    slot.stamp_ms = std::max(slot.stamp_ms, wall_ms);
    news_.push(signal);
    if (events_ != nullptr) {
        record(signal, wall_ms);
    }
}

// An event, where the signal has them.
void SignalTable::record(std::uint32_t signal, std::int64_t wall_ms) {
    const config::Signal& spec = signals_[signal];
    if (!spec.options->events) {
        return;
    }
    const Slot& slot = slots_[signal];
    Recorded& last = recorded_[signal];
    last.raw = slot.raw;
    last.stamp_ms = std::max(last.stamp_ms, wall_ms);
    const domain::Value value =
        slot.known ? value_of(signal, slot.raw).value_or(domain::Value{}) : domain::Value{};
    events_->event(spec.name, value, last.stamp_ms, slot.quality,
                   slot.known ? text_of(signal, slot.raw) : nullptr);
}

// From here on bytes under the signal may be fresher than its value.
void SignalTable::unsettle(Slot& slot) {
    if (!slot.unsettled) {
        slot.seen = read_at(slot);
        settle(slot, true);
    }
}

void SignalTable::settle(Slot& slot, bool unsettled) {
    const bool needed = needs_attention(slot);
    slot.unsettled = unsettled;
    attention_ += needs_attention(slot) ? 1U : 0U;
    attention_ -= needed ? 1U : 0U;
}

std::optional<domain::Value> SignalTable::value_of(std::uint32_t signal, std::uint32_t raw) const {
    return hi6::decode(raw, signals_[signal].address.width, options(signal));
}

bool SignalTable::within_deadband(std::uint32_t signal, std::uint32_t before) const {
    const double deadband = options(signal).deadband;
    if (deadband <= 0.0) {
        return false;
    }
    const auto now = value_of(signal, slots_[signal].raw);
    const auto then = value_of(signal, before);
    return now && then && std::abs(number(*now) - number(*then)) <= deadband;
}

Steady::time_point SignalTable::read_at(const Slot& slot) const {
    if (slot.unsettled) {
        return slot.seen;
    }
    if (read_at_.empty()) {
        return Steady::time_point::min();
    }
    const auto first = read_at_.begin() + slot.place.offset;
    return *std::min_element(first, first + slot.place.bytes);
}

std::chrono::nanoseconds SignalTable::stale_after(std::uint32_t signal) const {
    const std::chrono::nanoseconds period = options(signal).poll;
    return std::max<std::chrono::nanoseconds>(3 * std::max(period, sweep_), kLeastStaleAfter);
}

// Shorter sweeps bring the limits nearer, by three times the difference at most.
void SignalTable::set_sweep_time(std::chrono::nanoseconds sweep) {
    sweep =
        std::max<std::chrono::nanoseconds>(sweep, std::chrono::nanoseconds(kLeastStaleAfter) / 3);
    if (sweep < sweep_ && next_expiry_ != Steady::time_point::max()) {
        next_expiry_ -= 3 * (sweep_ - sweep);
    }
    sweep_ = sweep;
}

void SignalTable::expire(const Moment& now, Quality quality) {
    const std::chrono::nanoseconds least = std::max<std::chrono::nanoseconds>(
        3 * std::max<std::chrono::nanoseconds>(shortest_poll_, sweep_), kLeastStaleAfter);
    const auto oldest = std::min_element(read_at_.begin(), read_at_.end());
    if (attention_ == 0 && oldest != read_at_.end() && now.steady < *oldest + least) {
        next_expiry_ = *oldest + least;
        return;
    }
    next_expiry_ = Steady::time_point::max();
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].quality != Quality::good) {
            continue;
        }
        const Steady::time_point limit = read_at(slots_[i]) + stale_after(i);
        if (limit <= now.steady) {
            set_quality(i, quality, now.wall_ms);
        } else {
            next_expiry_ = std::min(next_expiry_, limit);
        }
    }
}

// The same point in time, but told with the wall clock's time of the signal's last read.
Moment SignalTable::read_moment(const Slot& slot, const Moment& now) const {
    if (slot.quality != Quality::good) {
        return {now.steady, slot.stamp_ms};
    }
    const auto age =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - read_at(slot));
    return {now.steady, now.wall_ms - age.count()};
}

void SignalTable::run_timers(const Moment& now) {
    while (!timers_.empty() && timers_.top().when <= now.steady) {
        const TimerEntry entry = timers_.top();
        timers_.pop();
        const Slot& slot = slots_[entry.signal];
        Timed& timed = timed_[slot.timed];
        const auto& rules = options(entry.signal);
        if (entry.heartbeat) {
            if (timed.published + rules.max_interval <= now.steady) {
                put_up(entry.signal, read_moment(slot, now));
            }
            timers_.push({timed.published + rules.max_interval, entry.signal, true});
            continue;
        }
        timed.armed = false;
        if (timed.throttled && timed.published + rules.min_interval > now.steady) {
            arm(entry.signal, timed);  // it was published meanwhile, and throttled again
        } else if (timed.throttled) {
            timed.throttled = false;
            if (slot.raw != slot.published && !within_deadband(entry.signal, slot.published)) {
                put_up(entry.signal, read_moment(slot, now));
            }
        }
    }
}

Steady::time_point SignalTable::next_deadline() const {
    return timers_.empty() ? next_expiry_ : std::min(next_expiry_, timers_.top().when);
}

bool SignalTable::next(std::uint32_t& signal) {
    if (news_.empty()) {
        return false;
    }
    signal = news_.pop();
    return true;
}

void SignalTable::publish_all(const Moment& now) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        Slot& slot = slots_[i];
        slot.published = slot.raw;
        slot.stamp_ms = std::max(slot.stamp_ms, read_moment(slot, now).wall_ms);
        news_.push(i);
    }
}

SignalTable::State SignalTable::state(std::uint32_t signal) const {
    const Slot& slot = slots_[signal];
    State state;
    state.quality = slot.quality;
    state.timestamp_ms = slot.stamp_ms;
    if (!slot.known) {
        return state;
    }
    state.value = value_of(signal, slot.published).value_or(domain::Value{});
    state.read_at = read_at(slot);
    if (!options(signal).texts.empty()) {
        state.text = text_of(signal, slot.published);
    }
    return state;
}

const std::string* SignalTable::text_of(std::uint32_t signal, std::uint32_t raw) const {
    const auto& texts = options(signal).texts;
    const std::int64_t key = hi6::enum_key(raw, signals_[signal].address.width, options(signal));
    const auto found =
        std::lower_bound(texts.begin(), texts.end(), key,
                         [](const auto& entry, std::int64_t k) { return entry.first < k; });
    return found != texts.end() && found->first == key ? &found->second : nullptr;
}

}  // namespace hi6gw::poll
