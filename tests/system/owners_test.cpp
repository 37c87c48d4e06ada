// Who else serves a controller: a second gateway is told from an earlier run of our own.

#include "system/judged.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

const WatchedSignal kWatchedA{"a", "fb2.di3", false};
const std::string kA = "      - {name: a, address: fb2.di3}\n";

// Two gateways for one robot: each of them says so.
TEST(Reload, ASecondGatewayForAControllerIsReported) {
    Plant plant(kA);
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {kWatchedA});
    invariants.shared("r1", 2);
    ASSERT_TRUE(becomes(plant.probe, "a", "0"));
    ASSERT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    const std::string line2 = "gateway: {id: line2}\nmqtt: {url: \"" + plant.broker.url() + "\"}\n";
    Gateway second(line2 + controller_yaml(plant.simulator, kA));
    for (const char* topic : {"hi6/gateway/line1/status", "hi6/gateway/line2/status"}) {
        EXPECT_TRUE(eventually(
            [&] {
                const auto now = latest(plant.probe, topic);
                return now.is_object() && now.as_object().contains("reason") &&
                       now.at("reason").as_string().starts_with("duplicate_owner: ");
            },
            kPatience))
            << topic;
    }
    EXPECT_EQ(second.metric("hi6gw_duplicate_owner"), 1);
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    // One of them is switched off, as it should be: its goodbye does not have the last word.
    EXPECT_EQ(second.stop(), 0);
    ASSERT_TRUE(becomes(plant.probe, "a", "0", 24));
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_TRUE(status_becomes(plant.probe, "online"));
    // Or it is given another robot, and deletes what it had said of this one.
    second.start();
    const Simulator other;
    EXPECT_TRUE(reloads(second, line2 + "controllers:\n  - name: r2\n    url: " + other.url() +
                                    "\n    signals:\n" + kA));
    ASSERT_TRUE(plant.probe.wait_for("hi6/r1/state/a", "", kPatience));
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_TRUE(status_becomes(plant.probe, "online"));
    EXPECT_EQ(plant.gateway.stop(), 0);
    EXPECT_EQ(invariants.broken(), "");
}

// A broker that speaks MQTT 3.1.1 sends what an earlier run of ours had said.
TEST(Reload, ARestartIsNoSecondGatewayOnMqtt311Either) {
    const Broker broker;
    const Simulator simulator;
    const MqttProbe probe(broker);
    Gateway gateway("gateway: {id: line1}\nmqtt: {version: 3.1.1, url: \"" + broker.url() +
                    "\"}\n" + controller_yaml(simulator, kA));
    ASSERT_TRUE(status_becomes(probe, "online"));
    gateway.process().signal(SIGKILL);
    ASSERT_TRUE(gateway.process().wait(kPatience));
    gateway.start();
    ASSERT_TRUE(eventually([&] { return gateway.metric("hi6gw_mqtt_connected") == 1; }, kPatience));
    ASSERT_TRUE(eventually(
        [&] { return gateway.process().err().find("online") != std::string::npos; }, kPatience));
    EXPECT_EQ(gateway.metric("hi6gw_duplicate_owner"), 0);
    EXPECT_EQ(gateway.process().err().find("duplicate_owner"), std::string::npos);
    EXPECT_EQ(gateway.stop(), 0);
}

// "offline" is what both say then, and neither has anything better.
TEST(Reload, ASecondGatewayAtADeadControllerMakesNobodyRepeatHimself) {
    Plant plant(kA);
    ASSERT_TRUE(becomes(plant.probe, "a", "0"));
    Gateway second("gateway: {id: line2}\nmqtt: {url: \"" + plant.broker.url() + "\"}\n" +
                   controller_yaml(plant.simulator, kA));
    ASSERT_TRUE(eventually([&] { return second.metric("hi6gw_duplicate_owner") == 1; }, kPatience));
    plant.simulator.kill();
    const auto offline = [&] {
        int said = 0;
        for (const Received& message : plant.probe.messages("hi6/r1/status")) {
            said += message.payload.find("\"offline\"") != std::string::npos ? 1 : 0;
        }
        return said;
    };
    ASSERT_TRUE(eventually([&] { return offline() >= 2; }, kPatience));
    ASSERT_TRUE(becomes(plant.probe, "a", "0", 24));
    const std::size_t said = plant.probe.messages("hi6/r1/state/a").size();
    EXPECT_FALSE(
        eventually([&] { return plant.probe.messages("hi6/r1/state/a").size() > said + 1; }, 14s))
        << "twice the time after which a goodbye is answered";
}

}  // namespace
}  // namespace hi6gw::test
