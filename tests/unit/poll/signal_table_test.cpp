#include "table_bench.h"

namespace hi6gw::poll {
namespace {

using namespace testing_bench;
using Saids = std::vector<Said>;

std::int64_t ms(std::int64_t after) {
    return Bench::kWall + after;
}
domain::Value integer(std::int64_t value) {
    return value;
}

TEST(SignalTable, EverySignalIsAnnouncedAsNotReadYet) {
    Bench bench({signal("fb0.do0"), signal("fb0.dow4")});
    EXPECT_EQ(bench.said(),
              (Saids{{0, {}, Quality::not_read, ms(0)}, {1, {}, Quality::not_read, ms(0)}}));
    EXPECT_FALSE(bench.table.has_news());
}

TEST(SignalTable, TheFirstReadIsPublishedEvenWhenAllIsZero) {
    Bench bench({signal("fb0.do0"), signal("fb0.dof4")});
    bench.said();
    bench.elapsed = 5ms;
    EXPECT_EQ(bench.read(), 2U);
    EXPECT_EQ(bench.said(),
              (Saids{{0, integer(0), Quality::good, ms(5)}, {1, 0.0F, Quality::good, ms(5)}}));
    EXPECT_EQ(bench.table.attention(), 0U);
}

TEST(SignalTable, AnUnchangedAnswerSaysNothing) {
    Bench bench({signal("fb0.do0"), signal("fb0.dow4")});
    bench.read();
    bench.said();
    for (int i = 0; i < 100; ++i) {
        bench.elapsed += 10ms;
        EXPECT_EQ(bench.read(), 0U);
        EXPECT_FALSE(bench.table.has_news());
    }
}

TEST(SignalTable, OnlyTheSignalsWhoseBitsChangedArePublished) {
    Bench bench({signal("fb0.do0"), signal("fb0.do1"), signal("fb0.dob0"), signal("fb0.dob1")});
    bench.read();
    bench.said();
    bench.put(0, 0x02);
    bench.elapsed = 10ms;
    EXPECT_EQ(bench.read(), 2U);
    EXPECT_EQ(bench.said(), (Saids{{1, integer(1), Quality::good, ms(10)},
                                   {2, integer(2), Quality::good, ms(10)}}));
}

TEST(SignalTable, WhatIsTakenOutIsTheLatestStateOnce) {
    Bench bench({signal("fb0.dob0")});
    bench.read();
    bench.said();
    for (int i = 1; i <= 3; ++i) {
        bench.put(0, static_cast<std::uint8_t>(i));
        bench.elapsed += 10ms;
        bench.read();
    }
    EXPECT_EQ(bench.said(), (Saids{{0, integer(3), Quality::good, ms(30)}}));
}

TEST(SignalTable, BytesThatNoSignalUsesChangeNothing) {
    Bench bench({signal("fb0.dob0"), signal("fb0.dob8")});
    bench.read();
    bench.said();
    bench.put(4, 99);
    EXPECT_EQ(bench.read(), 0U);
    EXPECT_FALSE(bench.table.has_news());
}

TEST(SignalTable, HalfAReadIsNoValue) {
    Bench bench({signal("fb0.dow0")});
    bench.put_word(0, 0x1122);
    bench.read();
    bench.said();
    bench.put_word(0, 0x3344);
    EXPECT_EQ(bench.read(1, 1), 0U);
    EXPECT_FALSE(bench.table.has_news());
    EXPECT_EQ(bench.table.state(0).value, integer(0x1122));
    // The other half, the same bytes again: still two halves of perhaps different moments.
    EXPECT_EQ(bench.read(0, 1), 0U);
    EXPECT_EQ(bench.read(1, 1), 0U);
    EXPECT_EQ(bench.table.state(0).value, integer(0x1122));
    EXPECT_EQ(bench.table.attention(), 1U);
    // A whole one, although no byte of it differs from the image any more.
    bench.elapsed = 7ms;
    EXPECT_EQ(bench.read(0, 2), 1U);
    EXPECT_EQ(bench.said(), (Saids{{0, integer(0x3344), Quality::good, ms(7)}}));
}

// Its bytes are fresh, but the value is not: it must neither be kept alive nor stamped by them.
TEST(SignalTable, AValueThatIsOnlyReadInHalvesGrowsOld) {
    Bench bench({signal("fb0.dow0"), signal("fb0.dob0"), signal("fb0.dob1")});
    bench.read();
    bench.said();
    bench.put_word(0, 0x0101);
    for (int i = 0; i < 25; ++i) {
        bench.elapsed += 100ms;
        bench.read(0, 1);
        bench.read(1, 1);
        bench.housekeeping();
    }
    EXPECT_EQ(bench.table.state(0).quality, Quality::unreachable);
    EXPECT_EQ(bench.table.state(1).quality, Quality::good);
    EXPECT_EQ(bench.table.state(2).quality, Quality::good);
}

TEST(SignalTable, DeadbandIsMeasuredFromWhatWasPublishedLast) {
    Bench bench({signal("fb0.dow0", [](auto& o) { o.deadband = 5; })});
    bench.put_word(0, 100);
    bench.read();
    bench.said();
    const auto published = [&](int value) {
        bench.put_word(0, value);
        bench.read();
        return bench.said().size() == 1;
    };
    EXPECT_FALSE(published(105)) << "at most this much";
    EXPECT_TRUE(published(106));
    EXPECT_FALSE(published(103));
    EXPECT_FALSE(published(101)) << "creeping away is measured from 106";
    EXPECT_TRUE(published(100));
    EXPECT_FALSE(published(95));
    EXPECT_TRUE(published(94));
}

TEST(SignalTable, DeadbandCountsInEngineeringUnits) {
    Bench bench({signal("fb0.dow0", [](auto& o) {
        o.scaled = true;
        o.scale = 0.1;
        o.deadband = 0.5;
    })});
    bench.read();
    bench.said();
    bench.put_word(0, 5);
    bench.read();
    EXPECT_TRUE(bench.said().empty());
    bench.put_word(0, 6);
    bench.read();
    EXPECT_EQ(bench.said(), (Saids{{0, 0.6, Quality::good, ms(0)}}));
}

TEST(SignalTable, ThrottleKeepsTheDistanceAndNeverLosesTheLastValue) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.min_interval = 100ms; })});
    bench.read();
    bench.said();
    for (int i = 1; i <= 9; ++i) {
        bench.elapsed = 10ms * i;
        bench.put(0, static_cast<std::uint8_t>(i));
        EXPECT_EQ(bench.read(), 1U) << "counted as a change all the same";
        bench.housekeeping();
        EXPECT_TRUE(bench.said().empty()) << i;
    }
    EXPECT_EQ(bench.table.next_deadline(), Steady::time_point(1000s + 100ms));
    bench.elapsed = 100ms;
    bench.housekeeping();
    EXPECT_EQ(bench.said(), (Saids{{0, integer(9), Quality::good, ms(90)}}))
        << "with the time of its read";
    bench.elapsed = 150ms;
    bench.put(0, 77);
    bench.read();
    EXPECT_TRUE(bench.said().empty()) << "the distance counts from the last publication";
    bench.elapsed = 200ms;
    bench.housekeeping();
    EXPECT_EQ(bench.said().size(), 1U);
}

