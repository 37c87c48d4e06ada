// Topics that nobody owns any more are emptied, once, and as soon as the broker takes it.

#include "app/sweeper.h"

#include "app/retained_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace hi6gw::app {
namespace {

using Strings = std::vector<std::string>;

std::vector<mqtt::Publication> take_all(Sweeper& sweeper) {
    std::vector<mqtt::Publication> out;
    mqtt::Publication next;
    while (sweeper.next(next)) {
        out.push_back(next);
    }
    return out;
}
Strings topics(const std::vector<mqtt::Publication>& messages) {
    Strings out;
    for (const mqtt::Publication& one : messages) {
        out.push_back(one.topic);
    }
    return out;
}

TEST(Sweeper, EmptiesEachOnce) {
    Sweeper sweeper;
    mqtt::Publication stale;
    stale.payload = "left from before";
    stale.correlation = "likewise";
    EXPECT_FALSE(sweeper.next(stale));
    sweeper.sweep({"a", "b"}, {});
    ASSERT_TRUE(sweeper.next(stale));
    EXPECT_EQ(stale.topic, "a");
    EXPECT_EQ(stale.payload, "");
    EXPECT_EQ(stale.correlation, "");
    EXPECT_EQ(stale.qos, 1);
    EXPECT_TRUE(stale.retain);
    const auto rest = take_all(sweeper);
    EXPECT_EQ(topics(rest), (Strings{"b"}));
    EXPECT_EQ(sweeper.waiting(), 2U) << "until the broker has them";
    sweeper.settled(stale.ticket, true, "");
    sweeper.settled(rest[0].ticket, true, "");
    EXPECT_EQ(sweeper.waiting(), 0U);
    sweeper.settled(stale.ticket, true, "");
    EXPECT_TRUE(take_all(sweeper).empty());
}

TEST(Sweeper, SaysAgainWhatWasLostWithTheConnection) {
    Sweeper sweeper;
    sweeper.sweep({"a", "b", "c"}, {});
    const auto sent = take_all(sweeper);
    sweeper.settled(sent[1].ticket, true, "");
    sweeper.settled(sent[2].ticket, false, "");
    sweeper.settled(sent[0].ticket, false, "");
    EXPECT_EQ(topics(take_all(sweeper)), (Strings{"a", "c"}));
}

TEST(Sweeper, GivesUpWhatIsRefused) {
    Sweeper sweeper;
    sweeper.sweep({"a"}, {});
    sweeper.settled(take_all(sweeper).at(0).ticket, false, "Not authorized (0x87)");
    EXPECT_TRUE(take_all(sweeper).empty());
    EXPECT_EQ(sweeper.waiting(), 0U);
}

TEST(Sweeper, LeavesAloneWhatHasAnOwnerAgain) {
    Sweeper sweeper;
    sweeper.sweep({"a", "b", "c"}, {});
    mqtt::Publication sent;
    ASSERT_TRUE(sweeper.next(sent));  // a is on its way
    sweeper.sweep({"d"}, {"a", "b"});
    EXPECT_EQ(topics(take_all(sweeper)), (Strings{"c", "d"}));
    sweeper.settled(sent.ticket, false, "");
    EXPECT_TRUE(take_all(sweeper).empty()) << "must not delete what is said there now";
    sweeper.sweep({"a"}, {});
    EXPECT_EQ(topics(take_all(sweeper)), (Strings{"a"})) << "and is unused once more";
}

TEST(Sweeper, TellsWhatHasGone) {
    Sweeper sweeper;
    sweeper.sweep({"a", "b", "c", "d"}, {});
    const auto sent = take_all(sweeper);
    sweeper.settled(sent[0].ticket, true, "");
    sweeper.settled(sent[1].ticket, false, "");
    sweeper.settled(sent[2].ticket, false, "Not authorized (0x87)");
    EXPECT_EQ(sweeper.take_deleted(), (std::vector{topic_hash("a"), topic_hash("c")}));
    EXPECT_TRUE(sweeper.take_deleted().empty());
    sweeper.clear();
    EXPECT_EQ(sweeper.waiting(), 0U);
    sweeper.settled(sent[3].ticket, true, "");
    EXPECT_TRUE(sweeper.take_deleted().empty()) << "of another broker by now";
    EXPECT_TRUE(take_all(sweeper).empty());
}

TEST(Sweeper, ATopicStandsInItOnce) {
    Sweeper sweeper;
    sweeper.sweep({"a"}, {});
    sweeper.sweep({"a"}, {});
    EXPECT_EQ(sweeper.waiting(), 1U);
    EXPECT_EQ(take_all(sweeper).size(), 1U);
}

}  // namespace
}  // namespace hi6gw::app
