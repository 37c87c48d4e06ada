// A configuration that is read again while the gateway works (SIGHUP). Judged by the controllers'
// logs and by what a subscriber got.

#include "system/plant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;

struct Cell : Plant {
    explicit Cell(const std::string& signals) : Plant(signals) {}
    // Two controllers: r1 with these signals, r2 always the same.
    [[nodiscard]] std::string yaml(const std::string& signals, const std::string& more = "") const {
        return base_yaml(broker) + more + controller_yaml(simulator, signals) +
               "  - name: r2\n    url: " + other.url() +
               "\n    signals:\n      - {name: b, address: fb2.di4}\n";
    }
    void reload(const std::string& text, const std::string& result = "applied") {
        EXPECT_TRUE(reloads(gateway, text, result)) << gateway.process().err();
    }
    Simulator other;
};

const std::string kA = "      - {name: a, address: fb2.di3}\n";
const std::string kOut = "      - {name: out, address: fb2.do3, access: rw}\n";

TEST(Reload, LeavesWhatHasNotChangedAlone) {
    Cell cell(kA);
    cell.reload(cell.yaml(kA));
    ASSERT_TRUE(becomes(cell.probe, "a", "0"));
    ASSERT_TRUE(eventually(
        [&] {
            const auto now = latest(cell.probe, "hi6/r2/state/b");
            return now.is_object() && now.at("quality") == 192;
        },
        kPatience));
    ASSERT_TRUE(status_becomes(cell.probe, "online"));
    const auto connections = cell.simulator.stat("connections_total");
    const auto other_connections = cell.other.stat("connections_total");
    const std::size_t messages = cell.probe.messages("hi6/r2/state/b").size();
    cell.reload(cell.yaml(kA + "      - {name: c, address: fb2.di5}\n"));
    EXPECT_TRUE(becomes(cell.probe, "c", "0"));
    EXPECT_EQ(cell.other.stat("connections_total"), other_connections);
    EXPECT_EQ(cell.probe.messages("hi6/r2/state/b").size(), messages) << "not said again";
    EXPECT_EQ(cell.simulator.stat("connections_total"), connections)
        << "the changed controller keeps its connection, too";
    EXPECT_EQ(cell.simulator.stat("connections_open_max"), 1);
    for (const Received& message : cell.probe.messages("hi6/r1/status")) {
        EXPECT_THAT(message.payload, testing::Not(HasSubstr("stopped")));
    }
    // A value that was known is not unknown for a while.
    std::size_t unread = 0;
    for (const Received& message : cell.probe.messages("hi6/r1/state/a")) {
        unread += message.payload.find("\"quality\":32") != std::string::npos ? 1U : 0U;
    }
    EXPECT_LE(unread, 1U) << "at the start";
}

TEST(Reload, RemovedSignalsLeaveNothingBehind) {
    Cell cell(kA + kOut);
    ASSERT_TRUE(becomes(cell.probe, "out", "0"));
    cell.reload(cell.yaml(kA));
    EXPECT_TRUE(cell.probe.wait_for("hi6/r1/state/out", "", kPatience));
    MqttProbe late(cell.broker);
    EXPECT_TRUE(becomes(late, "a", "0"));
    EXPECT_TRUE(late.messages("hi6/r1/state/out").empty());
    publish(cell.broker, "hi6/r1/set/out", "1");
    ASSERT_TRUE(
        eventually([&] { return !cell.probe.messages("hi6/r1/result/out").empty(); }, kPatience));
    EXPECT_THAT(cell.probe.messages("hi6/r1/result/out")[0].payload, HasSubstr("unknown_signal"));
    EXPECT_TRUE(cell.simulator.posts().empty());
    // And a controller that goes takes its status with it.
    cell.reload(base_yaml(cell.broker) + controller_yaml(cell.simulator, kA));
    EXPECT_TRUE(cell.probe.wait_for("hi6/r2/status", "", kPatience));
    EXPECT_TRUE(cell.probe.wait_for("hi6/r2/state/b", "", kPatience));
    EXPECT_TRUE(eventually([&] { return cell.other.stat("connections_open") == 0; }, kPatience));
}