TEST(SignalTable, AThrottledValueThatFlipsBackIsNoNews) {
    Bench bench({signal("fb0.do0", [](auto& o) { o.min_interval = 100ms; })});
    bench.read();
    bench.said();
    bench.elapsed = 10ms;
    bench.put(0, 1);
    bench.read();
    bench.elapsed = 20ms;
    bench.put(0, 0);
    bench.read();
    bench.elapsed = 100ms;
    bench.housekeeping();
    EXPECT_TRUE(bench.said().empty());
    bench.elapsed = 110ms;
    bench.put(0, 1);
    bench.read();
    EXPECT_EQ(bench.said(), (Saids{{0, integer(1), Quality::good, ms(110)}}));
}

TEST(SignalTable, AThrottleThatFailedAndRecoveredStillEnds) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.min_interval = 1000ms; })});
    bench.read();
    bench.said();
    bench.elapsed = 100ms;
    bench.put(0, 1);
    bench.read();  // throttled until 1000
    bench.elapsed = 200ms;
    bench.table.mark_all(Quality::unreachable, bench.moment().wall_ms);
    EXPECT_EQ(bench.said(), (Saids{{0, integer(1), Quality::unreachable, ms(200)}}));
    bench.elapsed = 300ms;
    bench.read();
    EXPECT_EQ(bench.said(), (Saids{{0, integer(1), Quality::good, ms(300)}}));
    bench.elapsed = 400ms;
    bench.put(0, 2);
    bench.read();  // throttled until 1300
    bench.elapsed = 1000ms;
    bench.housekeeping();
    EXPECT_TRUE(bench.said().empty());
    EXPECT_EQ(bench.table.next_deadline(), Steady::time_point(1000s + 1300ms));
    bench.elapsed = 1300ms;
    bench.housekeeping();
    EXPECT_EQ(bench.said(), (Saids{{0, integer(2), Quality::good, ms(400)}}));
}

