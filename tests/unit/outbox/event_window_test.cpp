// In order, until it has arrived, whatever the connection and the broker do.

#include "outbox/event_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace hi6gw::outbox {
namespace {

using namespace std::chrono_literals;
using Fate = EventWindow::Fate;
using Numbers = std::vector<std::uint64_t>;

class Bench {
  public:
    explicit Bench(std::uint64_t rows) {
        for (std::uint64_t seq = 1; seq <= rows; ++seq) {
            window.append({seq, seq, 0, false, "a", "{}"});
        }
    }
    Numbers send(std::size_t most = 100) {
        Numbers out;
        while (out.size() < most) {
            const Row* row = window.next(now);
            if (row == nullptr) {
                break;
            }
            out.push_back(row->seq);
            last = *row;
        }
        return out;
    }
    void settle(Fate fate, const Numbers& all) {
        for (const std::uint64_t seq : all) {
            window.settled(seq, fate, now);
        }
    }
    EventWindow window;
    Steady::time_point now{1000s};
    Row last;
};

TEST(EventWindow, SendsInOrderAndFreesWhatHasArrived) {
    Bench bench(4);
    EXPECT_EQ(bench.send(3), (Numbers{1, 2, 3}));
    bench.settle(Fate::arrived, {2});
    EXPECT_EQ(bench.window.arrived(), 0U) << "1 has not";
    bench.settle(Fate::arrived, {1});
    EXPECT_EQ(bench.window.arrived(), 2U);
    EXPECT_EQ(bench.send(), (Numbers{4}));
    bench.settle(Fate::arrived, {4, 3});
    EXPECT_EQ(bench.window.arrived(), 4U);
    EXPECT_EQ(bench.window.room(), EventWindow::kCapacity);
    EXPECT_EQ(bench.send(), Numbers{});
}

TEST(EventWindow, SendsAgainFromTheFirstThatWasLost) {
    Bench bench(5);
    bench.send(4);
    bench.settle(Fate::arrived, {2});
    bench.settle(Fate::lost, {3, 1, 4});
    EXPECT_EQ(bench.send(), (Numbers{1, 3, 4, 5}));
    EXPECT_EQ(bench.window.counters().sent, 8U);
    EXPECT_EQ(bench.window.counters().again, 3U);
}

TEST(EventWindow, HasRoomForSoMany) {
    Bench bench(EventWindow::kCapacity);
    EXPECT_EQ(bench.window.room(), 0U);
    bench.send(2);
    bench.settle(Fate::arrived, {1, 2});
    EXPECT_EQ(bench.window.room(), 2U);
}

TEST(EventWindow, AForeignNumberSettlesNothing) {
    Bench bench(2);
    bench.send(1);
    bench.settle(Fate::arrived, {2, 3, 0});
    EXPECT_EQ(bench.window.arrived(), 0U);
    EXPECT_EQ(bench.send(), (Numbers{2}));
}

TEST(EventWindow, ARefusedRowBecomesAGapWhenTheBrokerTakesLaterOnes) {
    Bench bench(4);
    bench.send(3);
    bench.settle(Fate::refused, {2});
    EXPECT_EQ(bench.send(), Numbers{}) << "the others are waited for";
    bench.settle(Fate::arrived, {1, 3});
    EXPECT_EQ(bench.send(1), (Numbers{2}));
    EXPECT_TRUE(bench.last.gap);
    EXPECT_EQ(bench.last.body, "refused");
    EXPECT_EQ(bench.last.first, 2U);
    EXPECT_EQ(bench.window.arrived(), 1U) << "until the gap has arrived";
    bench.settle(Fate::arrived, {2});
    EXPECT_EQ(bench.window.arrived(), 3U);
    EXPECT_EQ(bench.window.counters().given_up, 1U);
    EXPECT_EQ(bench.send(), (Numbers{4}));
}

TEST(EventWindow, ABrokerThatRefusesEverythingIsTriedAgainInOrder) {
    Bench bench(4);
    for (int attempt = 1; attempt < EventWindow::kTries; ++attempt) {
        EXPECT_EQ(bench.send(3), (Numbers{1, 2, 3}));
        bench.settle(Fate::refused, {1, 2, 3});
        EXPECT_EQ(bench.window.pause_ends(), bench.now + EventWindow::kPause);
        EXPECT_EQ(bench.send(), Numbers{});
        bench.now += EventWindow::kPause;
    }
    EXPECT_EQ(bench.send(), (Numbers{1, 2, 3, 4}));
    EXPECT_EQ(bench.window.pause_ends(), Steady::time_point::max());
    bench.settle(Fate::arrived, {1, 2, 3, 4});
    EXPECT_EQ(bench.window.arrived(), 4U);
    EXPECT_EQ(bench.window.counters().given_up, 0U);
}

TEST(EventWindow, ARowThatIsRefusedTooOftenBecomesAGapAndThatIsGivenUpToo) {
    Bench bench(1);
    for (int attempt = 1; attempt <= 2 * EventWindow::kTries; ++attempt) {
        EXPECT_EQ(bench.send(), (Numbers{1})) << attempt;
        EXPECT_EQ(bench.last.gap, attempt > EventWindow::kTries) << attempt;
        bench.settle(Fate::refused, {1});
        bench.now += EventWindow::kPause;
    }
    EXPECT_EQ(bench.send(), Numbers{});
    EXPECT_EQ(bench.window.arrived(), 1U) << "it holds up nothing";
    EXPECT_EQ(bench.window.counters().given_up, 1U);
    EXPECT_EQ(bench.window.counters().unsaid, 1U);
}

TEST(EventWindow, ALostConnectionEndsTheWaitForTheOthers) {
    Bench bench(3);
    bench.send();
    bench.settle(Fate::refused, {1});
    bench.settle(Fate::lost, {2, 3});
    bench.now += EventWindow::kPause;
    EXPECT_EQ(bench.send(), (Numbers{1, 2, 3}));
}

// A connection that breaks at random moments, in the middle of what is in flight: the broker has
// got a beginning of it, and acknowledged any of that.
TEST(EventWindow, EveryRowArrivesAndTheFirstTimesAreInOrder) {
    std::mt19937 random(7);
    const auto one_of = [&random](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    constexpr std::uint64_t kRows = 400;
    Bench bench(kRows);
    std::uint64_t newest = 0;
    Numbers wire;
    for (int step = 0; bench.window.arrived() < kRows; ++step) {
        ASSERT_LT(step, 100'000);
        const Numbers sent = bench.send(1 + one_of(8));
        wire.insert(wire.end(), sent.begin(), sent.end());
        const bool breaks = one_of(10) == 0;
        const std::size_t got = one_of(wire.size() + 1);
        for (std::size_t i = 0; i < got; ++i) {
            if (wire[i] > newest) {
                ASSERT_EQ(wire[i], newest + 1) << "out of order";
                newest = wire[i];
            }
        }
        Numbers acknowledged(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(got));
        wire.erase(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(got));
        std::ranges::shuffle(acknowledged, random);
        if (breaks) {
            const std::size_t known = one_of(acknowledged.size() + 1);
            wire.insert(wire.end(), acknowledged.begin() + static_cast<std::ptrdiff_t>(known),
                        acknowledged.end());
            acknowledged.resize(known);
            bench.settle(Fate::arrived, acknowledged);
            bench.settle(Fate::lost, wire);
            wire.clear();
        } else {
            bench.settle(Fate::arrived, acknowledged);
        }
        ASSERT_LE(bench.window.arrived(), newest);
    }
    EXPECT_EQ(newest, kRows);
    EXPECT_GT(bench.window.counters().again, 10U);
}

}  // namespace
}  // namespace hi6gw::outbox
