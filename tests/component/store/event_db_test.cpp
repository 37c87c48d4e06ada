// The journal of events on a real disk: numbers, order, bounds.

#include "event_bench.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace hi6gw::store {
namespace {

TEST(EventDb, NumbersEachStreamByOneInOrder) {
    EventBench bench;
    EXPECT_TRUE(bench.write("r1", 2).written);
    EXPECT_TRUE(bench.write("r2", 1).written);
    EXPECT_TRUE(bench.write("r1", 1).written);
    const auto rows = bench.read("r1");
    EXPECT_EQ(numbers(rows), "1 2 3");
    EXPECT_EQ(rows.at(0).body, event(1).body);
    EXPECT_EQ(rows.at(2).body, event(4).body);
    EXPECT_EQ(rows.at(0).signal, "a/signal");
    EXPECT_EQ(rows.at(0).at_ms, kNow);
    EXPECT_EQ(numbers(bench.read("r2")), "1");
    EXPECT_EQ(numbers(bench.read("r1")), "") << "each is handed out once";
}

TEST(EventDb, NeedsNoSharedMemory) {
    EventBench bench;
    for (int run = 0; run < 2; ++run) {
        bench.write("r1", 1);
        std::vector<std::string> files;
        for (const auto& entry : std::filesystem::directory_iterator(bench.path)) {
            files.push_back(entry.path().filename());
        }
        std::ranges::sort(files);
        EXPECT_EQ(files, (std::vector<std::string>{"events.db", "events.db-wal", "lock"}));
        bench.open();
    }
}

TEST(EventDb, HandsOutAsMuchAsIsWanted) {
    EventBench bench;
    EventDb::Done done = bench.write("r1", 5);
    EXPECT_TRUE(done.streams[0].more);
    EXPECT_EQ(numbers(bench.read("r1", 2)), "1 2");
    EXPECT_EQ(numbers(bench.read("r1", 2)), "3 4");
    done = bench.write("r1", 0);
    EXPECT_TRUE(done.streams[0].more);
    EXPECT_EQ(done.streams[0].waiting, 5U);
    EXPECT_EQ(numbers(bench.read("r1", 2)), "5");
    EXPECT_FALSE(bench.write("r1", 0).streams[0].more);
}

TEST(EventDb, WhatHasArrivedIsDeletedAndItsNumbersAreNotGivenAgain) {
    EventBench bench;
    bench.write("r1", 3);
    bench.read("r1");
    EXPECT_EQ(bench.remove("r1", 2).streams[0].waiting, 1U);
    EXPECT_EQ(bench.remove("r1", 3).streams[0].waiting, 0U);
    bench.open();
    bench.write("r1", 1);
    EXPECT_EQ(numbers(bench.read("r1")), "4");
}

TEST(EventDb, TheNextRunHandsOutAgainWhatHasNotArrived) {
    EventBench bench;
    bench.write("r1", 4);
    bench.read("r1", 3);
    bench.remove("r1", 1);
    bench.open();
    EXPECT_EQ(numbers(bench.read("r1")), "2 3 4");
}

TEST(EventDb, TellsOfStreamsThatNobodyAskedFor) {
    EventBench bench;
    bench.write("gone", 1);
    bench.open();
    const auto done = bench.write("r1", 1);
    EXPECT_EQ(done.found, (std::vector<std::string>{"gone"}));
    EXPECT_EQ(numbers(bench.read("gone")), "1");
    bench.remove("gone", 1);
    EXPECT_TRUE(bench.write("r1", 1).found.empty());
}

TEST(EventDb, WhatWasLostInMemoryIsAGap) {
    EventBench bench;
    bench.write("r1", 1);
    bench.write("r1", 2, 10);
    const auto rows = bench.read("r1");
    EXPECT_EQ(numbers(rows), "1 2-11 12 13");
    EXPECT_EQ(rows.at(1).body, "not_written");
    EXPECT_EQ(rows.at(1).at_ms, kNow);
    bench.write("r1", 0, 5);
    EXPECT_EQ(numbers(bench.read("r1")), "14-18") << "also when nothing has come since";
}

TEST(EventDb, AFullJournalDropsTheOldestAndSaysWhich) {
    EventBench bench(1 << 20U);
    std::uint64_t dropped = 0;
    for (int i = 0; i < 300; ++i) {
        const auto done = bench.write("r1", 100);
        ASSERT_TRUE(done.written) << done.trouble;
        ASSERT_LE(done.bytes, bench.bounds.max_size);
        ASSERT_GT(done.bytes, 0U);
        dropped += done.dropped_full;
    }
    const auto rows = bench.read("r1");
    ASSERT_FALSE(rows.empty());
    EXPECT_TRUE(rows[0].gap);
    EXPECT_EQ(rows[0].body, "journal_full");
    EXPECT_EQ(rows[0].seq, dropped);
    EXPECT_EQ(follow(rows), 30'000U);
    EXPECT_EQ(rows.back().body, event(30'000).body);
    EXPECT_GT(rows.size(), 4000U) << "most of a MiB is used";
    EXPECT_LT(std::filesystem::file_size(bench.file()), 2 * bench.bounds.max_size);
}

TEST(EventDb, WhatWasHandedOutIsNotDropped) {
    EventBench bench(1 << 20U);
    bench.write("r1", 100);
    EXPECT_EQ(bench.read("r1").size(), 100U);
    for (int i = 0; i < 200; ++i) {
        bench.write("r1", 100);
    }
    const auto rows = bench.read("r1");
    EXPECT_EQ(rows.at(0).first, 101U);
    EXPECT_EQ(follow(rows, 101), 20'100U);
    bench.open();
    EXPECT_EQ(follow(bench.read("r1")), 20'100U) << "1 to 100 are there for the next run";
}

TEST(EventDb, AFloodOfOneStreamDropsNothingOfTheOthers) {
    EventBench bench(1 << 20U);
    bench.write("quiet", 200);
    for (int i = 0; i < 200; ++i) {
        bench.write("r1", 100);
    }
    bench.write("quiet", 1);
    const auto rows = bench.read("quiet");
    EXPECT_EQ(rows.size(), 201U);
    EXPECT_EQ(follow(rows), 201U);
}

// The bound holds even where nothing may be dropped but what has just come.
TEST(EventDb, EventsThatFindNoRoomBecomeGapsAtOnce) {
    EventBench bench(1 << 20U);
    for (int i = 0; i < 150; ++i) {
        bench.write("r1", 100);
        bench.read("r1");  // handed out, and never arrives
    }
    const auto done = bench.write("r1", 100);
    EXPECT_TRUE(done.written);
    EXPECT_EQ(done.dropped_full, 100U);
    EXPECT_EQ(numbers(bench.read("r1")), "15001-15100");
}

TEST(EventDb, EventsThatAreTooOldAreDropped) {
    EventBench bench;
    bench.write("r1", 3);
    bench.now += 60'000;
    bench.write("r1", 2);
    bench.now += bench.bounds.max_age_ms - 30'000;
    const auto done = bench.write("r1", 1);
    EXPECT_EQ(done.dropped_old, 3U);
    const auto rows = bench.read("r1");
    EXPECT_EQ(numbers(rows), "1-3 4 5 6");
    EXPECT_EQ(rows.at(0).body, "too_old");
    EXPECT_EQ(rows.at(0).at_ms, kNow) << "when the last of them was";
    bench.now += 10 * bench.bounds.max_age_ms;
    EXPECT_EQ(bench.write("r1", 0).dropped_old, 0U) << "they were handed out";
}

TEST(EventDb, AClockThatWasNotSetMakesNothingOld) {
    EventBench bench;
    bench.now = 60'000;  // 1970
    bench.write("r1", 3);
    bench.now = kNow;
    EXPECT_EQ(bench.write("r1", 1).dropped_old, 0U);
    EXPECT_EQ(numbers(bench.read("r1")), "1 2 3 4");
}

TEST(EventDb, AnEmptyJournalGivesItsSpaceBack) {
    EventBench bench;
    for (int i = 0; i < 20; ++i) {
        bench.write("r1", 10'000);
    }
    const auto grown = std::filesystem::file_size(bench.file());
    EXPECT_GT(grown, 10U << 20U);
    bench.read("r1");
    bench.remove("r1", 200'000);
    for (int i = 0; i < 30; ++i) {
        bench.write("r1", 1);
        bench.remove("r1", bench.read("r1").at(0).seq);
    }
    bench.db.reset();
    EXPECT_LT(std::filesystem::file_size(bench.file()), grown / 2);
    EXPECT_LT(std::filesystem::file_size(bench.file()), 6U << 20U);
}

// Killed at some moment: what it had reported as written is there, in order, under its numbers.
TEST(EventDb, SurvivesKillsAtAnyMoment) {
    EventBench bench;
    std::uint64_t last = 0;
    for (unsigned round = 1; round <= 20; ++round) {
        int fds[2] = {};
        ASSERT_EQ(::pipe(fds), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            for (char word = 'w'; bench.write("r1", static_cast<int>(round)).written;) {
                (void)!::write(fds[1], &word, 1);
            }
            ::_exit(1);
        }
        ::close(fds[1]);
        char word = 0;
        std::uint64_t turns = 0;
        while (::read(fds[0], &word, 1) == 1) {
            if (++turns == 5 + round) {
                ::kill(child, SIGKILL);
            }
        }
        ::close(fds[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        EventBench after;
        after.path = bench.path;
        const std::uint64_t found = follow(after.read("r1"));
        EXPECT_GE(found, last + turns * round);
        EXPECT_LE(found, last + (turns + 1) * round);
        last = found;
    }
    EXPECT_GT(last, 1000U);
}

}  // namespace
}  // namespace hi6gw::store