TEST(SignalTable, HeartbeatRepeatsTheValueWithTheTimeOfItsLastRead) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.max_interval = 1000ms; })});
    bench.read();
    bench.said();
    Saids heartbeats;
    for (int i = 1; i <= 300; ++i) {
        bench.elapsed = 10ms * i;
        if (i % 7 == 0) {
            bench.read();
        }
        bench.housekeeping();
        for (const Said& said : bench.said()) {
            heartbeats.push_back(said);
        }
    }
    EXPECT_EQ(heartbeats, (Saids{{0, integer(0), Quality::good, ms(980)},
                                 {0, integer(0), Quality::good, ms(1960)},
                                 {0, integer(0), Quality::good, ms(2940)}}));
}

TEST(SignalTable, APublicationPutsTheHeartbeatOff) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.max_interval = 1000ms; })});
    bench.read();
    bench.elapsed = 600ms;
    bench.put(0, 1);
    bench.read();
    bench.said();
    bench.elapsed = 1100ms;
    bench.housekeeping();
    EXPECT_TRUE(bench.said().empty());
    bench.elapsed = 1600ms;
    bench.housekeeping();
    EXPECT_EQ(bench.said().size(), 1U);
}

TEST(SignalTable, NotANumberIsBadDataAndKeepsTheLastValue) {
    Bench bench({signal("fb0.dof0")});
    bench.put_real(0, 1.5F);
    bench.read();
    bench.said();
    bench.elapsed = 10ms;
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
        bench.put_real(0, bad);
        EXPECT_EQ(bench.read(), 0U);
    }
    EXPECT_EQ(bench.said(), (Saids{{0, 1.5F, Quality::bad_data, ms(10)}}));
    bench.elapsed = 20ms;
    bench.read();
    EXPECT_TRUE(bench.said().empty()) << "said once";
    bench.put_real(0, 1.5F);
    bench.read();
    EXPECT_EQ(bench.said(), (Saids{{0, 1.5F, Quality::good, ms(20)}}));
}

TEST(SignalTable, NotANumberFromTheStartHasNoValue) {
    Bench bench({signal("fb0.dof0")});
    bench.put_real(0, std::numeric_limits<float>::quiet_NaN());
    bench.read();
    EXPECT_EQ(bench.said(), (Saids{{0, {}, Quality::bad_data, ms(0)}}));
}

