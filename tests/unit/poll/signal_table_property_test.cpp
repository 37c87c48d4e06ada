// The table against independent models, over random layouts, reads and times.

#include "table_bench.h"

#include <map>
#include <random>

namespace hi6gw::poll {
namespace {

using namespace testing_bench;

class Chance {
  public:
    explicit Chance(std::uint32_t seed) : random_(seed) {}
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random_() % bound);
    }
    bool one_in(std::uint32_t n) { return below(n) == 0; }

  private:
    std::mt19937 random_;
};

config::Signal any_signal(Chance& chance,
                          const std::function<void(domain::SignalOptions&)>& set = {}) {
    static constexpr std::array<std::pair<const char*, std::uint32_t>, 5> kWidths{
        {{"", 96}, {"b", 12}, {"w", 11}, {"l", 9}, {"f", 9}}};
    const auto& [suffix, places] = kWidths[chance.below(5)];
    return signal("fb0.do" + std::string(suffix) + std::to_string(chance.below(places)), set);
}

// What a signal is by its last whole read.
struct Model {
    bool known = false;
    std::uint64_t raw = 0;
    Quality quality = Quality::not_read;
    Steady::time_point read_at;
};

TEST(SignalTableProperty, APublishedValueIsThatOfOneSnapshot) {
    for (std::uint32_t seed = 0; seed < 300; ++seed) {
        Chance chance(seed);
        std::vector<config::Signal> signals;
        for (std::uint32_t i = 0; i < 1 + chance.below(12); ++i) {
            signals.push_back(any_signal(chance));
        }
        Bench bench(signals);
        std::vector<Model> models(signals.size());
        bench.said();
        for (int step = 0; step < 300; ++step) {
            bench.elapsed += 1ms;
            for (std::uint32_t n = chance.below(4); n > 0; --n) {
                // Few distinct bytes, so that values also come back to what they were.
                static constexpr std::uint8_t kBytes[] = {0, 1, 0x7f, 0x80, 0xc0, 0xff};
                bench.put(chance.below(16), kBytes[chance.below(6)]);
            }
            if (chance.one_in(40)) {
                bench.arrange();
            }
            if (chance.one_in(40)) {
                const auto which = chance.below(static_cast<std::uint32_t>(signals.size()));
                bench.table.mark_signal(which, Quality::refused, bench.moment().wall_ms);
                models[which].quality = Quality::refused;
            }
            bench.said();
            const std::vector<Model> before = models;
            const std::uint32_t from = chance.below(16);
            const std::uint32_t bytes = 1 + chance.below(16 - from);
            const std::uint32_t changes = bench.read(from, bytes);
            std::uint32_t expected_changes = 0;
            std::map<std::uint32_t, bool> expected;  // what is said
            for (std::uint32_t i = 0; i < signals.size(); ++i) {
                const auto& address = signals[i].address;
                const auto first = hi6::first_byte(address, hi6::IndexUnit::byte);
                if (first < from || first + hi6::width_bytes(address.width) > from + bytes) {
                    continue;
                }
                Model& model = models[i];
                const std::uint64_t raw = raw_of(address, bench.memory);
                const bool sound = meaning(address, raw).has_value();
                if (sound) {
                    expected_changes += !model.known || model.raw != raw ? 1 : 0;
                    model.known = true;
                    model.raw = raw;
                    model.read_at = bench.moment().steady;
                }
                model.quality = sound ? Quality::good : Quality::bad_data;
                if (model.quality != before[i].quality || (sound && model.raw != before[i].raw)) {
                    expected[i] = true;
                }
            }
            ASSERT_EQ(changes, expected_changes) << "seed " << seed << " step " << step;
            std::map<std::uint32_t, bool> said;
            for (const Said& one : bench.said()) {
                said[one.signal] = true;
            }
            ASSERT_EQ(said, expected) << "seed " << seed << " step " << step;
            for (std::uint32_t i = 0; i < signals.size(); ++i) {
                const SignalTable::State state = bench.table.state(i);
                ASSERT_EQ(state.quality, models[i].quality) << signals[i].name << " seed " << seed;
                if (!models[i].known) {
                    ASSERT_EQ(state.value, domain::Value{});
                    continue;
                }
                ASSERT_EQ(state.value, *meaning(signals[i].address, models[i].raw))
                    << signals[i].name << " seed " << seed << " step " << step;
                ASSERT_GE(state.read_at, models[i].read_at);
            }
        }
    }
}