TEST(Reload, ASignalBecomesWritable) {
    Cell cell("      - {name: out, address: fb2.do3}\n");
    ASSERT_TRUE(becomes(cell.probe, "out", "0"));
    cell.reload(cell.yaml(kOut));
    ASSERT_TRUE(cell.broker.wait_for_log("hi6gw-line1 1 hi6/r1/set/", kPatience));
    publish(cell.broker, "hi6/r1/set/out", R"({"value":1,"pulse":20})");
    EXPECT_TRUE(
        eventually([&] { return !cell.probe.messages("hi6/r1/result/out").empty(); }, kPatience));
    EXPECT_THAT(cell.probe.messages("hi6/r1/result/out")[0].payload, HasSubstr("verified"));
}

TEST(Reload, ABrokenFileChangesNothingAndSaysWhere) {
    Cell cell(kA);
    ASSERT_TRUE(becomes(cell.probe, "a", "0"));
    cell.reload(base_yaml(cell.broker) + "controllers: [{name: r1, url: nonsense}]\n", "refused");
    EXPECT_TRUE(cell.gateway.process().wait_for_output("hi6gw.yaml:4:", kPatience));
    EXPECT_TRUE(eventually(
        [&] {
            const auto now = latest(cell.probe, "hi6/gateway/line1/status");
            return now.as_object().contains("reason") &&
                   now.at("reason").as_string().starts_with("config_error: ");
        },
        kPatience));
    EXPECT_EQ(latest(cell.probe, "hi6/gateway/line1/status").at("state"), "online");
    cell.simulator.set("fb2.di3", 1);
    EXPECT_TRUE(becomes(cell.probe, "a", "1"));
    cell.reload(cell.yaml(kA));
    EXPECT_TRUE(eventually(
        [&] {
            return !latest(cell.probe, "hi6/gateway/line1/status").as_object().contains("reason");
        },
        kPatience));
}

TEST(Reload, AnotherBrokerIsToldGoodbyeAndHello) {
    Cell cell(kA);
    ASSERT_TRUE(becomes(cell.probe, "a", "0"));
    Broker next;
    MqttProbe there(next);
    cell.reload(base_yaml(next) + controller_yaml(cell.simulator, kA));
    EXPECT_TRUE(becomes(there, "a", "0", 192, 30s));
    EXPECT_TRUE(eventually(
        [&] { return latest(there, "hi6/gateway/line1/status").at("state") == "online"; },
        kPatience));
    EXPECT_EQ(latest(cell.probe, "hi6/gateway/line1/status").at("state"), "offline");
    EXPECT_EQ(cell.simulator.stat("connections_open_max"), 1);
}

TEST(Reload, OtherTopicsReplaceTheOld) {
    Cell cell(kA);
    ASSERT_TRUE(becomes(cell.probe, "a", "0"));
    cell.reload(cell.yaml(kA, "topics: {prefix: plant}\n"));
    EXPECT_TRUE(
        eventually([&] { return latest(cell.probe, "plant/r1/state/a").is_object(); }, 30s));
    EXPECT_TRUE(eventually(
        [&] { return latest(cell.probe, "plant/gateway/line1/status").is_object(); }, kPatience));
    for (const char* topic : {"hi6/r1/state/a", "hi6/r1/status", "hi6/gateway/line1/status"}) {
        EXPECT_TRUE(cell.probe.wait_for(topic, "", kPatience)) << topic;
    }
}