TEST(SignalTable, QualityTransitionsAreSaidOnceAndRecoveryAgain) {
    Bench bench({signal("fb0.dob0"), signal("fb0.dob1")});
    bench.put(0, 7);
    bench.read();
    bench.said();
    bench.elapsed = 10ms;
    bench.table.mark_all(Quality::unreachable, bench.moment().wall_ms);
    EXPECT_EQ(bench.said(), (Saids{{0, integer(7), Quality::unreachable, ms(10)},
                                   {1, integer(0), Quality::unreachable, ms(10)}}));
    for (int i = 0; i < 10; ++i) {
        bench.elapsed += 10ms;
        bench.table.mark_all(Quality::unreachable, bench.moment().wall_ms);
        bench.housekeeping();
    }
    EXPECT_FALSE(bench.table.has_news());
    bench.elapsed = 500ms;
    EXPECT_EQ(bench.read(), 0U) << "no value changed";
    EXPECT_EQ(bench.said(), (Saids{{0, integer(7), Quality::good, ms(500)},
                                   {1, integer(0), Quality::good, ms(500)}}));
    EXPECT_EQ(bench.table.attention(), 0U);
}

TEST(SignalTable, RecoveryIsPublishedInSpiteOfDeadbandAndThrottle) {
    Bench bench({signal("fb0.dow0", [](auto& o) {
        o.deadband = 10;
        o.min_interval = 10s;
    })});
    bench.read();
    bench.table.mark_signal(0, Quality::refused, ms(1));
    bench.said();
    bench.elapsed = 20ms;
    bench.put_word(0, 3);
    bench.read();
    EXPECT_EQ(bench.said(), (Saids{{0, integer(3), Quality::good, ms(20)}}));
}

TEST(SignalTable, MarkTouchesTheSignalsUnderItsBytesOnly) {
    Bench bench({signal("fb0.dob3"), signal("fb0.dol4"), signal("fb0.dow6"), signal("fb0.dob8"),
                 signal("fb0.do63")});
    bench.read();
    bench.said();
    bench.table.mark(7, 1, Quality::bad_data, ms(1));
    std::vector<std::uint32_t> touched;
    for (const Said& said : bench.said()) {
        EXPECT_EQ(said.quality, Quality::bad_data);
        touched.push_back(said.signal);
    }
    std::sort(touched.begin(), touched.end());
    EXPECT_EQ(touched, (std::vector<std::uint32_t>{1, 2, 4}));
}

