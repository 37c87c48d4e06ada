#include "outbox/latest_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace hi6gw::outbox {
namespace {

TEST(LatestQueue, GivesTheOldestFirst) {
    LatestQueue queue(4);
    queue.push(2);
    queue.push(0);
    queue.push(3);
    EXPECT_EQ(queue.pop(), 2U);
    EXPECT_EQ(queue.pop(), 0U);
    EXPECT_EQ(queue.pop(), 3U);
    EXPECT_TRUE(queue.empty());
}

TEST(LatestQueue, AnItemQueuedAlreadyKeepsItsPlace) {
    LatestQueue queue(3);
    queue.push(1);
    queue.push(2);
    queue.push(1);
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.pop(), 1U);
    EXPECT_EQ(queue.pop(), 2U);
    EXPECT_TRUE(queue.empty());
}

TEST(LatestQueue, AnItemTakenOutMayComeAgain) {
    LatestQueue queue(1);
    queue.push(0);
    EXPECT_EQ(queue.pop(), 0U);
    queue.push(0);
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.pop(), 0U);
}

TEST(LatestQueue, ForgetsEverythingOnClear) {
    LatestQueue queue(3);
    queue.push(0);
    queue.push(2);
    queue.clear();
    EXPECT_TRUE(queue.empty());
    queue.push(2);
    EXPECT_EQ(queue.pop(), 2U);
}

TEST(LatestQueue, AQueueOfNothingIsEmpty) {
    LatestQueue queue(0);
    queue.clear();
    EXPECT_TRUE(queue.empty());
}

TEST(LatestQueue, BehavesLikeADequeWithoutDuplicates) {
    std::mt19937 random(4711);
    for (const std::size_t items : {1U, 2U, 7U, 64U}) {
        LatestQueue queue(items);
        std::deque<std::uint32_t> model;
        for (int step = 0; step < 20'000; ++step) {
            if (random() % 2 == 0) {
                const auto item = static_cast<std::uint32_t>(random() % items);
                queue.push(item);
                if (std::find(model.begin(), model.end(), item) == model.end()) {
                    model.push_back(item);
                }
            } else if (!model.empty()) {
                ASSERT_EQ(queue.pop(), model.front());
                model.pop_front();
            }
            ASSERT_EQ(queue.size(), model.size());
            ASSERT_LE(queue.size(), items);
        }
    }
}

}  // namespace
}  // namespace hi6gw::outbox
