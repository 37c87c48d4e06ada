// The session against brokers that answer a CONNECT in unusual ways.

#include "component/mqtt/scripted_broker.h"
#include "component/mqtt/session_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

const std::string kAccept311("\x20\x02\x00\x00", 4);
const std::string kAccept5("\x20\x03\x00\x00\x00", 5);

PahoOptions options_for(const ScriptedBroker& broker) {
    PahoOptions options;
    options.port = broker.port();
    options.client_id = "hi6gw-test";
    return options;
}

TEST(SessionVersion, FallsBackWhereTheBrokerSaysItHasNoMqtt5) {
    for (const std::string& refusal :
         {std::string("\x20\x03\x00\x84\x00", 5), std::string("\x20\x02\x00\x01", 4)}) {
        const ScriptedBroker broker(
            [&refusal](int level) { return level == 5 ? refusal : kAccept311; });
        SessionFixture it(options_for(broker));
        it.start();
        ASSERT_TRUE(it.connected_within(seconds(10)));
        EXPECT_EQ(it.connects.front().version, 3);
        EXPECT_THAT(broker.levels(), ::testing::ElementsAre(5, 4));
        EXPECT_TRUE(it.failures.empty());
    }
}

TEST(SessionVersion, ConcludesFromAClosedConnectionOnlyAfterACounterTest) {
    const ScriptedBroker broker([](int level) { return level == 5 ? std::string() : kAccept311; });
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(20)));
    EXPECT_EQ(it.connects.front().version, 3);
    EXPECT_THAT(broker.levels(), ::testing::ElementsAre(5, 4, 5, 4));
}

TEST(SessionVersion, ABrokerThatWasOnlyBusyGetsMqtt5) {
    int connects = 0;
    const ScriptedBroker broker([&connects](int level) {
        ++connects;
        return connects == 1 ? std::string() : level == 5 ? kAccept5 : kAccept311;
    });
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(20)));
    EXPECT_EQ(it.connects.front().version, 5);
    EXPECT_THAT(broker.levels(), ::testing::ElementsAre(5, 4, 5));
}

// A QoS 2 message is never acknowledged here, so there is always one on its way.
TEST(SessionVersion, AServerKeepAliveOfNoneIsNotTakenForNoPatience) {
    const ScriptedBroker broker(
        [](int /*level*/) { return std::string("\x20\x06\x00\x00\x03\x13\x00\x00", 8); });
    LatestSource source(2);
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    source.set("a", "1");
    it.start();
    ASSERT_TRUE(it.until([&] { return it.session->in_flight() == 1; }, seconds(10)));
    EXPECT_FALSE(it.until([&] { return !it.losses.empty(); }, seconds(3))) << it.losses.front();
}

TEST(SessionVersion, RefusalsHaveTheirNames) {
    struct Row {
        std::string answer;
        std::string why;
        bool refused;
    };
    const std::vector<Row> rows{
        {std::string("\x20\x03\x00\x86\x00", 5),
         "refused by the broker: Bad User Name or Password (0x86)", true},
        {std::string("\x20\x03\x00\x87\x00", 5), "refused by the broker: Not authorized (0x87)",
         true},
        {std::string("\x20\x03\x00\x8A\x00", 5), "refused by the broker: Banned (0x8A)", true},
        {std::string("\x20\x03\x00\x88\x00", 5), "refused by the broker: Server unavailable (0x88)",
         false},
        {std::string("\x20\x02\x00\x05", 4), "refused by the broker: not authorized (0x05)", true},
        {std::string("\x20\x01\x00", 3), "the broker closed the connection without an answer",
         false},
    };
    for (const Row& row : rows) {
        const ScriptedBroker broker([&row](int /*level*/) { return row.answer; });
        SessionFixture it(options_for(broker));
        it.start();
        ASSERT_TRUE(it.until([&] { return !it.failures.empty(); }, seconds(15))) << row.why;
        EXPECT_EQ(it.failures.front(), std::make_pair(row.why, row.refused));
    }
}

TEST(SessionVersion, LimitsOfTheConnackAreKept) {
    // Receive Maximum 7, Retain Available 0.
    const ScriptedBroker broker(
        [](int /*level*/) { return std::string("\x20\x08\x00\x00\x05\x21\x00\x07\x25\x00", 10); });
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    EXPECT_EQ(it.connects.front().window, 6U);
    EXPECT_FALSE(it.connects.front().retain_available);
}

// Fault B15. A "use another server" is not followed: where to connect is the operator's to say.
TEST(SessionVersion, WhatTheBrokerSaysOnLeavingIsNamedAndNothingElseFollows) {
    struct Row {
        std::string disconnect;
        const char* why;
    };
    const std::string elsewhere = "\x1C" + std::string("\0\x0B", 2) + "other:18830";
    const std::vector<Row> rows{
        {std::string("\xE0\x02\x8B\x00", 4), "the broker hung up: Server shutting down (0x8B)"},
        {std::string("\xE0\x02\x89\x00", 4), "the broker hung up: Server busy (0x89)"},
        {std::string("\xE0\x10\x9C\x0E", 4) + elsewhere,
         "the broker hung up: Use another server (0x9C)"},
        {std::string("\xE0\x10\x9D\x0E", 4) + elsewhere, "the broker hung up: Server moved (0x9D)"},
    };
    for (const Row& row : rows) {
        const ScriptedBroker broker([&row](int /*level*/) { return kAccept5 + row.disconnect; });
        SessionFixture it(options_for(broker));
        it.start();
        ASSERT_TRUE(it.until([&] { return broker.levels().size() >= 2; }, seconds(15))) << row.why;
        // It may come before the connection has been put to use.
        ASSERT_FALSE(it.losses.empty() && it.failures.empty()) << row.why;
        EXPECT_EQ(it.losses.empty() ? it.failures.front().first : it.losses.front(), row.why);
    }
}

// Fault B12: it is said once, and not in a loop as fast as the network goes.
TEST(SessionVersion, AQuotaThatIsExceededIsARefusalOfThatMessage) {
    const ScriptedBroker broker([](int /*level*/) { return kAccept5; }, 1, 0x97);
    LatestSource source;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    source.set("a", "1");
    source.set("b", "1");
    it.start();
    ASSERT_TRUE(it.until([&] { return source.refused.size() == 2; }, seconds(10)));
    EXPECT_EQ(source.refused.at("a"), "Quota exceeded (0x97)");
    EXPECT_FALSE(it.until([&] { return it.session->counters().refused > 2; }, milliseconds(300)));
    EXPECT_TRUE(it.losses.empty());
}

TEST(SessionVersion, ARefusedSubscriptionIsReportedAndTheConnectionStays) {
    const ScriptedBroker broker([](int /*level*/) { return kAccept311; }, 0x80);
    PahoOptions options = options_for(broker);
    options.version = 3;
    SessionFixture it(std::move(options));
    it.session->set_subscriptions({"a/#"}, true);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    EXPECT_THAT(it.refused_subscriptions,
                ::testing::ElementsAre(::testing::Pair("a/#", "Unspecified error (0x80)")));
}

}  // namespace
}  // namespace hi6gw::mqtt