TEST(SignalTable, TimestampsNeverGoBackWhenTheWallClockDoes) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.max_interval = 500ms; })});
    bench.read();
    bench.elapsed = 100ms;
    bench.put(0, 1);
    bench.read();
    EXPECT_EQ(bench.said().back().ts, ms(100));
    bench.wall_step = -3'600'000;
    std::int64_t last = ms(100);
    for (int i = 2; i < 40; ++i) {
        bench.elapsed = 100ms * i;
        bench.put(0, static_cast<std::uint8_t>(i / 2));
        bench.read();
        bench.housekeeping();
        if (i % 11 == 0) {
            bench.table.mark_all(Quality::unreachable, bench.moment().wall_ms);
        }
        if (i % 13 == 0) {
            bench.table.publish_all(bench.moment());
        }
        for (const Said& said : bench.said()) {
            EXPECT_GE(said.ts, last);
            last = said.ts;
        }
    }
    bench.wall_step = 0;
    bench.elapsed = 10s;
    bench.put(0, 200);
    bench.read();
    EXPECT_EQ(bench.said().back().ts, ms(10'000));
}

struct Stale {
    std::chrono::milliseconds poll;
    std::chrono::milliseconds sweep;
    std::chrono::milliseconds after;
};

TEST(SignalTable, ValuesExpireExactlyAtThreePeriodsOrTwoSeconds) {
    const Stale rows[] = {{100ms, 0ms, 2000ms},   {600ms, 0ms, 2000ms}, {1000ms, 0ms, 3000ms},
                          {100ms, 500ms, 2000ms}, {100ms, 1s, 3000ms},  {5s, 1s, 15s},
                          {1h, 0ms, 3h},          {666ms, 0ms, 2000ms}, {667ms, 0ms, 2001ms}};
    for (const Stale& row : rows) {
        Bench bench({signal("fb0.dob0", [&](auto& o) { o.poll = row.poll; })});
        bench.elapsed = 1s;
        bench.table.set_sweep_time(row.sweep);
        bench.read();
        bench.said();
        bench.elapsed = 1s + row.after - 1ns;
        bench.housekeeping();
        EXPECT_TRUE(bench.said().empty()) << row.after.count();
        EXPECT_EQ(bench.table.next_deadline(), Steady::time_point(1001s + row.after));
        bench.elapsed = 1s + row.after;
        bench.housekeeping();
        const Saids said = bench.said();
        ASSERT_EQ(said.size(), 1U) << row.after.count();
        EXPECT_EQ(said[0].quality, Quality::unreachable);
        EXPECT_EQ(said[0].ts, ms(1000 + row.after.count()));
        EXPECT_EQ(bench.table.next_deadline(), Steady::time_point::max());
    }
}

TEST(SignalTable, ExpiredValuesGetTheQualityOfTheFault) {
    Bench bench({signal("fb0.dob0")});
    bench.read();
    bench.said();
    bench.elapsed = 2s;
    bench.table.expire(bench.moment(), Quality::bad_data);
    EXPECT_EQ(bench.said()[0].quality, Quality::bad_data);
}

TEST(SignalTable, AReadPutsExpiryOff) {
    Bench bench({signal("fb0.dob0")});
    for (int i = 0; i < 100; ++i) {
        bench.elapsed += 1900ms;
        bench.read();
        bench.housekeeping();
    }
    EXPECT_EQ(bench.said().size(), 1U);
    EXPECT_EQ(bench.table.state(0).quality, Quality::good);
}

TEST(SignalTable, ShorterSweepsBringExpiryNearer) {
    Bench bench({signal("fb0.dob0")});
    bench.table.set_sweep_time(10s);
    bench.read();
    bench.housekeeping();
    bench.elapsed = 1s;
    bench.read();
    bench.table.set_sweep_time(5ms);
    bench.said();
    EXPECT_LE(bench.table.next_deadline(), bench.moment().steady + 2s);
    bench.elapsed = 3s - 1ns;
    bench.housekeeping();
    EXPECT_EQ(bench.table.next_deadline(), Steady::time_point(1003s));
    EXPECT_TRUE(bench.said().empty());
    bench.elapsed = 3s;
    bench.housekeeping();
    EXPECT_EQ(bench.said().size(), 1U);
}

TEST(SignalTable, ANewLayoutKeepsValuesAndAges) {
    Bench bench({signal("fb0.dob0"), signal("fb0.dow4")});
    bench.put(0, 5);
    bench.put_word(4, 300);
    bench.read();
    bench.said();
    bench.elapsed = 1500ms;
    bench.arrange();
    EXPECT_FALSE(bench.table.has_news());
    EXPECT_EQ(bench.table.state(0).value, integer(5));
    EXPECT_EQ(bench.table.state(1).value, integer(300));
    EXPECT_EQ(bench.table.state(1).read_at, Steady::time_point(1000s));
    EXPECT_EQ(bench.read(0, 1), 0U);
    EXPECT_FALSE(bench.table.has_news()) << "looked at again, and the same";
    bench.elapsed = 2000ms;
    bench.housekeeping();
    EXPECT_EQ(bench.said(), (Saids{{1, integer(300), Quality::unreachable, ms(2000)}}));
}

// Neighbours of another age that share its bytes in the new layout make a value neither older...
TEST(SignalTable, ANewLayoutMixesNoAges) {
    Bench bench({signal("fb0.dob0"), signal("fb0.dow0")});
    bench.read();
    bench.said();
    bench.elapsed = 1900ms;
    bench.read(0, 1);
    bench.arrange();
    bench.elapsed = 2100ms;
    bench.housekeeping();
    EXPECT_EQ(bench.table.state(0).quality, Quality::good);
    EXPECT_EQ(bench.table.state(1).quality, Quality::unreachable);
    EXPECT_EQ(bench.table.state(0).read_at, Steady::time_point(1000s + 1900ms));
}

// ... nor is a signal that was never read dragged into the arithmetic of those that were.
TEST(SignalTable, ANewLayoutWithSignalsNeverReadIsSafe) {
    Bench bench({signal("fb0.dob0"), signal("fb0.dow0")});
    bench.read(0, 1);
    bench.arrange();
    bench.elapsed = 100ms;
    bench.table.publish_all(bench.moment());
    bench.housekeeping();
    EXPECT_EQ(bench.table.state(0).quality, Quality::good);
    EXPECT_EQ(bench.table.state(0).timestamp_ms, ms(0));
    EXPECT_EQ(bench.table.state(1).quality, Quality::not_read);
}

TEST(SignalTable, PublishAllSaysEverythingWithTheTimeOfTheLastRead) {
    Bench bench({signal("fb0.dob0"), signal("fb0.dob1"), signal("fb0.dof4")});
    bench.put_real(4, std::numeric_limits<float>::quiet_NaN());
    bench.read();
    bench.elapsed = 700ms;
    bench.read();
    bench.said();
    bench.elapsed = 1000ms;
    bench.table.publish_all(bench.moment());
    EXPECT_EQ(bench.said(), (Saids{{0, integer(0), Quality::good, ms(700)},
                                   {1, integer(0), Quality::good, ms(700)},
                                   {2, {}, Quality::bad_data, ms(0)}}));
}

TEST(SignalTable, PublishAllSaysWhatAThrottleOrADeadbandHeldBack) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.min_interval = 10s; }),
                 signal("fb0.dob1", [](auto& o) { o.deadband = 100; })});
    bench.read();
    bench.said();
    bench.put(0, 1);
    bench.put(1, 1);
    bench.elapsed = 10ms;
    bench.read();
    EXPECT_TRUE(bench.said().empty());
    bench.table.publish_all(bench.moment());
    EXPECT_EQ(bench.said(), (Saids{{0, integer(1), Quality::good, ms(10)},
                                   {1, integer(1), Quality::good, ms(10)}}));
    bench.elapsed = 10s;
    bench.read();
    bench.housekeeping();
    EXPECT_TRUE(bench.said().empty());
}

