// Commands end to end. The judge is the simulator's request log: which POSTs there were, in which
// order, when.

#include "system/command_plant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

TEST(Commands, EveryStateOfTheResultTable) {
    CommandPlant plant;
    plant.invariants.others_write();  // an output that does not take what it is told
    const std::string no_effect =
        R"({"path":"do_val","method":"POST","action":"body","body":"{}","apply":false})";
    const std::string fault = R"({"path":"do_val","method":"POST","action":)";
    struct Row {
        const char* what;
        std::string signal, payload, fault;
        std::string expected;  // state reason attempts
        std::size_t posts;
    };
    const std::vector<Row> rows{
        {"read back", "clamp/close", "1", "", "verified ok 1", 1},
        {"a number, scaled", "speed", "12.5", "", "verified ok 1", 1},
        {"by set_relay_value", "relay", "on", "", "verified ok 1", 1},
        {"not verified", "trusted", "true", "", "applied ok 1", 1},
        {"no effect", "clamp/close", "0", no_effect, "mismatch readback 1", 1},
        {"5xx", "lamp", "1", fault + R"("status","status":500,"count":3})", "failed server_error 3",
         3},
        {"5xx once", "lamp", "1", fault + R"("status","status":503,"count":1})", "verified ok 2",
         2},
        {"4xx", "lamp", "0", fault + R"("status","status":404,"count":1})",
         "rejected controller_rejected 1", 1},
        {"lost after it was applied", "clamp/close", "0", fault + R"("reset_after","count":1})",
         "verified ok 1", 1},
        {"lost before it was applied", "clamp/close", "1", fault + R"("reset_before","count":1})",
         "verified ok 2", 2},
        {"not what was expected", "clamp/close", R"({"value":0,"expect":0})", "",
         "rejected precondition 0", 0},
        {"what was expected", "clamp/close", R"({"value":0,"expect":1})", "", "verified ok 1", 1},
        {"words", "clamp/close", "open", "", "rejected bad_payload 0", 0},
        {"two values", "clamp/close", R"({"value":1,"value":0})", "", "rejected bad_payload 0", 0},
        {"an unknown key", "clamp/close", R"({"value":1,"force":true})", "",
         "rejected bad_payload 0", 0},
        {"nothing", "clamp/close", "{}", "", "rejected bad_payload 0", 0},
        {"not configured", "clamp/closing", "1", "", "rejected unknown_signal 0", 0},
        {"not writable", "part", "1", "", "rejected read_only 0", 0},
        {"beyond max", "limited", "101", "", "rejected out_of_range 0", 0},
        {"beyond the width", "speed", "99999", "", "rejected out_of_range 0", 0},
        {"no time at all", "lamp", R"({"value":1,"ttl":0})", "", "rejected bad_payload 0", 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        plant.simulator.clear_faults();
        if (!row.fault.empty()) {
            plant.simulator.fault(row.fault);
        }
        const std::size_t before = plant.simulator.posts().size();
        const json::object result = plant.command(row.signal, row.payload);
        EXPECT_EQ(summary(result), row.expected) << json::serialize(result);
        EXPECT_EQ(plant.simulator.posts().size() - before, row.posts);
    }
    for (const LoggedRequest& post : plant.simulator.posts()) {
        const bool relay = post.body.find("\"m5\"") != std::string::npos;
        EXPECT_EQ(post.target.find("set_relay_value") != std::string::npos, relay) << post.body;
    }
    EXPECT_EQ(plant.simulator.get("m5"), 1);
    EXPECT_GE(plant.gateway.metric("hi6gw_commands_total", "state=\"verified\""), 6);
    EXPECT_EQ(plant.gateway.metric("hi6gw_commands_total", "state=\"mismatch\""), 1);
    plant.simulator.clear_faults();
    plant.expect_well();
}

TEST(Commands, AnAnswerThatStaysAwayLeavesTheOutcomeUnknown) {
    CommandPlant plant("    timeout: 200ms\n");
    plant.simulator.fault(R"({"path":"do_val","method":"POST","action":"reset_after","count":1})");
    plant.simulator.fault(
        R"({"path":"*","method":"GET","action":"status","status":500,"count":-1})");
    const json::object result = plant.command("clamp/close", R"({"value":1,"ttl":1200})");
    EXPECT_EQ(result.at("state"), "unknown") << json::serialize(result);
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    plant.simulator.clear_faults();
    plant.expect_well();
}

TEST(Commands, SilenceAfterThePostIsLookedInto) {
    CommandPlant plant("    timeout: 300ms\n");
    plant.simulator.fault(
        R"({"path":"do_val","method":"POST","action":"hang","count":1,"apply":true})");
    EXPECT_EQ(summary(plant.command("clamp/close", "1")), "verified ok 1");
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    plant.expect_well();
}

TEST(Commands, APeerThatHangsUpBetweenRequestsCostsNoDoublePost) {
    CommandPlant plant("", {"--keep-alive-max", "40"});
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(plant.command("clamp/close", i % 2 == 0 ? "1" : "0").at("state"), "verified");
    }
    EXPECT_EQ(plant.simulator.posts().size(), 6U);
    plant.expect_well();
}

