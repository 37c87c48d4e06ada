// Starting, stopping and looking at the daemon.

#include "support/invariants.h"
#include "support/paths.h"
#include "system/plant.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

TEST(Operations, SigtermSaysGoodbye) {
    Plant plant("      - {name: a, address: fb2.di3}\n");
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {{"a", "fb2.di3", false}});
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
    EXPECT_EQ(plant.gateway.stop(), 0);
    EXPECT_TRUE(status_becomes(plant.probe, "offline"));
    EXPECT_TRUE(becomes(plant.probe, "a", "0", 24));
    EXPECT_TRUE(eventually(
        [&] { return latest(plant.probe, "hi6/gateway/line1/status").at("state") == "offline"; },
        kPatience));
    EXPECT_EQ(invariants.broken(), "");
}

TEST(Operations, SigtermEndsItInTimeWithEverythingHanging) {
    Plant plant("      - {name: a, address: fb2.di3}\n");
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {{"a", "fb2.di3", false}});
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
    plant.broker.pause();
    plant.simulator.process().signal(SIGSTOP);
    EXPECT_EQ(plant.gateway.stop(), 0);
    plant.broker.resume();
    plant.simulator.process().signal(SIGCONT);
    EXPECT_EQ(invariants.broken(), "");
}

TEST(Operations, SigkillLeavesTheWill) {
    Plant plant("      - {name: a, address: fb2.di3}\n");
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {{"a", "fb2.di3", false}});
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
    plant.gateway.process().signal(SIGKILL);
    EXPECT_TRUE(eventually(
        [&] { return latest(plant.probe, "hi6/gateway/line1/status").at("state") == "offline"; },
        kPatience));
    EXPECT_EQ(invariants.broken(), "");
}

TEST(Operations, PagesTellTheTruth) {
    Plant plant("      - {name: a, address: fb2.di3}\n");
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
    EXPECT_EQ(plant.gateway.get("/healthz").status, 200U);
    EXPECT_EQ(plant.gateway.get("/readyz").status, 200U);
    EXPECT_EQ(plant.gateway.get("/nothing").status, 404U);
    EXPECT_EQ(plant.gateway.metric("hi6gw_controller_up", "r1"), 1);
    EXPECT_EQ(plant.gateway.metric("hi6gw_mqtt_connected"), 1);
    EXPECT_EQ(plant.gateway.metric("hi6gw_connects_total", "r1"), 1);
    EXPECT_GT(plant.gateway.metric("hi6gw_http_requests_total", "outcome=\"ok\""), 1);
    EXPECT_TRUE(eventually(  // the subscriber may have it before the gateway knows
        [&] { return plant.gateway.metric("hi6gw_publish_seconds_count") > 0; },
        std::chrono::milliseconds(500)));
    const auto changes = plant.gateway.metric("hi6gw_changes_total");
    plant.simulator.set("fb2.di3", 1);
    EXPECT_TRUE(becomes(plant.probe, "a", "1"));
    EXPECT_EQ(plant.gateway.metric("hi6gw_changes_total"), changes + 1);
    plant.simulator.kill();
    EXPECT_TRUE(status_becomes(plant.probe, "offline"));
    EXPECT_EQ(plant.gateway.metric("hi6gw_controller_up", "r1"), 0);
    EXPECT_EQ(plant.gateway.get("/readyz").status, 503U);
    EXPECT_EQ(plant.gateway.get("/healthz").status, 200U);
}

TEST(Operations, ExitCodes) {
    const std::string hi6gw = std::string(BINARY_DIR) + "/src/hi6gw";
    EXPECT_EQ(run({hi6gw, "--version"}).status, 0);
    EXPECT_EQ(run({hi6gw, "--help"}).status, 0);
    EXPECT_EQ(run({hi6gw, "run", "--help"}).status, 0);
    EXPECT_EQ(run({hi6gw}).status, 64);
    EXPECT_EQ(run({hi6gw, "fly"}).status, 64);
    EXPECT_EQ(run({hi6gw, "check"}).status, 64);
    const TempDir directory;
    const auto broken = directory.file("broken.yaml", "mqtt: {url: nonsense}\n");
    const auto missing = (directory.path() / "missing.yaml").string();
    for (const char* command : {"check", "run", "topics"}) {
        EXPECT_EQ(run({hi6gw, command, "-c", broken.string()}).status, 78) << command;
        EXPECT_EQ(run({hi6gw, command, "-c", missing}).status, 78) << command;
    }
}

}  // namespace
}  // namespace hi6gw::test
