// Results wait for the broker, in order, and are said until it has them.

#include "app/result_source.h"

#include <gtest/gtest.h>

#include <vector>

namespace hi6gw::app {
namespace {

std::vector<mqtt::Publication> take_all(ResultSource& source) {
    std::vector<mqtt::Publication> out;
    mqtt::Publication next;
    while (source.next(next)) {
        out.push_back(next);
    }
    return out;
}

TEST(ResultSource, SaysEachOnceInOrder) {
    ResultSource source;
    EXPECT_TRUE(source.add("a", "1", ""));
    EXPECT_TRUE(source.add("b", "2", "corr"));
    const auto sent = take_all(source);
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].topic, "a");
    EXPECT_EQ(sent[0].payload, "1");
    EXPECT_EQ(sent[0].correlation, "");
    EXPECT_EQ(sent[1].topic, "b");
    EXPECT_EQ(sent[1].correlation, "corr");
    for (const mqtt::Publication& message : sent) {
        EXPECT_EQ(message.qos, 1);
        EXPECT_FALSE(message.retain);
        source.settled(message.ticket, true, "");
    }
    EXPECT_TRUE(take_all(source).empty());
}

TEST(ResultSource, SaysAgainWhatWasLostWithTheConnection) {
    ResultSource source;
    for (const char* topic : {"a", "b", "c"}) {
        source.add(topic, "", "");
    }
    const auto sent = take_all(source);
    source.settled(sent[1].ticket, true, "");
    source.settled(sent[0].ticket, false, "");
    source.settled(sent[2].ticket, false, "");
    source.add("d", "", "");
    const auto again = take_all(source);
    ASSERT_EQ(again.size(), 3U);
    EXPECT_EQ(again[0].topic, "a");
    EXPECT_EQ(again[1].topic, "c");
    EXPECT_EQ(again[2].topic, "d");
}

TEST(ResultSource, GivesUpWhatTheBrokerRefuses) {
    ResultSource source;
    source.add("a", "", "");
    source.settled(take_all(source).at(0).ticket, false, "Not authorized (0x87)");
    EXPECT_TRUE(take_all(source).empty());
}

TEST(ResultSource, DropsTheOldestWhenItIsFullAndSaysSo) {
    ResultSource source;
    for (std::size_t i = 0; i < ResultSource::kCapacity; ++i) {
        EXPECT_TRUE(source.add(std::to_string(i), "", ""));
    }
    mqtt::Publication first;
    ASSERT_TRUE(source.next(first));
    EXPECT_FALSE(source.add("last", "", ""));
    source.settled(first.ticket, false, "");  // of a message that is gone: no harm
    const auto rest = take_all(source);
    ASSERT_EQ(rest.size(), ResultSource::kCapacity);
    EXPECT_EQ(rest.front().topic, "1");
    EXPECT_EQ(rest.back().topic, "last");
}

}  // namespace
}  // namespace hi6gw::app
