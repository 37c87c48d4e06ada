// What a subscriber sees of a controller's signals, end to end.

#include "system/judged.h"

#include <gtest/gtest.h>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

TEST(States, EveryWidthIsPublishedAndFollowsTheController) {
    JudgedPlant plant(
        "      - {name: part_present, address: fb2.di3}\n"
        "      - {name: inverted, address: fb2.di4, invert: true}\n"
        "      - {name: small, address: fb1.dib7}\n"
        "      - {name: clamp/force, address: fb1.diw21}\n"
        "      - {name: temperature, address: fb1.diw30, scale: 0.1}\n"
        "      - {name: pressure, address: fb1.dif41}\n"
        "      - {name: counter, address: ml500, unsigned: true}\n"
        "      - {name: door, address: fb2.di9, values: {0: open, 1: closed}}\n"
        "      - {name: board, address: sib3}\n",
        // I5 of those that are published as they are, or scaled.
        {{"part_present", "fb2.di3", false},
         {"small", "fb1.dib7", false},
         {"clamp/force", "fb1.diw21", false},
         {"temperature", "fb1.diw30", false, 0.1},
         {"door", "fb2.di9", false},
         {"board", "sib3", false}});
    const Simulator& robot = plant.simulator;
    EXPECT_TRUE(becomes(plant.probe, "part_present", "0"));
    robot.set("fb2.di3", 1);
    robot.set("fb2.di4", 1);
    robot.set("fb1.dib7", -56);
    robot.set("fb1.diw21", -12345);
    robot.set("fb1.diw30", 123);
    robot.set("fb1.dif41", 2.718);
    robot.set("ml500", -1);
    robot.set("fb2.di9", 1);
    robot.set("sib3", 77);
    EXPECT_TRUE(becomes(plant.probe, "part_present", "1"));
    EXPECT_TRUE(becomes(plant.probe, "inverted", "0"));
    EXPECT_TRUE(becomes(plant.probe, "small", "-56"));
    EXPECT_TRUE(becomes(plant.probe, "clamp/force", "-12345"));
    EXPECT_TRUE(becomes(plant.probe, "temperature", "12.3"));
    EXPECT_TRUE(becomes(plant.probe, "pressure", "2.718"));
    EXPECT_TRUE(becomes(plant.probe, "counter", "4294967295"));
    EXPECT_TRUE(becomes(plant.probe, "door", "1"));
    EXPECT_EQ(state(plant.probe, "door").at("text"), "closed");
    EXPECT_TRUE(becomes(plant.probe, "board", "77"));
    EXPECT_TRUE(status_becomes(plant.probe, "online"));
    EXPECT_EQ(latest(plant.probe, "hi6/r1/status").at("read_mode"), "block");
    EXPECT_EQ(latest(plant.probe, "hi6/gateway/line1/status").at("state"), "online");
    for (const auto& message : plant.probe.messages()) {
        EXPECT_TRUE(message.retain) << message.topic;
        EXPECT_EQ(message.qos, 1) << message.topic;
    }
    plant.expect_well();
}

TEST(States, AWholeAreaTakesOneRequestASweep) {
    Plant plant("      - {name: \"in/{i}\", address: \"fb3.di{i}\", for: 0..959}\n");
    EXPECT_TRUE(becomes(plant.probe, "in/959", "0"));
    const auto requests = plant.simulator.stat("requests_total");
    const double polls = plant.gateway.metric("hi6gw_http_requests_total");
    EXPECT_TRUE(eventually([&] { return plant.simulator.stat("requests_total") > requests + 20; },
                           kPatience));
    const auto log = boost::json::parse(plant.simulator.log());
    std::size_t others = 0;
    for (const auto& entry : log.at("entries").as_array()) {
        const bool sweep = entry.at("target") == "/project/plc/fb3_di/val_s32?st=0&len=30";
        others += sweep ? 0U : 1U;
    }
    EXPECT_LE(others, 8U);  // the version and the proof of the block read, once
    EXPECT_GT(polls, 0);
}