TEST(Commands, TheMessagesExpiryIsADeadlineToo) {
    CommandPlant plant;
    plant.simulator.fault(
        R"({"path":"do_val","method":"POST","action":"delay","ms":900,"count":2})");
    plant.send("lamp", R"({"value":1,"ttl":5000})");
    plant.send("lamp", R"({"value":0,"ttl":5000})");
    ASSERT_TRUE(eventually([&] { return !plant.simulator.posts().empty(); }, kPatience));
    PublishOptions options;
    options.expiry = 1;
    EXPECT_EQ(plant.command("clamp/close", R"({"value":1,"ttl":5000})", options).at("state"),
              "expired");
    ASSERT_TRUE(eventually([&] { return results(plant.probe, "lamp").size() == 2; }, kPatience));
    EXPECT_EQ(plant.simulator.posts().size(), 2U);
    plant.expect_well();
}

TEST(Commands, TheStateFollowsAVerifiedCommandAtOnce) {
    CommandPlant plant("    max_load: 20%\n", {"--get-time", "30ms"});
    const json::object result = plant.command("clamp/close", "1");
    EXPECT_EQ(result.at("state"), "verified");
    EXPECT_TRUE(becomes(plant.probe, "clamp/close", "1"));
    const std::int64_t done = result.at("done").as_int64();
    const std::int64_t stamp = state(plant.probe, "clamp/close").at("timestamp").as_int64();
    EXPECT_LE(stamp, done + 1) << "the state is the read-back, not the next sweep";
    // And the image under it is looked at again: the robot's program takes it back.
    plant.simulator.set("fb2.do3", 0);
    EXPECT_TRUE(becomes(plant.probe, "clamp/close", "0"));
}

TEST(Commands, OrderDeadlinesAndNewerNumbers) {
    CommandPlant plant;
    plant.simulator.fault(
        R"({"path":"do_val","method":"POST","action":"delay","ms":600,"count":1})");
    plant.send("lamp", R"({"value":1,"id":"first"})");
    ASSERT_TRUE(eventually([&] { return !plant.simulator.posts().empty(); }, kPatience));
    plant.send("speed", R"({"value":1,"id":"old"})");
    plant.send("speed", R"({"value":2,"id":"new"})");
    plant.send("trusted", R"({"value":1,"ttl":100,"id":"late"})");
    plant.send("clamp/close", R"({"value":1,"id":"a"})");
    plant.send("clamp/close", R"({"value":0,"id":"b"})");
    ASSERT_TRUE(
        eventually([&] { return results(plant.probe, "clamp/close").size() == 2; }, kPatience));
    ASSERT_EQ(results(plant.probe, "speed").size(), 2U);
    EXPECT_EQ(results(plant.probe, "speed")[0].at("state"), "superseded");
    EXPECT_EQ(results(plant.probe, "speed")[0].at("id"), "old");
    EXPECT_EQ(results(plant.probe, "speed")[1].at("state"), "verified");
    EXPECT_EQ(results(plant.probe, "trusted").at(0).at("state"), "expired");
    EXPECT_EQ(results(plant.probe, "lamp").at(0).at("state"), "verified");
    const auto sent = plant.simulator.posts();
    ASSERT_EQ(sent.size(), 4U) << "lamp, the newer speed, and both of clamp/close";
    EXPECT_NE(sent[2].body, sent[3].body);
    EXPECT_EQ(plant.simulator.get("fb2.do3"), 0);
    plant.expect_well();
}

