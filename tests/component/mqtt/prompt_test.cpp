// Where commands are awaited Paho's receive thread is kept awake, at no cost to anything else.

#include "component/mqtt/scripted_broker.h"
#include "component/mqtt/session_fixture.h"
#include "mqtt/awake.h"

#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

using Unsuback = ScriptedBroker::Unsuback;

constexpr milliseconds kSilence{1020};  // after that, and for 80 ms more, the thread would sleep

std::string accept(int level) {
    return level == 5 ? std::string("\x20\x03\x00\x00\x00", 5) : std::string("\x20\x02\x00\x00", 4);
}

PahoOptions options_for(const ScriptedBroker& broker, int version) {
    PahoOptions options;
    options.port = broker.port();
    options.client_id = "hi6gw-test";
    options.version = version;
    return options;
}

// QoS 0, topic "a".
std::string message(int version) {
    return version == 5 ? std::string(
                              "\x30\x05\x00\x01"
                              "a\x00x",
                              7)
                        : std::string(
                              "\x30\x04\x00\x01"
                              "ax",
                              6);
}

TEST(Prompt, AMessageAfterASecondOfSilenceIsNotLate) {
    struct Row {
        int version;
        Unsuback unsuback;
    };
    for (const Row& row :
         {Row{5, Unsuback::normal}, Row{5, Unsuback::refused}, Row{3, Unsuback::normal}}) {
        ScriptedBroker broker(accept, 1, 0, row.unsuback);
        SessionFixture it(options_for(broker, row.version));
        it.session->set_subscriptions({"a"}, true);
        it.start();
        ASSERT_TRUE(it.connected_within(seconds(10)));
        Steady::duration best = Steady::duration::max();  // of three: this machine may be busy
        for (std::size_t n = 1; n <= 3; ++n) {
            (void)it.until([] { return false; }, kSilence);
            const Steady::time_point sent = Steady::now();
            broker.send(message(row.version));
            ASSERT_TRUE(it.until([&] { return it.messages.size() == n; }, seconds(10)));
            best = std::min(best, it.messages.back().received - sent);
        }
        EXPECT_LT(best, milliseconds(30));
        EXPECT_GE(broker.unsubscribes(), 2);
        EXPECT_TRUE(it.losses.empty());
        EXPECT_TRUE(it.refused_subscriptions.empty());
        EXPECT_EQ(it.session->counters().refused, 0U);
        EXPECT_EQ(it.session->counters().publish_errors, 0U);
    }
}

TEST(Prompt, ABrokerThatDoesNotAnswerIsNotAskedAgain) {
    const ScriptedBroker broker(accept, 1, 0, Unsuback::silence);
    SessionFixture it(options_for(broker, 5));
    it.session->set_subscriptions({"a"}, true);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    (void)it.until([] { return false; }, 4 * Awake::kPause);
    EXPECT_EQ(broker.unsubscribes(), 1);
    EXPECT_TRUE(it.session->connected());
    EXPECT_TRUE(it.losses.empty());
}

TEST(Prompt, ABrokerThatHangsUpOnItIsKeptWithoutIt) {
    const ScriptedBroker broker(accept, 1, 0, Unsuback::hang_up);
    SessionFixture it(options_for(broker, 5));
    it.session->set_subscriptions({"a"}, true);
    it.start();
    ASSERT_TRUE(it.until([&] { return it.connects.size() == 3; }, seconds(20)));
    (void)it.until([] { return false; }, 2 * Awake::kPause);
    EXPECT_EQ(broker.unsubscribes(), 2);
    EXPECT_EQ(it.losses.size(), 2U);
    EXPECT_TRUE(it.session->connected());
}

TEST(Prompt, WhereNothingHurriesNothingIsAsked) {
    const ScriptedBroker broker(accept);
    SessionFixture it(options_for(broker, 5));
    it.session->set_subscriptions({"a"}, false);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    (void)it.until([] { return false; }, 3 * Awake::kPause);
    EXPECT_EQ(broker.unsubscribes(), 0);
}

}  // namespace
}  // namespace hi6gw::mqtt