TEST(States, ControllerAwayAndBack) {
    JudgedPlant plant("      - {name: a, address: fb2.di3}\n", {{"a", "fb2.di3", false}});
    plant.simulator.set("fb2.di3", 1);
    EXPECT_TRUE(becomes(plant.probe, "a", "1"));
    plant.simulator.kill();
    EXPECT_TRUE(status_becomes(plant.probe, "offline"));
    EXPECT_TRUE(becomes(plant.probe, "a", "1", 24));
    plant.simulator.start();
    plant.invariants.replaced("r1");
    EXPECT_TRUE(becomes(plant.probe, "a", "0", 192, 20s));
    EXPECT_TRUE(status_becomes(plant.probe, "online"));
    plant.expect_well();
}

TEST(States, ControllerThatHangsStopsBeingGoodInTime) {
    JudgedPlant plant("      - {name: a, address: fb2.di3}\n", {{"a", "fb2.di3", false}});
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
    plant.simulator.fault(R"({"path":"*","method":"*","count":-1,"action":"hang"})");
    const auto begin = std::chrono::system_clock::now();
    EXPECT_TRUE(becomes(plant.probe, "a", "0", 24));
    const auto took = plant.probe.latest().at("hi6/r1/state/a").arrived - begin;
    EXPECT_LT(took, 2500ms);
    EXPECT_TRUE(status_becomes(plant.probe, "offline"));
    plant.invariants.silent(
        "r1",
        std::chrono::duration_cast<std::chrono::microseconds>(begin.time_since_epoch()).count(),
        wall_now_us());
    plant.simulator.clear_faults();
    EXPECT_TRUE(becomes(plant.probe, "a", "0", 192, 20s));
    plant.expect_well();
}

TEST(States, NothingNotUnderstoodIsPublishedAsGood) {
    JudgedPlant plant(
        "      - {name: a, address: fb2.dib3}\n      - {name: b, address: fb2.diw8}\n",
        {{"a", "fb2.dib3", false}, {"b", "fb2.diw8", false}});
    plant.simulator.set("fb2.dib3", 5);
    EXPECT_TRUE(becomes(plant.probe, "a", "5"));
    for (const char* body : {"", "<html>no</html>", "[1,2", "{\"val\":1}", "[\"1\"]", "[1e400]",
                             "[99999999999]", "[null]"}) {
        plant.probe.forget();
        const boost::json::object fault{{"path", "val_s32"},
                                        {"method", "GET"},
                                        {"count", -1},
                                        {"action", "body"},
                                        {"body", body}};
        plant.simulator.fault(boost::json::serialize(fault));
        EXPECT_TRUE(becomes(plant.probe, "a", "5", 12)) << body;
        plant.simulator.clear_faults();
        EXPECT_TRUE(becomes(plant.probe, "a", "5")) << body;
    }
    plant.expect_well();
}

TEST(States, BrokerRestartedWithoutMemoryGetsEverythingAgain) {
    JudgedPlant plant("      - {name: a, address: fb2.di3}\n      - {name: b, address: fb2.di4}\n",
                      {{"a", "fb2.di3", false}, {"b", "fb2.di4", false}});
    EXPECT_TRUE(becomes(plant.probe, "b", "0"));
    plant.broker.kill();
    plant.simulator.set("fb2.di4", 1);
    plant.probe.forget();
    plant.broker.start();
    EXPECT_TRUE(becomes(plant.probe, "a", "0", 192, 30s));
    EXPECT_TRUE(becomes(plant.probe, "b", "1"));
    EXPECT_TRUE(status_becomes(plant.probe, "online"));
    EXPECT_EQ(latest(plant.probe, "hi6/gateway/line1/status").at("state"), "online");
    plant.expect_well();
}

TEST(States, GatewayStartsWithNothingThere) {
    Broker broker;
    Simulator simulator;
    broker.stop();
    simulator.kill();
    Gateway gateway(base_yaml(broker) +
                    controller_yaml(simulator, "      - {name: a, address: fb2.di3}\n"));
    EXPECT_EQ(gateway.get("/healthz").status, 200U);
    EXPECT_EQ(gateway.get("/readyz").status, 503U);
    broker.start();
    MqttProbe probe(broker);
    Invariants invariants(broker);
    EXPECT_TRUE(becomes(probe, "a", "null", 24, 30s));
    simulator.start();
    invariants.watch("r1", simulator, {{"a", "fb2.di3", false}});
    EXPECT_TRUE(becomes(probe, "a", "0", 192, 30s));
    EXPECT_TRUE(eventually([&] { return gateway.get("/readyz").status == 200U; }, kPatience));
    expect_well(invariants, gateway);
}

}  // namespace
}  // namespace hi6gw::test