TEST(SignalTable, TextsFollowTheRawValue) {
    Bench bench({signal("fb0.dob0", [](auto& o) { o.texts = {{0, "open"}, {1, "closed"}}; })});
    EXPECT_EQ(bench.table.state(0).text, nullptr);
    bench.read();
    ASSERT_NE(bench.table.state(0).text, nullptr);
    EXPECT_EQ(*bench.table.state(0).text, "open");
    bench.put(0, 1);
    bench.read();
    EXPECT_EQ(*bench.table.state(0).text, "closed");
    bench.put(0, 2);
    bench.read();
    EXPECT_EQ(bench.table.state(0).text, nullptr);
}

TEST(SignalTable, DiffersTellsWhetherThereIsAnythingToSee) {
    Bench bench({signal("fb0.dob0")});
    const auto differs = [&] {
        return bench.table.differs(0, std::as_bytes(std::span(bench.memory)));
    };
    EXPECT_TRUE(differs()) << "never looked at";
    bench.read();
    EXPECT_FALSE(differs());
    bench.put(0, 1);
    EXPECT_TRUE(differs());
}

TEST(SignalTable, AnEmptyAnswerSaysNothing) {
    Bench bench({signal("fb0.dob0")});
    bench.said();
    EXPECT_EQ(bench.table.apply(0, {}, bench.moment()), 0U);
    EXPECT_FALSE(bench.table.has_news());
}

}  // namespace
}  // namespace hi6gw::poll
