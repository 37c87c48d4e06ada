// Acknowledgements that nobody waits for: the loop is not woken for them, and nothing is late or
// lost for that.

#include "component/mqtt/session_fixture.h"
#include "support/mqtt_probe.h"
#include "support/virtual_time/virtual_time.h"

#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

using test::Broker;
using test::BrokerOptions;
using test::MqttProbe;

// So that the session's look, once a second, cannot be what helps.
std::unique_ptr<Time> standing_clock(boost::asio::io_context& io) {
    return std::make_unique<support::VirtualTime>(io);
}

// The loop is not woken for each of them, but the window is never left standing full.
TEST(PahoSession, WhatNobodyWaitsForGoesAsFastAsTheWindowLetsIt) {
    for (const std::uint32_t window : {1U, 2U, 50U}) {
        BrokerOptions roomy;
        roomy.config = {"max_inflight_messages 1000"};
        const Broker broker(roomy);
        PahoOptions options = options_for(broker);
        options.window = window;
        LatestSource source;
        source.awaited = false;
        SessionFixture it(std::move(options));
        it.session->add(source, Priority::state);
        it.start();
        ASSERT_TRUE(it.connected_within(seconds(10)));
        const std::size_t many = 60 * std::size_t{window};  // a minute, were it a window a second
        for (std::size_t i = 0; i < many; ++i) {
            source.set("t/" + std::to_string(i), "x");
        }
        it.session->wake();
        EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(20))) << window;
        EXPECT_EQ(source.arrived, many);
        EXPECT_EQ(source.unknown, 0U);
    }
}

TEST(PahoSession, WhatNobodyWaitedForIsToldWithTheTimeItArrived) {
    const Broker broker;
    const MqttProbe probe(broker);
    PahoOptions options = options_for(broker);
    options.keep_alive = seconds(1);
    LatestSource source;
    source.awaited = false;
    SessionFixture it(std::move(options));
    it.session->add(source, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    source.set("a", "1");
    it.session->wake();
    ASSERT_TRUE(it.until([&] { return it.session->in_flight() == 1; }, seconds(10)));
    ASSERT_TRUE(probe.wait_for("a", "1", seconds(10)));
    // The loop does not look meanwhile.
    EXPECT_FALSE(probe.wait_for("b", "never published", milliseconds(500)));
    const Steady::time_point looked = Steady::now();
    ASSERT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    EXPECT_LT(source.acknowledged, looked);
    EXPECT_GT(source.acknowledged, looked - seconds(10));
    EXPECT_TRUE(it.losses.empty());
    EXPECT_FALSE(it.until([&] { return !it.losses.empty(); }, seconds(3)))
        << "a broker that answers was taken for silent: " << it.losses.front();
}

class Unawaited : public testing::Test {
  protected:
    Unawaited() {
        source.awaited = false;
        it.session->add(source, Priority::state);
    }
    void connect() {
        it.start();
        ASSERT_TRUE(it.connected_within(seconds(10)));
    }
    // A message that has arrived, which the source has not been told.
    void let_one_arrive() {
        const MqttProbe probe(broker);
        source.set("a", "1");
        it.session->wake();
        ASSERT_TRUE(it.until([&] { return probe.latest().contains("a"); }, seconds(10)));
        EXPECT_FALSE(it.until([&] { return source.arrived > 0; }, milliseconds(200)));
    }

    Broker broker;
    LatestSource source;
    SessionFixture it{options_for(broker), standing_clock};
};

TEST_F(Unawaited, StopWaitsForNoLook) {
    ASSERT_NO_FATAL_FAILURE(connect());
    ASSERT_NO_FATAL_FAILURE(let_one_arrive());
    broker.pause();
    source.set("b", "1");
    it.stop(seconds(60));
    EXPECT_TRUE(it.until([&] { return source.arrived == 1; }, seconds(10)));
    EXPECT_FALSE(it.until([&] { return it.stopped; }, milliseconds(200))) << "with one on its way";
    broker.resume();
    EXPECT_TRUE(it.until([&] { return it.stopped && !it.running; }, seconds(10)));
    EXPECT_EQ(source.arrived, 2U);
    EXPECT_EQ(source.lost, 0U);
}

// As the metrics do, so that they are those of now.
TEST_F(Unawaited, ALookSettlesWhatHasBeenAcknowledged) {
    it.session->look();
    ASSERT_NO_FATAL_FAILURE(connect());
    ASSERT_NO_FATAL_FAILURE(let_one_arrive());
    it.session->look();
    EXPECT_EQ(source.arrived, 1U);
    EXPECT_EQ(it.session->in_flight(), 0U);
}

TEST_F(Unawaited, AFarewellWaitsForNoLookEither) {
    ASSERT_NO_FATAL_FAILURE(connect());
    broker.pause();
    source.set("a", "1");
    it.session->wake();
    ASSERT_TRUE(it.until([&] { return it.session->in_flight() == 1; }, seconds(10)));
    it.session->configure(options_for(broker), "other options");
    EXPECT_FALSE(it.until([&] { return !it.losses.empty(); }, milliseconds(200)));
    broker.resume();
    EXPECT_TRUE(it.until([&] { return it.connects.size() == 2; }, seconds(10)));
    EXPECT_EQ(source.arrived, 1U);
    EXPECT_EQ(source.lost, 0U);
}

TEST_F(Unawaited, NorDoesAConnectionThatBeginsWithIt) {
    source.set("a", "1");
    broker.pause();
    it.start();
    EXPECT_FALSE(it.connected_within(milliseconds(500)));  // its CONNECT is on its way
    it.session->configure(options_for(broker), "other options");
    broker.resume();
    EXPECT_TRUE(it.until([&] { return it.connects.size() == 2; }, seconds(10)));
    EXPECT_EQ(source.lost, 0U);
    EXPECT_EQ(it.losses, std::vector<std::string>{"other options"});
}

}  // namespace
}  // namespace hi6gw::mqtt