TEST(Commands, TheSameIdIsCarriedOutOnce) {
    CommandPlant plant;
    const std::string order = R"({"value":1,"id":"order-1"})";
    EXPECT_EQ(plant.command("clamp/close", order).at("state"), "verified");
    const json::object again = plant.command("clamp/close", order);
    EXPECT_EQ(again.at("state"), "verified");
    EXPECT_EQ(again.at("duplicate"), true);
    const json::object other = plant.command("clamp/close", R"({"value":0,"id":"order-1"})");
    EXPECT_EQ(summary(other), "rejected id_reuse 0");
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    plant.expect_well();
}

TEST(Commands, AnswersOnTheResponseTopicUnderTheReplyPrefixOnly) {
    CommandPlant plant;
    PublishOptions options;
    options.response_topic = "hi6/reply/mes";
    options.correlation = "42";
    EXPECT_EQ(plant.command("lamp", "1", options).at("state"), "verified");
    ASSERT_TRUE(
        eventually([&] { return !plant.probe.messages("hi6/reply/mes").empty(); }, kPatience));
    EXPECT_EQ(plant.probe.messages("hi6/reply/mes").at(0).correlation, "42");
    options.response_topic = "hi6/r1/set/clamp/close";
    EXPECT_EQ(plant.command("lamp", "0", options).at("state"), "verified");
    EXPECT_TRUE(plant.probe.messages("hi6/r1/set/clamp/close").empty());
    EXPECT_EQ(plant.simulator.posts().size(), 2U);
    plant.expect_well();
}

TEST(Commands, RetainedOnesAreNeverCarriedOut) {
    CommandPlant plant;
    PublishOptions retained;
    retained.retain = true;
    EXPECT_EQ(summary(plant.command("lamp", "1", retained)), "rejected retained 0");
    EXPECT_EQ(plant.gateway.stop(), 0);
    plant.restart();
    EXPECT_EQ(plant.command("clamp/close", "1").at("state"), "verified");
    EXPECT_EQ(plant.simulator.posts().size(), 1U) << "that of clamp/close alone";
    publish(plant.broker, "hi6/r1/set/lamp", "", retained);
    plant.expect_well();
}

TEST(Commands, WhatWasSentWhileTheGatewayWasAwayIsNotCarriedOutLater) {
    CommandPlant plant;
    EXPECT_EQ(plant.gateway.stop(), 0);
    plant.send("lamp", "1");
    plant.restart();
    ASSERT_TRUE(status_becomes(plant.probe, "online"));
    EXPECT_EQ(plant.command("clamp/close", "1").at("state"), "verified");
    EXPECT_TRUE(results(plant.probe, "lamp").empty());
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    plant.expect_well();
}

TEST(Commands, ComeAgainAfterTheBrokerHasRestarted) {
    CommandPlant plant;
    plant.broker.kill();
    plant.broker.start();
    ASSERT_TRUE(plant.probe.wait_for_subscriptions(2, kPatience));
    ASSERT_TRUE(plant.invariants.hears());
    ASSERT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", 40s));
    EXPECT_EQ(plant.command("lamp", "1").at("state"), "verified");
    plant.expect_well();
}

