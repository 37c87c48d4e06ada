#include "poll/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace hi6gw::poll {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

Steady::time_point at(nanoseconds since_boot) {
    return Steady::time_point(since_boot);
}

// Takes what is due first and says when that was.
Steady::time_point start(Schedule& schedule, Steady::time_point now) {
    schedule.restart();
    now = std::max(now, schedule.next());
    schedule.take(now);
    return now;
}

TEST(Schedule, EverythingIsDueAtOnceAfterTheStart) {
    Schedule schedule({10ms, 1000ms, 3600000ms}, 1.0, 0.3);
    EXPECT_LE(schedule.next(), at(5s));
    const Schedule::Due due = schedule.take(at(5s));
    EXPECT_EQ(due.groups, 0b111U);
    EXPECT_EQ(due.skipped, 0U);
    EXPECT_GT(schedule.next(), at(5s));
}

TEST(Schedule, HoldsItsGridWithoutDriftHoweverLateTheLoopWakes) {
    Schedule schedule({10ms}, 1.0, 0.0);
    std::mt19937 random(1);
    start(schedule, at(7ms));
    for (int tick = 1; tick <= 10'000; ++tick) {
        ASSERT_EQ(schedule.next(), at(10ms * tick));
        const auto late = nanoseconds(random() % 9'999'999);
        const Schedule::Due due = schedule.take(schedule.next() + late);
        ASSERT_EQ(due.groups, 1U);
        ASSERT_EQ(due.skipped, 0U);
    }
}

TEST(Schedule, SkippedTicksAreCountedAndNeverMadeUpFor) {
    struct Row {
        milliseconds late;
        std::uint64_t skipped;
        milliseconds next;
    };
    const Row rows[] = {{0ms, 0, 200ms},   {99ms, 0, 200ms},   {100ms, 1, 300ms},
                        {150ms, 1, 300ms}, {999ms, 9, 1100ms}, {1000ms, 10, 1200ms}};
    for (const Row& row : rows) {
        Schedule schedule({100ms}, 1.0, 0.0);
        start(schedule, at(1ms));
        ASSERT_EQ(schedule.next(), at(100ms));
        const Schedule::Due due = schedule.take(at(100ms + row.late));
        EXPECT_EQ(due.skipped, row.skipped) << row.late.count();
        EXPECT_EQ(due.groups, 1U);
        EXPECT_EQ(schedule.next(), at(row.next)) << row.late.count();
        EXPECT_EQ(schedule.take(at(100ms + row.late)).groups, 0U) << "nothing is piled up";
    }
}

TEST(Schedule, GroupsKeepTheirOwnPeriods) {
    Schedule schedule({10ms, 20ms, 50ms}, 1.0, 0.0);
    start(schedule, at(1ms));
    int count[3] = {};
    for (Steady::time_point now = schedule.next(); now <= at(1000ms); now = schedule.next()) {
        const GroupMask groups = schedule.take(now).groups;
        ASSERT_NE(groups, 0U);
        for (unsigned i = 0; i < 3; ++i) {
            count[i] += (groups >> i & 1) != 0 ? 1 : 0;
        }
    }
    EXPECT_EQ(count[0], 100);
    EXPECT_EQ(count[1], 50);
    EXPECT_EQ(count[2], 20);
}

TEST(Schedule, RestartMakesAllDueWithoutCountingWhatWasMissed) {
    Schedule schedule({10ms, 1000ms}, 1.0, 0.0);
    start(schedule, at(1ms));
    schedule.restart();
    const Schedule::Due due = schedule.take(at(777ms));
    EXPECT_EQ(due.groups, 0b11U);
    EXPECT_EQ(due.skipped, 0U);
    EXPECT_EQ(schedule.next(), at(780ms));
}

TEST(Schedule, PhaseShiftsTheGridAndIsKeptOverReconnects) {
    Schedule schedule({100ms}, 1.0, 0.25);
    start(schedule, at(1s));
    EXPECT_EQ(schedule.next(), at(1025ms));
    start(schedule, at(5s + 30ms));
    EXPECT_EQ(schedule.next(), at(5s + 125ms));
}

