// The session against a real broker.

#include "component/mqtt/session_fixture.h"
#include "support/mqtt_probe.h"

#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

using test::Broker;
using test::BrokerOptions;
using test::MqttProbe;
using test::Received;

TEST(PahoSession, PublishesWhatSourcesHave) {
    const Broker broker;
    const MqttProbe probe(broker);
    SessionFixture it(options_for(broker));
    LatestSource source;
    it.session->add(source, Priority::state);
    source.set("a/b", "1");
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    EXPECT_EQ(it.connects.front().version, 5);
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    ASSERT_TRUE(probe.wait_for("a/b", "1", seconds(10)));
    EXPECT_EQ(probe.latest().at("a/b").qos, 1);
    EXPECT_TRUE(probe.latest().at("a/b").retain);
    source.set("a/b", "2");
    it.session->wake();
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    EXPECT_TRUE(probe.wait_for("a/b", "2", seconds(10)));
    EXPECT_EQ(source.arrived, 2U);
    EXPECT_EQ(source.unknown, 0U);
}

TEST(PahoSession, StopDrainsAndSaysGoodbye) {
    const Broker broker;
    const MqttProbe probe(broker);
    SessionFixture it(options_for(broker));
    LatestSource source;
    it.session->add(source, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    for (int i = 0; i < 1000; ++i) {
        source.set("t/" + std::to_string(i), "x");
    }
    it.stop(seconds(4));
    EXPECT_TRUE(it.until([&] { return it.stopped && !it.running; }, seconds(5)));
    EXPECT_TRUE(source.idle());
    EXPECT_FALSE(it.run_error);
    EXPECT_TRUE(probe.wait_for_count(1000, seconds(10)));
    EXPECT_TRUE(it.losses.empty());
    EXPECT_TRUE(broker.wait_for_log("Received DISCONNECT from hi6gw-test", seconds(5)));
    EXPECT_TRUE(probe.messages("gw/status").empty()) << "the will was published";
}

}  // namespace
}  // namespace hi6gw::mqtt