// Housekeeping at next_deadline() only says the same at the same times as housekeeping always.
TEST(SignalTableProperty, NextDeadlineIsEarlyEnough) {
    static constexpr std::chrono::milliseconds kPolls[] = {100ms, 1000ms, 3000ms};
    static constexpr std::chrono::milliseconds kIntervals[] = {0ms, 50ms, 700ms};
    for (std::uint32_t seed = 0; seed < 60; ++seed) {
        Chance chance(seed);
        std::vector<config::Signal> signals;
        for (std::uint32_t i = 0; i < 1 + chance.below(6); ++i) {
            signals.push_back(any_signal(chance, [&](auto& o) {
                o.poll = kPolls[chance.below(3)];
                o.min_interval = kIntervals[chance.below(3)];
                o.max_interval = 3 * kIntervals[chance.below(3)];
                o.deadband = chance.below(2) * 3.0;
            }));
        }
        Bench always(signals);
        Bench lazy(signals);
        std::vector<Steady::time_point> whole(signals.size());
        std::chrono::nanoseconds sweep{0};
        for (int step = 0; step < 4000; ++step) {
            const auto both = [&](const std::function<void(Bench&)>& act) {
                act(always);
                act(lazy);
            };
            both([](Bench& b) { b.elapsed += 5ms; });
            const bool quiet = step / 600 % 2 == 1;  // three seconds without an answer
            if (!quiet && chance.one_in(4)) {
                const std::uint32_t byte = chance.below(12);
                const auto value = static_cast<std::uint8_t>(chance.below(8));
                const std::uint32_t from = chance.below(4);
                const std::uint32_t bytes = 16 - from - chance.below(4);
                for (std::size_t i = 0; i < signals.size(); ++i) {
                    const auto& address = signals[i].address;
                    const auto first = hi6::first_byte(address, hi6::IndexUnit::byte);
                    if (first >= from && first + hi6::width_bytes(address.width) <= from + bytes) {
                        whole[i] = lazy.moment().steady;
                    }
                }
                both([&](Bench& b) {
                    b.put(byte, value);
                    b.read(from, bytes);
                });
            }
            if (chance.one_in(200)) {
                sweep = std::chrono::milliseconds(chance.below(3) * 900);
                both([&](Bench& b) { b.table.set_sweep_time(sweep); });
            }
            if (chance.one_in(300)) {
                both([](Bench& b) { b.arrange(); });
            }
            if (chance.one_in(400)) {
                both([](Bench& b) { b.table.mark_all(Quality::bad_data, b.moment().wall_ms); });
            }
            always.housekeeping();
            if (lazy.table.next_deadline() <= lazy.moment().steady) {
                lazy.housekeeping();
            }
            ASSERT_GT(lazy.table.next_deadline(), lazy.moment().steady) << "would spin";
            auto one = always.said();
            auto other = lazy.said();
            const auto by_signal = [](const Said& a, const Said& b) { return a.signal < b.signal; };
            std::sort(one.begin(), one.end(), by_signal);
            std::sort(other.begin(), other.end(), by_signal);
            ASSERT_EQ(one, other) << "seed " << seed << " step " << step;
            for (std::uint32_t i = 0; i < signals.size(); ++i) {
                const SignalTable::State state = lazy.table.state(i);
                if (state.quality == Quality::good) {
                    const auto limit = std::max<std::chrono::nanoseconds>(
                        2s,
                        3 * std::max<std::chrono::nanoseconds>(signals[i].options->poll, sweep));
                    ASSERT_LT(lazy.moment().steady - state.read_at, limit);
                    ASSERT_GE(state.read_at, whole[i]);
                }
            }
        }
    }
}

// The last value is never lost: when all is quiet, what was said last is within the deadband of
// what is there.
TEST(SignalTableProperty, WhenAllIsQuietTheLastWordIsTrue) {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        Chance chance(seed + 1000);
        const double deadband = chance.below(3);
        Bench bench({signal("fb0.dob0", [&](auto& o) {
            o.min_interval = std::chrono::milliseconds(chance.below(300));
            o.deadband = deadband;
        })});
        std::int64_t last = 0;
        const auto listen = [&] {
            for (const Said& said : bench.said()) {
                if (said.quality == Quality::good) {
                    last = std::get<std::int64_t>(said.value);
                }
            }
        };
        for (int step = 0; step < 200; ++step) {
            bench.elapsed += 10ms;
            bench.put(0, static_cast<std::uint8_t>(chance.below(10)));
            bench.read();
            bench.housekeeping();
            if (chance.one_in(5)) {
                listen();
            }
        }
        bench.elapsed += 400ms;
        bench.read();
        bench.housekeeping();
        listen();
        ASSERT_LE(std::abs(static_cast<double>(last - bench.memory[0])), deadband) << seed;
    }
}

}  // namespace
}  // namespace hi6gw::poll