// A command that has begun ends as if nothing had happened; a pulse is released.
TEST(Reload, DoesNotDisturbCommandsUnderWay) {
    Cell cell(kOut);
    ASSERT_TRUE(becomes(cell.probe, "out", "0"));
    ASSERT_TRUE(cell.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    publish(cell.broker, "hi6/r1/set/out", R"({"value":1,"pulse":1500})");
    ASSERT_TRUE(eventually([&] { return cell.simulator.get("fb2.do3") == 1; }, kPatience));
    cell.reload(cell.yaml(kA + kOut));
    EXPECT_TRUE(becomes(cell.probe, "a", "0"));
    EXPECT_EQ(cell.simulator.get("fb2.do3"), 1) << "not shortened";
    ASSERT_TRUE(
        eventually([&] { return !cell.probe.messages("hi6/r1/result/out").empty(); }, kPatience));
    EXPECT_THAT(cell.probe.messages("hi6/r1/result/out")[0].payload, HasSubstr("verified"));
    const auto posts = cell.simulator.posts();
    ASSERT_EQ(posts.size(), 2U);
    EXPECT_GE(posts[1].wall_us - posts[0].wall_us, 1'500'000);
}

TEST(Reload, AControllerThatGoesIsLeftWithNothingPulsed) {
    Cell cell(kOut);
    ASSERT_TRUE(becomes(cell.probe, "out", "0"));
    ASSERT_TRUE(cell.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    publish(cell.broker, "hi6/r1/set/out", R"({"value":1,"pulse":30000})");
    ASSERT_TRUE(eventually([&] { return cell.simulator.get("fb2.do3") == 1; }, kPatience));
    cell.reload(base_yaml(cell.broker) + "controllers:\n  - name: r2\n    url: " +
                cell.other.url() + "\n    signals:\n" + kA);
    EXPECT_EQ(cell.simulator.get("fb2.do3"), 0);
    EXPECT_EQ(cell.simulator.stat("connections_open_max"), 1);
}

TEST(Reload, ManyInARowUnderLoadCostNothing) {
    Cell cell(kA + kOut);
    const std::string more = "      - {name: \"x/{i}\", address: \"fb3.di{i}\", for: 0..99}\n";
    ASSERT_TRUE(becomes(cell.probe, "a", "0"));
    cell.reload(cell.yaml(kA + kOut + more));
    cell.reload(cell.yaml(kA + kOut));
    const double rss = cell.gateway.metric("process_resident_memory_bytes");
    const double fds = cell.gateway.metric("process_open_fds");
    const double threads = cell.gateway.metric("process_threads");
    const auto connections = cell.simulator.stat("connections_total");
    const char* text = std::getenv("HI6GW_RELOADS");  // NOLINT(concurrency-mt-unsafe): no setenv
    const int reloads = text == nullptr ? 40 : std::atoi(text);  // NOLINT(cert-err34-c): 0 is none
    for (int i = 0; i < reloads; ++i) {
        publish(cell.broker, "hi6/r1/set/out", i % 2 == 0 ? "1" : "0");
        cell.reload(cell.yaml(kA + kOut + (i % 2 == 0 ? more : "")));
    }
    EXPECT_TRUE(eventually(
        [&] {
            return cell.probe.messages("hi6/r1/result/out").size() ==
                   static_cast<std::size_t>(reloads);
        },
        kPatience));
    std::cout << reloads << " reloads: RSS " << rss / 1e6 << " -> "
              << cell.gateway.metric("process_resident_memory_bytes") / 1e6 << " MB" << std::endl;
    EXPECT_EQ(cell.gateway.metric("process_open_fds"), fds);
    EXPECT_EQ(cell.gateway.metric("process_threads"), threads);
    EXPECT_LT(cell.gateway.metric("process_resident_memory_bytes"), rss * 1.5 + 2e6);
    EXPECT_EQ(cell.simulator.stat("connections_total"), connections);
    EXPECT_EQ(cell.other.stat("connections_total"), 1);
    EXPECT_EQ(cell.simulator.stat("connections_open_max"), 1);
    EXPECT_EQ(cell.gateway.stop(), 0);
}

// Two gateways for one robot: each of them says so.
TEST(Reload, ASecondGatewayForAControllerIsReported) {
    Plant plant(kA);
    ASSERT_TRUE(becomes(plant.probe, "a", "0"));
    ASSERT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    Gateway second("gateway: {id: line2}\nmqtt: {url: \"" + plant.broker.url() + "\"}\n" +
                   controller_yaml(plant.simulator, kA));
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
}

}  // namespace
}  // namespace hi6gw::test
