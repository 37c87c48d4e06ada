// A table that takes over from the one before, after a reload.

#include "table_bench.h"

namespace hi6gw::poll {
namespace {

using namespace testing_bench;

std::vector<Place> places_of(const std::vector<config::Signal>& signals) {
    std::vector<Place> out;
    for (const config::Signal& one : signals) {
        out.push_back({hi6::first_byte(one.address, hi6::IndexUnit::byte),
                       static_cast<std::uint8_t>(hi6::width_bytes(one.address.width)),
                       static_cast<std::uint8_t>(hi6::bit_in_byte(one.address))});
    }
    return out;
}

// The table before, read once, and the one after it.
class TableReload : public testing::Test {
  protected:
    std::unique_ptr<SignalTable> follow(const std::vector<config::Signal>& signals) {
        auto out = std::make_unique<SignalTable>(
            signals, bench.moment(), bench.has_events() ? &bench.events : nullptr, &bench.table);
        out->arrange(places_of(signals), static_cast<std::uint32_t>(bench.memory.size()));
        return out;
    }
    std::uint32_t read(SignalTable& table) {
        return table.apply(0, std::as_bytes(std::span(bench.memory)), bench.moment());
    }
    static constexpr auto kEvents = [](domain::SignalOptions& options) { options.events = true; };
    Bench bench{{signal("fb0.dob0"), signal("fb0.dow4", kEvents)}};
};

TEST_F(TableReload, KnownSignalsKeepValueQualityAndTime) {
    bench.put(0, 7);
    bench.elapsed = 10ms;
    bench.read();
    bench.elapsed = 500ms;
    const std::vector<config::Signal> after{signal("fb0.dob1"), signal("fb0.dow4", kEvents),
                                            signal("fb0.dob0")};
    const auto table = follow(after);
    EXPECT_EQ(table->state(0).quality, Quality::not_read) << "it is new";
    EXPECT_EQ(table->state(2).quality, Quality::good);
    EXPECT_EQ(table->state(2).value, domain::Value(std::int64_t{7}));
    EXPECT_EQ(table->state(2).timestamp_ms, Bench::kWall + 10);
}

TEST_F(TableReload, TheAgeOfValuesGoesOn) {
    bench.read();
    bench.elapsed = 1500ms;
    const auto table = follow(bench.signals);
    bench.elapsed = 1999ms;
    table->expire(bench.moment(), Quality::unreachable);
    EXPECT_EQ(table->state(0).quality, Quality::good);
    bench.elapsed = 2001ms;
    table->expire(bench.moment(), Quality::unreachable);
    EXPECT_EQ(table->state(0).quality, Quality::unreachable);
}

TEST_F(TableReload, AnotherAddressIsAnotherSignal) {
    bench.read();
    std::vector<config::Signal> after = bench.signals;
    after[0].address = hi6::parse_address("fb0.dob9", hi6::IndexUnit::byte).value();
    EXPECT_EQ(follow(after)->state(0).quality, Quality::not_read);
}

TEST_F(TableReload, OtherOptionsGiveTheSameReadAnotherMeaning) {
    bench.put(0, 0xff);
    bench.read();
    std::vector<config::Signal> after = bench.signals;
    after[0] =
        signal("fb0.dob0", [](domain::SignalOptions& options) { options.is_unsigned = true; });
    const auto table = follow(after);
    EXPECT_EQ(bench.table.state(0).value, domain::Value(std::int64_t{-1}));
    EXPECT_EQ(table->state(0).value, domain::Value(std::int64_t{255}));
}

// An event is a change: a reload is none.
TEST_F(TableReload, IsNoEventAndHidesNone) {
    bench.read();
    bench.events.take();
    const auto table = follow(bench.signals);
    bench.elapsed = 100ms;
    read(*table);
    EXPECT_EQ(bench.events.take().size(), 0U);
    bench.put_word(4, 3);
    bench.elapsed = 200ms;
    read(*table);
    const auto events = bench.events.take();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].value, domain::Value(std::int64_t{3}));
}

// What changed while the lanes were being exchanged is a change like any other.
TEST_F(TableReload, WhatChangedMeanwhileIsSaid) {
    bench.read();
    bench.events.take();
    const auto table = follow(bench.signals);
    std::uint32_t ignored = 0;
    while (table->next(ignored)) {
    }
    bench.put(0, 9);
    bench.put_word(4, 5);
    bench.elapsed = 100ms;
    EXPECT_EQ(read(*table), 2U);
    EXPECT_TRUE(table->has_news());
    EXPECT_EQ(bench.events.take().size(), 1U);
}

}  // namespace
}  // namespace hi6gw::poll