// A persistent broker still has it after its restart, and the gateway subscribes anew.
TEST(Commands, RetainedOnesAreNotCarriedOutWhenTheBrokerComesBack) {
    BrokerOptions options;
    options.persistence = true;
    Broker broker(options);
    Simulator simulator;
    MqttProbe probe(broker);
    Invariants invariants(broker);
    invariants.watch("r1", simulator, watched_signals());
    invariants.others_command();
    Gateway gateway(base_yaml(broker) + controller_yaml(simulator, kCommandSignals));
    ASSERT_TRUE(becomes(probe, "lamp", "0"));
    ASSERT_TRUE(broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    PublishOptions retained;
    retained.retain = true;
    publish(broker, "hi6/r1/set/lamp", "1", retained);
    ASSERT_TRUE(eventually([&] { return results(probe, "lamp").size() == 1; }, kPatience));
    EXPECT_EQ(summary(results(probe, "lamp")[0].as_object()), "rejected retained 0");
    broker.stop();
    broker.start();
    ASSERT_TRUE(broker.wait_for_log("Sending SUBACK to hi6gw-line1", 40s));
    ASSERT_TRUE(probe.wait_for_subscriptions(2, kPatience));
    ASSERT_TRUE(invariants.hears());
    publish(broker, "hi6/r1/set/clamp/close", "1");
    ASSERT_TRUE(eventually([&] { return !results(probe, "clamp/close").empty(); }, kPatience));
    EXPECT_EQ(summary(results(probe, "clamp/close")[0].as_object()), "verified ok 1");
    EXPECT_EQ(simulator.posts().size(), 1U);
    EXPECT_EQ(simulator.get("fb2.do4"), 0);
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_EQ(invariants.broken(), "");
}

struct Cell {  // a simulator whose outputs have effects
    explicit Cell(const std::string& steps)
        : scenario(directory.file("cell.yaml", "steps:\n" + steps)),
          plant(kOutputs, {"--scenario", scenario.string()}) {
        EXPECT_TRUE(becomes(plant.probe, "clamp", "0"));
        EXPECT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    }
    json::object command(const std::string& payload) {
        publish(plant.broker, "hi6/r1/set/clamp", payload);
        EXPECT_TRUE(eventually([&] { return !results(plant.probe, "clamp").empty(); }, kPatience));
        const auto all = results(plant.probe, "clamp");
        return all.empty() ? json::object{} : all[0].as_object();
    }

    static constexpr const char* kOutputs =
        "      - {name: clamp, address: fb2.do3, access: rw, feedback: closed}\n"
        "      - {name: closed, address: fb2.di5}\n";
    TempDir directory;
    std::filesystem::path scenario;
    Plant plant;
};

TEST(Commands, FeedbackWaitsForThePhysicalEffect) {
    Cell cell("  - {when: fb2.do3, set: fb2.di5, after: 300ms}\n");
    const json::object result = cell.command("1");
    EXPECT_EQ(summary(result), "verified ok 1");
    EXPECT_GE(result.at("done").as_int64() - result.at("received").as_int64(), 300);
    EXPECT_EQ(cell.plant.simulator.get("fb2.di5"), 1);
}

TEST(Commands, FeedbackThatStaysAwayIsAMismatch) {
    Cell cell("  - {when: fb2.do4, set: fb2.di5}\n");
    const json::object result = cell.command("1");
    EXPECT_EQ(summary(result), "mismatch feedback 1");
    EXPECT_EQ(result.at("readback"), 0);
    EXPECT_EQ(cell.plant.simulator.posts().size(), 1U);
}

TEST(Commands, AnotherWriterIsReportedAndNotFought) {
    Cell cell("  - {when: fb2.do3, is: 1, set: fb2.do3, value: 0}\n");
    EXPECT_EQ(summary(cell.command("1")), "mismatch readback 1");
    EXPECT_EQ(cell.plant.simulator.posts().size(), 1U);
}

// While the controller takes its time: as many as fit wait, the rest is refused.
TEST(Commands, BeyondAFullQueueTheyAreRejected) {
    Plant plant("      - {name: \"o/{i}\", address: \"fb2.do{i}\", access: rw, for: 0..9}\n", {},
                "    timeout: 20s\n");
    ASSERT_TRUE(becomes(plant.probe, "o/0", "0"));
    ASSERT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    plant.simulator.fault(R"({"path":"do_val","method":"POST","action":"hang","count":1})");
    // Within 2 s: one that is silent for longer is offline, and nothing waits for it any more.
    constexpr std::ptrdiff_t kSent = 300;
    constexpr std::ptrdiff_t kFit = 257;  // one under way, 256 behind it
    const auto start = std::chrono::steady_clock::now();
    for (const std::string half : {"0 1 2 3 4", "5 6 7 8 9"}) {
        const Finished sent = run({"sh", "-c",
                                   "for i in " + half +
                                       R"(; do yes '{"value":1,"ttl":60000}' | head -n 30 | )"
                                       "mosquitto_pub -q 1 -l -t hi6/r1/set/o/$i -p " +
                                       std::to_string(plant.broker.port()) + " & done; wait"});
        ASSERT_EQ(sent.status, 0) << sent.err;
        // 256 at once and 100 a second are what the rate lets through.
        const auto later = [&] { return std::chrono::steady_clock::now() >= start + 600ms; };
        ASSERT_TRUE(eventually(later, kPatience));
    }
    const auto refused = [&] {
        const std::vector<Received> all = plant.probe.messages();
        return std::ranges::count_if(all, [](const Received& message) {
            return message.payload.find(R"("reason":"queue_full")") != std::string::npos;
        });
    };
    EXPECT_TRUE(eventually([&] { return refused() == kSent - kFit; }, kPatience)) << refused();
    EXPECT_LE(plant.simulator.posts().size(), 1U);
}

TEST(Commands, AreRejectedWhileTheControllerIsAway) {
    CommandPlant plant;
    plant.simulator.kill();
    ASSERT_TRUE(status_becomes(plant.probe, "offline"));
    EXPECT_EQ(summary(plant.command("lamp", "1")), "rejected controller_offline 0");
    plant.simulator.start();
    plant.invariants.replaced("r1");
    plant.expect_well();
}

TEST(Commands, AFloodIsRejectedForItsRate) {
    CommandPlant plant("    max_load: 100%\n");
    constexpr std::size_t kFlood = 250;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < kFlood; ++i) {
        plant.send("trusted", i % 2 == 0 ? "1" : "0");
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(eventually([&] { return results(plant.probe, "trusted").size() == kFlood; }, 30s));
    std::size_t applied = 0;
    std::size_t limited = 0;
    for (const json::value& result : results(plant.probe, "trusted")) {
        applied += result.at("state") == "applied" ? 1U : 0U;
        limited += result.at("reason") == "rate_limited" ? 1U : 0U;
    }
    EXPECT_GE(applied, 100U);
    EXPECT_EQ(applied + limited, kFlood);
    // 100 at once and 25 a second; a machine that takes longer to send sees fewer refused.
    EXPECT_LE(static_cast<double>(applied), 100 + 25 * (took.count() + 1) + 1);
    EXPECT_EQ(plant.simulator.posts().size(), applied);
    // A poll is due after five POSTs of 4 ms (poll: 20ms), and waits for four more at most.
    std::size_t in_a_row = 0;
    std::size_t longest = 0;
    for (const LoggedRequest& request : plant.simulator.requests()) {
        in_a_row = request.method == "POST" ? in_a_row + 1 : 0;
        longest = std::max(longest, in_a_row);
    }
    EXPECT_LE(longest, 9U) << "polls are starved";
    plant.expect_well();
}

TEST(Commands, DryRunAndDisabledWriteNothing) {
    for (const char* mode : {"dry_run", "disabled"}) {
        Broker broker;
        Simulator simulator;
        MqttProbe probe(broker);
        Gateway gateway(base_yaml(broker) + "commands: {mode: " + mode + "}\n" +
                        controller_yaml(simulator, kCommandSignals));
        ASSERT_TRUE(status_becomes(probe, "online"));
        ASSERT_TRUE(broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
        publish(broker, "hi6/r1/set/lamp", "1");
        ASSERT_TRUE(eventually([&] { return !results(probe, "lamp").empty(); }, kPatience));
        const auto result = results(probe, "lamp").at(0).as_object();
        EXPECT_EQ(summary(result),
                  std::string(mode) == "dry_run" ? "would_apply ok 0" : "rejected disabled 0");
        EXPECT_TRUE(simulator.posts().empty());
    }
}

TEST(Commands, OnMqtt311) {
    Broker broker;
    Simulator simulator;
    MqttProbe probe(broker);
    Invariants invariants(broker);
    invariants.watch("r1", simulator, watched_signals());
    invariants.others_command();
    PublishOptions retained;
    retained.retain = true;
    publish(broker, "hi6/r1/set/clamp/close", "1", retained);
    Gateway gateway("gateway: {id: line1}\nmqtt: {version: 3.1.1, url: \"" + broker.url() +
                    "\"}\n" + controller_yaml(simulator, kCommandSignals));
    ASSERT_TRUE(status_becomes(probe, "online"));
    // There is no "do not send what is retained" in 3.1.1: it comes, and is refused.
    ASSERT_TRUE(eventually([&] { return !results(probe, "clamp/close").empty(); }, kPatience));
    EXPECT_EQ(summary(results(probe, "clamp/close").at(0).as_object()), "rejected retained 0");
    publish(broker, "hi6/r1/set/lamp", "1");
    ASSERT_TRUE(eventually([&] { return !results(probe, "lamp").empty(); }, kPatience));
    EXPECT_EQ(summary(results(probe, "lamp").at(0).as_object()), "verified ok 1");
    EXPECT_EQ(simulator.posts().size(), 1U);
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_EQ(invariants.broken(), "");
}

TEST(Commands, TheClientLevelNamesTheSender) {
    Broker broker;
    Simulator simulator;
    MqttProbe probe(broker);
    Gateway gateway(base_yaml(broker) +
                    "log: {format: json}\n"
                    "topics: {set: \"{prefix}/{controller}/set/{client}/{signal}\"}\n" +
                    controller_yaml(simulator, kCommandSignals));
    ASSERT_TRUE(becomes(probe, "lamp", "0"));
    ASSERT_TRUE(broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    publish(broker, "hi6/r1/set/scada/lamp", R"({"value":1,"id":"n 1"})");
    ASSERT_TRUE(eventually([&] { return !results(probe, "lamp").empty(); }, kPatience));
    EXPECT_EQ(results(probe, "lamp").at(0).at("client"), "scada");
    ASSERT_TRUE(gateway.process().wait_for_output(R"("message":"command")", kPatience));
    const std::string log = gateway.process().err();
    const auto start = log.rfind('{', log.find(R"("message":"command")"));
    const json::object line =
        json::parse(log.substr(start, log.find('\n', start) - start)).as_object();
    EXPECT_EQ(line.at("who"), "r1");
    EXPECT_EQ(line.at("signal"), "lamp");
    EXPECT_EQ(line.at("state"), "verified");
    EXPECT_EQ(line.at("before"), 0);
    EXPECT_EQ(line.at("value"), 1);
    EXPECT_EQ(line.at("readback"), 1);
    EXPECT_EQ(line.at("attempts"), 1);
    EXPECT_EQ(line.at("id"), "n 1");
    EXPECT_EQ(line.at("client"), "scada");
    EXPECT_TRUE(line.at("took_ms").is_int64());
}

TEST(Commands, ShutdownAbortsWhatWaits) {
    CommandPlant plant;
    plant.simulator.fault(
        R"({"path":"do_val","method":"POST","action":"delay","ms":700,"count":1})");
    plant.send("lamp", "1");
    ASSERT_TRUE(eventually([&] { return !plant.simulator.posts().empty(); }, kPatience));
    plant.send("clamp/close", "1");
    ASSERT_TRUE(plant.broker.wait_for_log("'hi6/r1/set/clamp/close'", kPatience));
    EXPECT_EQ(plant.gateway.stop(), 0);
    ASSERT_TRUE(eventually([&] { return !results(plant.probe, "lamp").empty(); }, kPatience));
    ASSERT_EQ(results(plant.probe, "clamp/close").size(), 1U);
    const json::value waited = results(plant.probe, "clamp/close")[0];
    EXPECT_EQ(waited.at("reason"), "shutting_down");
    // Which of the two depends on whether it came in before the signal.
    EXPECT_TRUE(waited.at("state") == "aborted" || waited.at("state") == "rejected");
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    EXPECT_EQ(plant.invariants.broken(), "");
}

}  // namespace
}  // namespace hi6gw::test
