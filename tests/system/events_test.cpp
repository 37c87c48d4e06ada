// Events as a consumer sees them, and a journal that has trouble.

#include "system/event_rig.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

struct EventPlant {
    explicit EventPlant(int signals = 16, const std::string& more = "")
        : gate(broker.port()),
          probe(broker, {"hi6/r1/event/#", "hi6/gateway/#"}),
          invariants(broker),
          cell(signals),
          gateway("gateway: {id: line1}\nmqtt: {url: \"mqtt://127.0.0.1:" +
                  std::to_string(gate.port()) + "\"}\ndefaults: {poll: 10ms}\n" + more +
                  "controllers:\n  - name: r1\n    url: " + cell.simulator().url() +
                  "\n    max_load: 100%\n    signals:\n" + cell.signals()) {
        invariants.watch("r1", cell.simulator(), cell.watched());
    }

    // Every event that was recorded has been taken by the broker.
    [[nodiscard]] bool drained() const {
        return eventually([&] { return metric("hi6gw_outbox_events") == 0; }, 30s);
    }
    [[nodiscard]] bool seen(int step, int signals = 16) const {
        const std::string value = "\"value\":" + std::to_string(step) + ",";
        return probe.wait_until(
            [&](const std::vector<Received>& all) {
                return std::count_if(all.begin(), all.end(), [&](const Received& message) {
                           return message.payload.find(value) != std::string::npos &&
                                  message.payload.find(":192") != std::string::npos;
                       }) >= signals;
            },
            kPatience);
    }
    [[nodiscard]] double metric(const std::string& name, const std::string& label = "") const {
        return gateway.metric(name, label);
    }
    [[nodiscard]] Account account() const {
        std::vector<Received> events = probe.messages();
        std::erase_if(events, [](const Received& message) {
            return message.topic.find("/event") == std::string::npos;
        });
        return account_of(events);
    }
    void expect_well() { test::expect_well(invariants, gateway); }
    [[nodiscard]] std::string gateway_reason() const {
        const auto status = latest(probe, "hi6/gateway/line1/status");
        const auto* reason =
            status.is_object() ? status.as_object().if_contains("reason") : nullptr;
        return reason != nullptr ? std::string(reason->as_string()) : std::string();
    }

    Broker broker{{{"max_inflight_messages 0", "max_queued_messages 0"}, {}, {}, false}};
    Proxy gate;
    MqttProbe probe;
    Invariants invariants;
    Cell cell;
    Gateway gateway;
};

TEST(Events, TellWhatHappenedInOrderAndGoOnAfterARestart) {
    EventPlant plant(1);
    ASSERT_TRUE(plant.seen(0, 1));
    plant.cell.step(true);
    ASSERT_TRUE(plant.seen(1, 1));
    EXPECT_EQ(plant.gateway.stop(), 0);
    plant.invariants.died();
    plant.gateway.start();
    ASSERT_TRUE(eventually([&] { return plant.account().events >= 6; }, kPatience));
    std::vector<std::string> got;
    for (const Received& message : plant.probe.messages()) {
        if (message.topic == "hi6/r1/event/w/0") {
            EXPECT_FALSE(message.retain);
            EXPECT_EQ(message.qos, 1);
            const auto body = boost::json::parse(message.payload).as_object();
            EXPECT_TRUE(body.contains("timestamp"));
            got.push_back(boost::json::serialize(body.at("seq")) + ": " +
                          boost::json::serialize(body.at("value")) + " quality " +
                          boost::json::serialize(body.at("quality")));
        }
    }
    EXPECT_EQ(got, (std::vector<std::string>{"1: null quality 32", "2: 0 quality 192",
                                             "3: 1 quality 192", "4: 1 quality 24",
                                             "5: null quality 32", "6: 1 quality 192"}));
    plant.expect_well();
}

TEST(Events, OfAnOutageThatIsTooLongAGapTells) {
    EventPlant plant(40, "events: {max_size: 1MiB}\n");
    ASSERT_TRUE(plant.seen(0, 40));
    plant.gate.door(Proxy::Door::refused);
    plant.broker.pause();
    while (plant.metric("hi6gw_events_dropped_total", "journal_full") < 1000) {
        plant.cell.step(true);
    }
    EXPECT_LE(plant.metric("hi6gw_journal_bytes"), 1 << 20U);
    plant.broker.resume();
    plant.gate.cut(Proxy::End::fin);
    plant.gate.door(Proxy::Door::open);
    plant.cell.step(true);
    ASSERT_TRUE(plant.seen(plant.cell.steps(), 40));
    ASSERT_TRUE(plant.drained());
    const Account account = plant.account();
    EXPECT_EQ(account.holes, 0U) << account.first_fault;
    EXPECT_EQ(account.clashes, 0U);
    EXPECT_EQ(account.reasons.count("journal_full"), 1U);
    EXPECT_EQ(account.missing, plant.metric("hi6gw_events_dropped_total", "journal_full"));
    EXPECT_EQ(account.events + account.missing, plant.metric("hi6gw_events_total"));
    plant.expect_well();
}