// The steady clock counts from boot: minutes after it, the grid of an hour has no point behind it.
TEST(Schedule, NeverWaitsLongerThanAPeriodRightAfterBoot) {
    for (const double phase : {0.0, 0.1, 0.5, 0.99}) {
        for (const auto uptime : {0ms, 1ms, 300'000ms, 3'599'999ms, 3'600'000ms}) {
            Schedule schedule({3'600'000ms}, 1.0, phase);
            start(schedule, at(uptime));
            EXPECT_GT(schedule.next(), at(uptime)) << phase << " " << uptime.count();
            EXPECT_LE(schedule.next(), at(uptime + 1h)) << phase << " " << uptime.count();
        }
    }
}

TEST(Schedule, PauseHoldsEverythingBack) {
    Schedule schedule({10ms}, 1.0, 0.0);
    start(schedule, at(1ms));
    schedule.pause(at(1234ms));
    EXPECT_EQ(schedule.next(), at(1240ms));
    schedule.pause(at(500ms));
    EXPECT_EQ(schedule.next(), at(1240ms)) << "an earlier pause does not shorten a later one";
    schedule.restart();
    EXPECT_EQ(schedule.next(), at(1234ms));
}

TEST(Schedule, SlowGroupsAreDueAtOnceWhenAPauseEndsAfterARestart) {
    Schedule schedule({3'600'000ms}, 1.0, 0.5);
    start(schedule, at(10s));
    schedule.restart();
    schedule.pause(at(12s));
    ASSERT_EQ(schedule.next(), at(12s));
    EXPECT_EQ(schedule.take(at(12s)).groups, 1U);
    EXPECT_LE(schedule.next(), at(12s + 1h));
}

TEST(Schedule, ServesSixtyFourGroups) {
    std::vector<milliseconds> periods(kMaxGroups);
    std::iota(periods.begin(), periods.end(), milliseconds(10));
    Schedule schedule(periods, 1.0, 0.0);
    EXPECT_EQ(schedule.take(at(1ms)).groups, ~GroupMask{0});
    std::vector<Steady::time_point> last(kMaxGroups, at(1ms));
    for (Steady::time_point now = schedule.next(); now < at(5s); now = schedule.next()) {
        const Schedule::Due due = schedule.take(now);
        ASSERT_EQ(due.skipped, 0U);
        for (std::size_t i = 0; i < kMaxGroups; ++i) {
            if ((due.groups >> i & 1) != 0) {
                ASSERT_LE(now - last[i], periods[i]);
                last[i] = now;
            }
            ASSERT_LE(now - last[i], periods[i]);
        }
    }
}

TEST(Schedule, WithoutGroupsNothingIsEverDue) {
    Schedule schedule({}, 0.5, 0.0);
    EXPECT_EQ(schedule.take(at(1s)).groups, 0U);
    EXPECT_EQ(schedule.next(), Steady::time_point::max());
}

TEST(Schedule, OneSlowAnswerWithinTheCreditCostsNoTick) {
    Schedule schedule({10ms}, 0.5, 0.0);
    Steady::time_point now = start(schedule, at(1s));
    for (int tick = 0; tick < 100; ++tick) {
        schedule.worked(now, 2ms);
        now = schedule.next();
        ASSERT_EQ(schedule.take(now).skipped, 0U);
    }
    schedule.worked(now, 9ms);  // nearly the whole period at half the load
    EXPECT_EQ(schedule.next(), now + 10ms);
}

TEST(Schedule, ALongAnswerIsPaidFor) {
    Schedule schedule({10ms}, 0.5, 0.0);
    const Steady::time_point now = start(schedule, at(1s));
    schedule.worked(now, 1s);
    EXPECT_EQ(schedule.next(), now + 2s - Schedule::kLoadCredit);
    const Schedule::Due due = schedule.take(schedule.next());
    EXPECT_EQ(due.skipped, 189U);
}

struct Load {
    double max_load;
    milliseconds period;
    nanoseconds mean_service;
};

// Over any stretch of time, however the service times come: busy <= max_load * (elapsed + credit).
TEST(Schedule, LoadStaysWithinItsBoundForRandomServiceTimes) {
    const Load loads[] = {{0.5, 10ms, 2ms}, {0.5, 10ms, 8ms},   {0.5, 10ms, 50ms},
                          {0.1, 10ms, 4ms}, {0.9, 5ms, 20ms},   {1.0, 10ms, 30ms},
                          {0.05, 1ms, 1ms}, {0.5, 1000ms, 4ms}, {0.3, 100ms, 90ms}};
    std::mt19937 random(99);
    for (const Load& load : loads) {
        std::exponential_distribution<double> service(1.0 / double(load.mean_service.count()));
        Schedule schedule({load.period, load.period * 7}, load.max_load, 0.7);
        Steady::time_point now = at(123ms);
        std::vector<std::pair<Steady::time_point, nanoseconds>> sweeps;
        for (int sweep = 0; sweep < 2000; ++sweep) {
            now = std::max(now, schedule.next());
            schedule.take(now);
            const nanoseconds busy(static_cast<std::int64_t>(service(random)));
            sweeps.emplace_back(now, busy);
            schedule.worked(now, busy);
            now += busy;
        }
        // From any sweep's start to the start of any later one.
        for (std::size_t first = 0; first < sweeps.size(); first += 37) {
            nanoseconds busy{0};
            for (std::size_t i = first; i + 1 < sweeps.size(); ++i) {
                busy += sweeps[i].second;
                const nanoseconds elapsed = sweeps[i + 1].first - sweeps[first].first;
                const double bound =
                    load.max_load * double((elapsed + Schedule::kLoadCredit).count()) + 1e3;
                ASSERT_LE(double(busy.count()), bound) << load.max_load << " " << i;
            }
        }
    }
}

// ... and the bound is used: a controller slower than the load allows is still read as often as it
// may be, to within one period.
TEST(Schedule, LoadBoundIsUsedWhenTheControllerIsSlow) {
    Schedule schedule({10ms}, 0.5, 0.0);
    Steady::time_point now = at(0ms);
    nanoseconds busy{0};
    for (int sweep = 0; sweep < 1000; ++sweep) {
        now = std::max(now, schedule.next());
        schedule.take(now);
        schedule.worked(now, 7ms);
        busy += 7ms;
        now += 7ms;
    }
    EXPECT_GT(double(busy.count()) / double(now.time_since_epoch().count()), 0.48);
}

}  // namespace
}  // namespace hi6gw::poll
