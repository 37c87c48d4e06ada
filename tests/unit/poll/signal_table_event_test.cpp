// Which changes are events.

#include "table_bench.h"

namespace hi6gw::poll {
namespace {

using namespace testing_bench;
using Events = std::vector<Happened>;

std::int64_t ms(std::int64_t after) {
    return Bench::kWall + after;
}
domain::Value integer(std::int64_t value) {
    return value;
}
void with_events(domain::SignalOptions& options) {
    options.events = true;
}

TEST(SignalEvents, TheFirstSaysThatNothingIsKnown) {
    Bench bench({signal("fb0.dob0", with_events), signal("fb0.dob1")});
    EXPECT_EQ(bench.events.take(), (Events{{"fb0.dob0", {}, Quality::not_read, ms(0), ""}}));
    bench.elapsed = 5ms;
    bench.put(0, 7);
    bench.put(1, 8);
    bench.read();
    EXPECT_EQ(bench.events.take(), (Events{{"fb0.dob0", integer(7), Quality::good, ms(5), ""}}));
}

TEST(SignalEvents, AreEveryChangeHoweverSlowlyStatesAreTaken) {
    Bench bench({signal("fb0.dob0", with_events)});
    bench.read();
    bench.events.take();
    Events expected;
    for (int i = 1; i <= 5; ++i) {
        bench.elapsed += 10ms;
        bench.put(0, static_cast<std::uint8_t>(i));
        bench.read();
        bench.read();
        expected.push_back({"fb0.dob0", integer(i), Quality::good, ms(10 * i), ""});
    }
    EXPECT_EQ(bench.events.take(), expected);
    EXPECT_EQ(bench.said().size(), 1U);
}

TEST(SignalEvents, AreNotHeldBackByMinIntervalNorRepeatedByMaxInterval) {
    Bench bench({signal("fb0.dob0", [](auto& options) {
        options.events = true;
        options.min_interval = 1s;
        options.max_interval = 2s;
    })});
    bench.read();
    bench.events.take();
    for (int i = 1; i <= 3; ++i) {
        bench.elapsed += 10ms;
        bench.put(0, static_cast<std::uint8_t>(i));
        bench.read();
    }
    EXPECT_EQ(bench.events.take().size(), 3U);
    for (int i = 0; i < 50; ++i) {
        bench.elapsed += 100ms;
        bench.read();
        bench.housekeeping();
        bench.said();
    }
    bench.table.publish_all(bench.moment());
    EXPECT_EQ(bench.events.take(), Events{});
}

// Each from the event before, although the throttled states were published elsewhere.
TEST(SignalEvents, HaveADeadbandOfTheirOwn) {
    Bench bench({signal("fb0.dow0", [](auto& options) {
        options.events = true;
        options.deadband = 5;
        options.min_interval = 1h;
    })});
    bench.put_word(0, 100);
    bench.read();
    bench.said();
    bench.events.take();
    const auto happens = [&](int value) {
        bench.elapsed += 1ms;
        bench.put_word(0, value);
        bench.read();
        return bench.events.take().size() == 1;
    };
    EXPECT_FALSE(happens(105));
    EXPECT_TRUE(happens(106));
    EXPECT_FALSE(happens(101));
    EXPECT_TRUE(happens(100));
    EXPECT_TRUE(happens(94));
}

TEST(SignalEvents, TellEachChangeOfQuality) {
    Bench bench({signal("fb0.dof0", with_events)});
    bench.put_real(0, 1.5F);
    bench.read();
    bench.events.take();
    bench.elapsed = 1ms;
    bench.put_real(0, std::nanf(""));
    bench.read();
    bench.read();
    bench.elapsed = 2ms;
    bench.table.mark_all(Quality::unreachable, bench.moment().wall_ms);
    bench.table.mark(0, 32, Quality::unreachable, bench.moment().wall_ms);
    bench.elapsed = 3ms;
    bench.put_real(0, 1.5F);
    bench.read();
    bench.elapsed = 10s;
    bench.housekeeping();
    const std::string name = "fb0.dof0";
    EXPECT_EQ(bench.events.take(), (Events{{name, 1.5F, Quality::bad_data, ms(1), ""},
                                           {name, 1.5F, Quality::unreachable, ms(2), ""},
                                           {name, 1.5F, Quality::good, ms(3), ""},
                                           {name, 1.5F, Quality::unreachable, ms(10'000), ""}}));
}

TEST(SignalEvents, CarryTheTextOfTheirValue) {
    Bench bench({signal("fb0.dob0", [](auto& options) {
        options.events = true;
        options.texts = {{0, "open"}, {1, "closed"}};
    })});
    bench.read();
    bench.put(0, 1);
    bench.read();
    bench.put(0, 2);
    bench.read();
    const Events all = bench.events.take();
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0].text, "") << "nothing known, nothing to name";
    EXPECT_EQ(all[1].text, "open");
    EXPECT_EQ(all[2].text, "closed");
    EXPECT_EQ(all[3].text, "");
}

TEST(SignalEvents, TimeNeverGoesBack) {
    Bench bench({signal("fb0.dob0", with_events)});
    bench.elapsed = 100ms;
    bench.read();
    bench.elapsed = 200ms;
    bench.wall_step = -3'600'000;
    bench.put(0, 1);
    bench.read();
    EXPECT_EQ(bench.events.take().back().ts, ms(100));
}

TEST(SignalEvents, ComeFromReadBacksToo) {
    Bench bench({signal("fb0.dob0", with_events)});
    bench.read();
    bench.events.take();
    bench.elapsed = 5ms;
    bench.table.note(0, 9, bench.moment());
    bench.table.note(0, 9, bench.moment());
    EXPECT_EQ(bench.events.take(), (Events{{"fb0.dob0", integer(9), Quality::good, ms(5), ""}}));
}

}  // namespace
}  // namespace hi6gw::poll
