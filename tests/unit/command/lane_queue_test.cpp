#include "command/lane_queue.h"

#include "unit/command/make.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LaneQueueTest : public testing::Test {
  protected:
    bool push(const std::string& where, const std::string& id, std::int64_t deadline = 3000) {
        Command command = test::command(where);
        command.reply.id = id;
        command.deadline = test::at(deadline);
        return queue.push(command, superseded);
    }
    static std::vector<std::string> ids(const std::vector<Command>& commands) {
        std::vector<std::string> out;
        for (const auto& command : commands) {
            out.push_back(command.reply.id);
        }
        return out;
    }

    LaneQueue queue{4};
    std::vector<Command> superseded;
};

TEST_F(LaneQueueTest, IsFirstInFirstOut) {
    for (const char* id : {"a", "b", "c"}) {
        EXPECT_TRUE(push("fb2.do1", id));
    }
    EXPECT_EQ(queue.pop({})->reply.id, "a");
    EXPECT_TRUE(push("fb2.do2", "d"));
    EXPECT_THAT(ids(queue.take_all()), ElementsAre("b", "c", "d"));
    EXPECT_FALSE(queue.pop({}));
}

TEST_F(LaneQueueTest, WhatTouchesAnOpenPulseWaitsForItsReleaseAndOthersGoPast) {
    const std::vector<Bits> busy{bits_of(test::command("fb2.do3"))};
    push("fb2.do3", "the same bit");
    push("fb2.dob0", "its byte");
    push("fb2.do4", "in that byte");
    push("fb2.do8", "another byte");
    ASSERT_TRUE(queue.ready(busy));
    EXPECT_EQ(queue.pop(busy)->reply.id, "another byte");
    EXPECT_FALSE(queue.ready(busy));
    EXPECT_FALSE(queue.pop(busy));
    EXPECT_TRUE(push("fb3.do3", "another area"));
    EXPECT_EQ(queue.pop(busy)->reply.id, "another area");
    EXPECT_TRUE(queue.ready({}));
    EXPECT_THAT(ids(queue.take_all()), ElementsAre("the same bit", "its byte", "in that byte"));
}

TEST_F(LaneQueueTest, NeverCoalescesBits) {
    push("fb2.do1", "a");
    push("fb2.do1", "b");
    push("fb2.dob0", "byte over both");
    EXPECT_THAT(superseded, IsEmpty());
    EXPECT_EQ(queue.size(), 3U);
}

TEST_F(LaneQueueTest, SupersedesNumbersThatAreWhollyOverwritten) {
    push("fb2.dob3", "byte");
    push("fb2.do0", "bit");
    push("fb2.dow3", "word");
    EXPECT_THAT(ids(superseded), ElementsAre("byte"));
    push("fb2.dob4", "half of the word");
    EXPECT_EQ(superseded.size(), 1U) << "the other half of the word still counts";
    push("fb3.dow3", "elsewhere");
    push("fb2.dol1", "covers word and half");
    EXPECT_THAT(ids(superseded), ElementsAre("byte", "word", "half of the word"));
    EXPECT_THAT(ids(queue.take_all()), ElementsAre("bit", "elsewhere", "covers word and half"));
}

TEST_F(LaneQueueTest, IsBounded) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(push("fb2.do1", "a"));
    }
    EXPECT_TRUE(push("fb2.dob3", "number"));
    Command refused = test::command("fb2.do9");
    EXPECT_FALSE(queue.push(refused, superseded));
    EXPECT_EQ(refused.reply.id, "id-1") << "still whole, to be answered";
    EXPECT_TRUE(push("fb2.dob3", "takes the place of the older one"));
    EXPECT_EQ(queue.size(), 4U);
}

TEST_F(LaneQueueTest, KnowsWhetherANewerCommandOverlaps) {
    push("fb2.dob3", "a");
    EXPECT_TRUE(queue.newer_than(test::command("fb2.do24")));
    EXPECT_TRUE(queue.newer_than(test::command("fb2.dow2")));
    EXPECT_FALSE(queue.newer_than(test::command("fb2.do23")));
    EXPECT_FALSE(queue.newer_than(test::command("fb1.do24")));
}

TEST_F(LaneQueueTest, GivesOutWhatHasExpired) {
    EXPECT_FALSE(queue.next_deadline());
    push("fb2.do1", "late", 500);
    push("fb2.do2", "later", 1000);
    push("fb2.do3", "soon", 100);
    EXPECT_EQ(queue.next_deadline(), test::at(100));
    EXPECT_THAT(queue.take_expired(test::at(99)), IsEmpty());
    EXPECT_THAT(ids(queue.take_expired(test::at(500))), ElementsAre("late", "soon"));
    EXPECT_EQ(queue.size(), 1U);
}

TEST(Turns, ACommandWaitsForNothingButTheRequestInFlight) {
    Turns turns;
    EXPECT_EQ(turns.next(false, false, true), Turn::poll);
    EXPECT_EQ(turns.next(false, true, true), Turn::command);
    EXPECT_EQ(turns.next(false, false, false), Turn::idle);
    EXPECT_EQ(turns.next(false, true, false), Turn::command);
}

TEST(Turns, AFloodOfCommandsLeavesEveryFifthExchangeToPolling) {
    Turns turns;
    for (int round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < Turns::kInARow; ++i) {
            EXPECT_EQ(turns.next(false, true, true), Turn::command);
        }
        EXPECT_EQ(turns.next(false, true, true), Turn::poll);
    }
}

TEST(Turns, CountsOnlyWhileAPollIsDue) {
    Turns turns;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(turns.next(false, true, false), Turn::command);
    }
    EXPECT_EQ(turns.next(false, true, true), Turn::command);
}

TEST(Turns, ReleasesGoFirst) {
    Turns turns;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(turns.next(true, true, true), Turn::release);
    }
    EXPECT_EQ(turns.next(false, true, true), Turn::command);
}

}  // namespace
}  // namespace hi6gw::command
