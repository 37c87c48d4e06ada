#pragma once
// A signal table over a small piece of controller memory, driven by hand.

#include "domain/signal_options.h"
#include "poll/signal_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::poll::testing_bench {

using domain::Quality;
using namespace std::chrono_literals;

inline config::Signal signal(const std::string& address,
                             const std::function<void(domain::SignalOptions&)>& set = {}) {
    domain::SignalOptions options;
    if (set) {
        set(options);
    }
    return {address, hi6::parse_address(address, hi6::IndexUnit::byte).value(),
            std::make_shared<const domain::SignalOptions>(options)};
}

// The raw bits of a signal, from the bytes of its area: sums of powers, no shared code.
inline std::uint64_t raw_of(const hi6::Address& address, std::span<const std::uint8_t> memory) {
    if (address.width == hi6::Width::bit) {
        return memory[address.index / 8] / (1U << address.index % 8) % 2;
    }
    std::uint64_t sum = 0;
    const std::size_t bytes = address.width == hi6::Width::byte   ? 1
                              : address.width == hi6::Width::word ? 2
                                                                  : 4;
    for (std::size_t i = bytes; i > 0; --i) {
        sum = sum * 256 + memory[address.index + i - 1];
    }
    return sum;
}

// What that means; nullopt: not a number.
inline std::optional<domain::Value> meaning(const hi6::Address& address, std::uint64_t raw) {
    switch (address.width) {
        case hi6::Width::bit:
            return domain::Value(std::int64_t(raw));
        case hi6::Width::byte:
            return domain::Value(std::int64_t(raw) - (raw >= 128 ? 256 : 0));
        case hi6::Width::word:
            return domain::Value(std::int64_t(raw) - (raw >= 32768 ? 65536 : 0));
        case hi6::Width::dword:
            return domain::Value(std::int64_t(raw) - (raw >= 2147483648U ? 4294967296 : 0));
        case hi6::Width::real:
            break;
    }
    const auto real = std::bit_cast<float>(static_cast<std::uint32_t>(raw));
    return std::isfinite(real) ? std::optional(domain::Value(real)) : std::nullopt;
}

struct Said {
    std::uint32_t signal = 0;
    domain::Value value;
    Quality quality = Quality::not_read;
    std::int64_t ts = 0;
    bool operator==(const Said&) const = default;
};

inline void PrintTo(const Said& said, std::ostream* out) {
    *out << "signal " << said.signal << " quality " << int(said.quality) << " ts " << said.ts
         << " value ";
    std::visit(
        [out](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
                *out << "null";
            } else {
                *out << value;
            }
        },
        said.value);
}

struct Happened {
    std::string signal;
    domain::Value value;
    Quality quality = Quality::not_read;
    std::int64_t ts = 0;
    std::string text;
    bool operator==(const Happened&) const = default;
};
inline void PrintTo(const Happened& event, std::ostream* out) {
    *out << event.signal << ' ';
    PrintTo(Said{0, event.value, event.quality, event.ts}, out);
}

class EventLog final : public outbox::EventSink {
  public:
    void event(const std::string& signal, const domain::Value& value, std::int64_t timestamp_ms,
               Quality quality, const std::string* text) override {
        events.push_back(
            {signal, value, quality, timestamp_ms, text != nullptr ? *text : std::string()});
    }
    std::vector<Happened> take() { return std::exchange(events, {}); }
    std::vector<Happened> events;
};

class Bench {
  public:
    static constexpr std::int64_t kWall = 1'763'900'000'000;

    explicit Bench(std::vector<config::Signal> list)
        : signals(std::move(list)), table(signals, moment(), has_events() ? &events : nullptr) {
        arrange();
    }
    void arrange() {
        std::vector<Place> places;
        for (const auto& s : signals) {
            places.push_back({hi6::first_byte(s.address, hi6::IndexUnit::byte),
                              static_cast<std::uint8_t>(hi6::width_bytes(s.address.width)),
                              static_cast<std::uint8_t>(hi6::bit_in_byte(s.address))});
        }
        table.arrange(places, static_cast<std::uint32_t>(memory.size()));
    }
    [[nodiscard]] Moment moment() const {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed);
        return {Steady::time_point(1000s) + elapsed, kWall + ms.count() + wall_step};
    }
    std::uint32_t read() { return read(0, static_cast<std::uint32_t>(memory.size())); }
    std::uint32_t read(std::uint32_t from, std::uint32_t bytes) {
        return table.apply(from, std::as_bytes(std::span(memory)).subspan(from, bytes), moment());
    }
    [[nodiscard]] bool has_events() const {
        return std::ranges::any_of(signals,
                                   [](const config::Signal& one) { return one.options->events; });
    }
    void put(std::uint32_t byte, std::uint8_t value) { memory[byte] = value; }
    void put_word(std::uint32_t byte, int value) {
        memory[byte] = static_cast<std::uint8_t>(value & 0xff);
        memory[byte + 1] = static_cast<std::uint8_t>(value >> 8 & 0xff);
    }
    void put_real(std::uint32_t byte, float value) { std::memcpy(&memory[byte], &value, 4); }
    // What would be published now.
    std::vector<Said> said() {
        std::vector<Said> list;
        std::uint32_t signal = 0;
        while (table.next(signal)) {
            const SignalTable::State state = table.state(signal);
            list.push_back({signal, state.value, state.quality, state.timestamp_ms});
        }
        return list;
    }
    void housekeeping() {
        table.expire(moment(), Quality::unreachable);
        table.run_timers(moment());
    }

    std::vector<config::Signal> signals;
    std::array<std::uint8_t, 32> memory{};
    std::chrono::nanoseconds elapsed{0};
    std::int64_t wall_step = 0;
    EventLog events;
    SignalTable table;
};

}  // namespace hi6gw::poll::testing_bench
