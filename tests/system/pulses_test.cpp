// Pulses end to end, whoever ends when. The judge is the simulator's request log.

#include "system/command_plant.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hi6gw::test {
namespace {

namespace json = boost::json;

TEST(Pulses, EachEdgeIsPostedOnceAndInTime) {
    CommandPlant plant;
    plant.invariants.sent({"pulse", "r1", "clamp/close", 1, 3000, true});
    const json::object result =
        plant.command("clamp/close", R"({"value":1,"pulse":300,"id":"pulse"})");
    EXPECT_EQ(summary(result), "verified ok 1") << json::serialize(result);
    const auto sent = plant.simulator.posts();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_GE(sent[1].wall_us - sent[0].wall_us, 300'000);
    EXPECT_NE(sent[0].body.find(R"("val":1)"), std::string::npos) << sent[0].body;
    EXPECT_NE(sent[1].body.find(R"("val":0)"), std::string::npos) << sent[1].body;
    EXPECT_EQ(plant.simulator.get("fb2.do3"), 0);
    EXPECT_TRUE(becomes(plant.probe, "clamp/close", "0"));
    plant.expect_well();
}

TEST(Pulses, AreReleasedOnShutdown) {
    CommandPlant plant;
    plant.invariants.sent({"pulse", "r1", "clamp/close", 1, 3000, true});
    plant.send("clamp/close", R"({"value":1,"pulse":30000,"id":"pulse"})");
    ASSERT_TRUE(eventually([&] { return plant.simulator.get("fb2.do3") == 1; }, kPatience));
    EXPECT_EQ(plant.gateway.stop(), 0);
    EXPECT_EQ(plant.simulator.get("fb2.do3"), 0);
    EXPECT_EQ(plant.simulator.posts().size(), 2U);
    ASSERT_TRUE(
        eventually([&] { return !results(plant.probe, "clamp/close").empty(); }, kPatience));
    EXPECT_EQ(plant.invariants.broken(), "");
}

TEST(Pulses, AreReleasedAfterACrash) {
    CommandPlant plant;
    plant.invariants.sent({"pulse", "r1", "clamp/close", 1, 3000, true});
    plant.send("clamp/close", R"({"value":1,"pulse":30000,"id":"pulse"})");
    ASSERT_TRUE(eventually([&] { return plant.simulator.get("fb2.do3") == 1; }, kPatience));
    plant.gateway.process().signal(SIGKILL);
    ASSERT_TRUE(plant.gateway.process().wait(kPatience));
    EXPECT_EQ(plant.simulator.get("fb2.do3"), 1);
    plant.invariants.died();
    plant.gateway.start();
    EXPECT_TRUE(eventually([&] { return plant.simulator.get("fb2.do3") == 0; }, kPatience));
    EXPECT_TRUE(plant.gateway.process().wait_for_output("late release", kPatience));
    EXPECT_EQ(plant.simulator.posts().size(), 2U);
    EXPECT_EQ(plant.gateway.stop(), 0);
    plant.restart();  // it is settled: nothing is released twice
    EXPECT_EQ(plant.command("lamp", "1").at("state"), "verified");
    EXPECT_EQ(plant.simulator.posts().size(), 3U);
    plant.expect_well();
}

// Also one that has nothing to keep there yet: a reload may give it something.
TEST(Pulses, AStateDirectoryHasOneGateway) {
    CommandPlant plant;
    TempDir directory;
    const auto config = directory.file(
        "two.yaml", base_yaml(plant.broker) + "http: {listen: \"off\"}\n" +
                        controller_yaml(plant.simulator, "      - {name: a, address: fb2.di3}\n"));
    Process second(ProcessOptions{{Gateway::program(), "run", "-c", config.string()},
                                  {{"STATE_DIRECTORY", plant.gateway.state_directory()}},
                                  directory.path().string(),
                                  {}});
    EXPECT_EQ(second.wait(kPatience), 1);
    EXPECT_NE(second.err().find("in use by another hi6gw"), std::string::npos) << second.err();
    plant.expect_well();
}

}  // namespace
}  // namespace hi6gw::test