// A full disk: here by a limit on the size of files, which writes meet in the same way.
TEST(Events, OnAFullDiskWaitAndTheStatusSaysSo) {
    EventPlant plant;
    ASSERT_TRUE(plant.seen(0));
    rlimit limit{};
    ASSERT_EQ(::prlimit(plant.gateway.process().pid(), RLIMIT_FSIZE, nullptr, &limit), 0);
    rlimit small = limit;
    small.rlim_cur = 1;
    ASSERT_EQ(::prlimit(plant.gateway.process().pid(), RLIMIT_FSIZE, &small, nullptr), 0);
    plant.cell.step(true);
    ASSERT_TRUE(eventually([&] { return plant.metric("hi6gw_journal_failing") == 1; }, kPatience));
    ASSERT_TRUE(eventually([&] { return plant.gateway_reason().starts_with("event journal: "); },
                           kPatience));
    for (int i = 0; i < 20; ++i) {
        plant.cell.step(true);
    }
    EXPECT_EQ(plant.gateway.get("/readyz").status, 200U) << "the gateway goes on";
    EXPECT_TRUE(
        eventually([&] { return plant.metric("hi6gw_outbox_events") >= 20 * 16; }, kPatience));
    EXPECT_GE(plant.metric("hi6gw_journal_failures_total"), 1);
    ASSERT_EQ(::prlimit(plant.gateway.process().pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
    ASSERT_TRUE(plant.seen(plant.cell.steps()));
    ASSERT_TRUE(plant.drained());
    EXPECT_TRUE(eventually([&] { return plant.gateway_reason().empty(); }, kPatience));
    EXPECT_EQ(plant.metric("hi6gw_journal_failing"), 0);
    const Account account = plant.account();
    EXPECT_EQ(account.holes + account.clashes + account.gaps, 0U) << account.first_fault;
    EXPECT_EQ(account.values.at("w/0").size(), static_cast<std::size_t>(plant.cell.steps()) + 1);
    plant.expect_well();
}

// What is now overtakes what was: with a backlog on its way, a state is not late.
TEST(Events, LeaveRoomForStates) {
    EventPlant plant(40);
    ASSERT_TRUE(plant.seen(0, 40));
    const MqttProbe states(plant.broker, {"hi6/r1/state/#"});
    plant.gate.door(Proxy::Door::refused);
    plant.gate.cut(Proxy::End::fin);
    for (int i = 0; i < 150; ++i) {
        plant.cell.step(true);
    }
    plant.gate.to_client(
        {.delay = 100ms});  // 100 messages of the window, half of it events: 500 events/s
    plant.gate.door(Proxy::Door::open);
    const auto waiting = [&] { return plant.metric("hi6gw_outbox_events"); };
    ASSERT_TRUE(eventually([&] { return waiting() < 5900 && waiting() > 0; }, kPatience));
    plant.cell.step(true);
    const auto at = [](const std::vector<Received>& all, int step) {
        return std::count_if(all.begin(), all.end(), [&](const Received& message) {
            return message.payload.find("\"value\":" + std::to_string(step) + ",") !=
                   std::string::npos;
        });
    };
    EXPECT_TRUE(states.wait_until(
        [&](const std::vector<Received>& all) { return at(all, plant.cell.steps()) >= 40; }, 3s));
    EXPECT_GT(waiting(), 3000) << "and the events still wait";
    plant.gate.pass();
    EXPECT_TRUE(plant.drained());
    const Account account = plant.account();
    EXPECT_EQ(account.holes + account.clashes + account.gaps, 0U) << account.first_fault;
    plant.expect_well();
}

TEST(Events, ASecondGatewayCannotUseTheSameJournal) {
    EventPlant plant;
    const auto other = run({"env", "STATE_DIRECTORY=" + plant.gateway.state_directory(),
                            Gateway::program(), "run", "-c", plant.gateway.config().string()});
    EXPECT_EQ(other.status, 1);
    EXPECT_NE(other.err.find("in use"), std::string::npos) << other.err;
    plant.expect_well();
}

TEST(Events, ThatWaitAreSentAlsoWhenNoneAreConfiguredAnyMore) {
    EventPlant plant(1);
    ASSERT_TRUE(plant.seen(0, 1));
    plant.gate.door(Proxy::Door::refused);
    plant.gate.cut(Proxy::End::fin);
    plant.cell.step(true);
    ASSERT_TRUE(eventually([&] { return plant.metric("hi6gw_outbox_events") >= 1; }, kPatience));
    EXPECT_EQ(plant.gateway.stop(), 0);
    std::ostringstream yaml;
    yaml << std::ifstream(plant.gateway.config()).rdbuf();
    std::string without = yaml.str();
    without.replace(without.find("events: true"), 12, "events: false");
    std::ofstream(plant.gateway.config()) << without;
    plant.gate.door(Proxy::Door::open);
    plant.invariants.died();
    plant.gateway.start();
    EXPECT_TRUE(plant.seen(1, 1));
    EXPECT_TRUE(plant.drained());
    EXPECT_EQ(plant.account().holes, 0U);
    plant.expect_well();
}

TEST(Events, ADamagedJournalIsKeptAsideAndNoNumberComesTwice) {
    EventPlant plant(1);
    ASSERT_TRUE(plant.seen(0, 1));
    EXPECT_EQ(plant.gateway.stop(), 0);
    const auto file = std::filesystem::path(plant.gateway.state_directory()) / "events.db";
    std::ofstream(file, std::ios::binary) << "torn";
    plant.probe.forget();
    plant.invariants.died();
    plant.gateway.start();
    ASSERT_TRUE(plant.seen(0, 1));
    EXPECT_TRUE(plant.gateway.process().wait_for_output("kept as " + file.string() + ".aside", 5s));
    const Account account = plant.account();
    EXPECT_EQ(account.reasons.count("journal_lost"), 1U);
    EXPECT_GT(account.last, 1'700'000'000'000U);
    EXPECT_EQ(account.holes, 0U) << account.first_fault;
    plant.expect_well();
}

}  // namespace
}  // namespace hi6gw::test
