// The broker's rows of the fault matrix (B1, B2, ...) that need a real broker and a real gateway.
// Judged by what a subscriber got, what the controller was asked for, and the broker's own log.

#include "support/proxy.h"
#include "system/judged.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <optional>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const std::string kSignals =
    "      - {name: \"bit/{i}\", address: \"fb2.di{i}\", for: 0..63}\n"
    "      - {name: word, address: fb1.diw20}\n"
    "      - {name: lamp, address: fb2.do4, access: rw}\n"
    "      - {name: lock, address: fb2.do5, access: rw}\n";

std::vector<WatchedSignal> watched() {
    std::vector<WatchedSignal> out{
        {"word", "fb1.diw20", false}, {"lamp", "fb2.do4", true}, {"lock", "fb2.do5", true}};
    for (int i = 0; i < 64; ++i) {
        out.push_back({"bit/" + std::to_string(i), "fb2.di" + std::to_string(i), false});
    }
    return out;
}

std::string yaml_for(std::uint16_t broker_port, const Simulator& simulator,
                     const std::string& mqtt = "") {
    return "gateway: {id: line1}\nmqtt: {url: \"mqtt://127.0.0.1:" + std::to_string(broker_port) +
           "\"" + mqtt + "}\ndefaults: {poll: 20ms}\n" + controller_yaml(simulator, kSignals);
}

// A broker behind a proxy, a controller whose values never rest, and somebody who listens.
struct BrokerPlant {
    explicit BrokerPlant(BrokerOptions options = {}, const std::string& mqtt = "")
        : broker(std::move(options)),
          proxy(broker.port()),
          invariants(broker),
          gateway(yaml_for(proxy.port(), moved(simulator), mqtt)) {
        invariants.watch("r1", simulator, watched());
        EXPECT_TRUE(ready());
    }
    // Data that hold still at first: the block read can be proven.
    static const Simulator& moved(const Simulator& simulator) {
        simulator.set("fb1.diw20", 12345);
        simulator.set("fb2.dil0", 0x12345678);
        return simulator;
    }
    [[nodiscard]] bool ready(std::chrono::milliseconds limit = 30s) {
        return eventually([&] { return gateway.get("/readyz").status == 200; }, limit);
    }
    [[nodiscard]] bool away(std::chrono::milliseconds limit = 30s) {
        return eventually([&] { return gateway.get("/readyz").status == 503; }, limit);
    }
    // Every signal gets another value, again and again for so long.
    void churn(std::chrono::milliseconds time) {
        (void)eventually(
            [&] {
                ++round;
                simulator.set("fb1.diw20", round % 30000);
                for (int i = 0; i < 8; ++i) {
                    simulator.set("fb2.dib" + std::to_string(i), round % 128);
                }
                return false;
            },
            time);
    }
    // Everything true again (I5), and nothing broken on the way.
    void expect_well() {
        std::string untrue;
        EXPECT_TRUE(invariants.state_is_true(30s, untrue)) << untrue;
        EXPECT_TRUE(gateway.process().running()) << "I10";
        EXPECT_EQ(invariants.broken(), "");
    }
    json::object command(const std::string& signal, int value, const std::string& id) {
        invariants.sent({id, "r1", signal, value, 3000, false});
        const MqttProbe probe(broker, {"hi6/r1/result/#"});
        publish(broker, "hi6/r1/set/" + signal,
                R"({"value":)" + std::to_string(value) + R"(,"id":")" + id + "\"}");
        json::object result;
        EXPECT_TRUE(eventually(
            [&] {
                for (const Received& message : probe.messages()) {
                    json::object body = json::parse(message.payload).as_object();
                    if (body.contains("id") && body.at("id") == json::value(id)) {
                        result = std::move(body);
                    }
                }
                return !result.empty();
            },
            kPatience))
            << "no result for " << id;
        return result;
    }

    Broker broker;
    Proxy proxy;
    Simulator simulator;
    Invariants invariants;
    Gateway gateway;
    int round = 0;
};

// B2, B3
TEST(BrokerFaults, KilledInABurstAndStartedWithoutItsMemory) {
    BrokerPlant plant;
    plant.churn(300ms);
    plant.broker.kill();
    plant.churn(300ms);
    plant.broker.start();
    EXPECT_TRUE(plant.ready());
    plant.expect_well();
    const MqttProbe fresh(plant.broker);
    EXPECT_TRUE(status_becomes(fresh, "online"));
    EXPECT_TRUE(eventually(
        [&] { return latest(fresh, "hi6/gateway/line1/status") != json::value(); }, kPatience));
    EXPECT_EQ(latest(fresh, "hi6/gateway/line1/status").at("state"), "online");
    EXPECT_EQ(plant.command("lamp", 1, "after").at("state"), "verified");
}

// B4
TEST(BrokerFaults, RestartedWithItsMemoryOfOldValues) {
    BrokerOptions options;
    options.persistence = true;
    BrokerPlant plant(options);
    plant.churn(200ms);
    std::string untrue;
    ASSERT_TRUE(plant.invariants.state_is_true(kPatience, untrue)) << untrue;
    plant.broker.stop();
    plant.churn(200ms);
    plant.broker.start();
    EXPECT_TRUE(plant.ready());
    plant.expect_well();
}

// B5, B16: it accepts by the kernel's grace and answers nothing.
TEST(BrokerFaults, OneThatStandsStillIsLeftAndNothingGrows) {
    BrokerPlant plant({}, ", keep_alive: 2s");
    plant.churn(300ms);
    const Usage before = usage_of(plant.gateway.process().pid());
    const auto asked = plant.simulator.stat("requests_total");
    plant.broker.pause();
    const auto begin = std::chrono::steady_clock::now();
    plant.churn(500ms);
    EXPECT_TRUE(plant.away(3s)) << "a keep-alive and a half";
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 3500ms);
    plant.churn(2s);
    EXPECT_GT(plant.simulator.stat("requests_total"), asked + 50) << "polling went on";
    EXPECT_LE(plant.proxy.counts().links, 4U) << "a reconnect storm";
    const Usage meanwhile = usage_of(plant.gateway.process().pid());
    EXPECT_LE(meanwhile.rss_kb, before.rss_kb + kMemorySlackKb);
    EXPECT_LE(meanwhile.fds, before.fds + 2);
    plant.broker.resume();
    EXPECT_TRUE(plant.ready());
    plant.expect_well();
}

// B5: one that takes 20 kB a second of the 300 that there would be.
TEST(BrokerFaults, ASlowOneGetsTheLatestValuesAndNoBacklog) {
    BrokerPlant plant;
    plant.churn(200ms);
    const Usage before = usage_of(plant.gateway.process().pid());
    plant.proxy.to_server({.rate = 20'000});
    plant.churn(3s);
    EXPECT_LE(usage_of(plant.gateway.process().pid()).rss_kb, before.rss_kb + kMemorySlackKb);
    const auto end = std::chrono::steady_clock::now();
    // What is on its way is one window of messages, whatever the churn was.
    std::string untrue;
    EXPECT_TRUE(plant.invariants.state_is_true(8s, untrue)) << untrue;
    EXPECT_LT(std::chrono::steady_clock::now() - end, 8s);
    plant.proxy.pass();
    plant.expect_well();
}

// B16, H11: neither side hears of the other again. With nothing to say there is no missing
// acknowledgement either.
TEST(BrokerFaults, AHalfOpenConnectionIsNoticedEvenWhenThereIsNothingToSay) {
    BrokerPlant plant({}, ", keep_alive: 2s");
    const MqttProbe probe(plant.broker, {"hi6/gateway/#", "hi6/r1/status"});
    std::string untrue;
    ASSERT_TRUE(plant.invariants.state_is_true(kPatience, untrue)) << untrue;
    const auto begin = std::chrono::steady_clock::now();
    plant.proxy.vanish(false);
    EXPECT_TRUE(eventually([&] { return plant.proxy.counts().links >= 2; }, 10s));
    const auto took = std::chrono::steady_clock::now() - begin;
    // One and a half of the keep-alive to notice, then the pause before a reconnect.
    EXPECT_LT(took, 3s + 1200ms + 800ms);
    std::cout << "half open: connected again after "
              << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";
    EXPECT_TRUE(plant.ready());
    plant.expect_well();
    EXPECT_EQ(plant.command("lamp", 1, "after").at("state"), "verified");
    // The old session's will may have been published meanwhile, but has not the last word.
    EXPECT_TRUE(eventually(
        [&] { return latest(probe, "hi6/gateway/line1/status").at("state") == "online"; },
        kPatience));
    EXPECT_FALSE(eventually(
        [&] { return latest(probe, "hi6/gateway/line1/status").at("state") != "online"; }, 4s))
        << "the old session's will";
}

// B6
TEST(BrokerFaults, ARefusedLoginIsNotRepeatedInATightLoop) {
    BrokerOptions options;
    options.username = "gw";
    options.password = "right";
    const Broker broker(options);
    const Proxy proxy(broker.port());
    const Simulator simulator;
    Invariants invariants(broker);
    invariants.watch("r1", simulator, watched());
    Gateway gateway(yaml_for(proxy.port(), simulator, ", username: gw, password: wrong"));
    EXPECT_TRUE(gateway.process().wait_for_output("refused by the broker", kPatience));
    EXPECT_FALSE(eventually([&] { return proxy.counts().links > 1; }, 5s));
    EXPECT_GT(simulator.stat("requests_total"), 100) << "polling goes on";
    // The operator's remedy, which does not wait for the next try.
    EXPECT_TRUE(
        reloads(gateway, yaml_for(proxy.port(), simulator, ", username: gw, password: right")));
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_EQ(proxy.counts().links, 2U);
    EXPECT_EQ(gateway.stop(), 0);
    EXPECT_EQ(invariants.broken(), "");
    const std::string log = gateway.process().err();
    EXPECT_EQ(log.find("wrong"), std::string::npos) << "the password is in the log";
}

// B7
TEST(BrokerFaults, OneDeniedTopicDoesNotHurtTheOthers) {
    const TempDir directory;
    const auto acl = directory.file("acl",
                                    "topic deny hi6/r1/state/word\n"
                                    "topic readwrite #\n");
    BrokerOptions options;
    options.config = {"acl_file " + acl.string()};
    BrokerPlant plant(options);
    const MqttProbe probe(plant.broker);
    plant.churn(1s);
    EXPECT_TRUE(becomes(probe, "bit/0", std::to_string(plant.round % 2)));
    EXPECT_TRUE(probe.messages("hi6/r1/state/word").empty());
    EXPECT_GT(plant.gateway.metric("hi6gw_mqtt_publish_refused_total"), 3);
    EXPECT_EQ(plant.proxy.counts().links, 1U);
    const std::string log = plant.gateway.process().err();
    const auto first = log.find("the broker refuses hi6/r1/state/word");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(log.find("the broker refuses", first + 1), std::string::npos) << "once an hour";
    EXPECT_EQ(plant.command("lamp", 1, "beside").at("state"), "verified");
    // I5 of all but the one that the broker does not take.
    std::vector<WatchedSignal> allowed = watched();
    std::erase_if(allowed, [](const WatchedSignal& signal) { return signal.name == "word"; });
    plant.invariants.watch("r1", plant.simulator, std::move(allowed));
    plant.expect_well();
}

// B10: mosquitto before 2.0.15 only closes the older one's connection.
TEST(BrokerFaults, TwoWithTheSameClientIdDoNotFightFast) {
    const Broker broker;
    const Proxy proxy(broker.port());
    const Simulator one;
    const Simulator two;
    // For r1 and r2, or the two would be of one opinion about neither.
    const auto yaml = [&proxy](const Simulator& simulator, const char* name, const char* id) {
        std::string text = yaml_for(proxy.port(), simulator, std::string(", client_id: ") + id);
        return text.replace(text.find("name: r1") + std::string("name: ").size(), 2, name);
    };
    Invariants invariants(broker);
    invariants.watch("r1", one, watched());
    invariants.watch("r2", two, watched());
    Gateway first(yaml(one, "r1", "same"));
    Gateway second(yaml(two, "r2", "same"));
    (void)eventually([] { return false; }, 12s);
    std::cout << "same client id twice: " << proxy.counts().links << " connects in 12 s\n";
    EXPECT_LE(proxy.counts().links, 12U);
    EXPECT_TRUE(first.process().running() && second.process().running());
    EXPECT_GT(one.stat("requests_total"), 300);
    EXPECT_GT(two.stat("requests_total"), 300);
    // The remedy.
    EXPECT_TRUE(reloads(first, yaml(one, "r1", "one")));
    EXPECT_TRUE(reloads(second, yaml(two, "r2", "two")));
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_EQ(first.stop(), 0);
    EXPECT_EQ(second.stop(), 0);
    EXPECT_EQ(invariants.broken(), "");
}

// B18, B22
TEST(BrokerFaults, GarbageInCommandsIsRefusedAndCostsNoMemory) {
    BrokerPlant plant;
    plant.invariants.others_command();
    const MqttProbe results(plant.broker, {"hi6/r1/result/#"});
    std::string deep = R"({"value":)";
    deep += std::string(1000, '[') + std::string(1000, ']') + '}';
    const std::vector<std::string> payloads{std::string(1, '\0'),
                                            "\xff\xfe",
                                            "{",
                                            "[]",
                                            "null",
                                            "1e999",
                                            "NaN",
                                            deep,
                                            R"({"value":1,"value":0})",
                                            R"({"value":{"value":1}})",
                                            "0x",
                                            "--1",
                                            " ",
                                            "\"1\"x",
                                            std::string(5000, '1'),
                                            std::string(1 << 20, '{')};
    std::size_t count = 0;
    for (const std::string& payload : payloads) {
        publish(plant.broker, "hi6/r1/set/lamp", payload);
        ++count;
        ASSERT_TRUE(results.wait_for_count(count, kPatience)) << payload.substr(0, 40);
        const json::value result = json::parse(results.messages().back().payload);
        EXPECT_EQ(result.at("reason"), "bad_payload") << payload.substr(0, 40);
    }
    std::string longest = "hi6/r1/set/";
    longest += std::string(65'000, 'x');
    for (const std::string& topic :
         {std::string("hi6/r1/set/../state/word"), std::string("hi6/r1/set/%2e%2e/lamp"),
          std::string("hi6/r1/set/lamp?val=1"), std::string("hi6/r1/set/lamp/"),
          std::string("hi6/r9/set/lamp"), std::string("hi6/r1/set/"), longest}) {
        publish(plant.broker, topic, "1");
    }
    // A known one behind them all: they have been looked at.
    EXPECT_EQ(plant.command("lamp", 1, "known").at("state"), "verified");
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    const Usage before = usage_of(plant.gateway.process().pid());
    for (int i = 0; i < 3; ++i) {
        publish(plant.broker, "hi6/r1/set/lamp", std::string(32 << 20, '1'));
    }
    EXPECT_EQ(plant.command("lamp", 0, "again").at("state"), "verified");
    const Usage after = usage_of(plant.gateway.process().pid());
    EXPECT_LE(after.rss_kb, before.rss_kb + 2 * kMemorySlackKb) << "of 32 MiB messages";
    plant.expect_well();
}

// B20, I12: at the matrix' 10,000 a second for two seconds, and as fast as the broker passes it on.
struct FloodCase {
    const char* name;
    const char* source;                   // lines on stdout
    std::optional<double> most_later_ms;  // than before, of 95 % of another controller's polls
};

class Flood : public testing::TestWithParam<FloodCase> {};

TEST_P(Flood, HurtsNeitherPollingNorOtherControllers) {
    Broker broker;
    const Simulator flooded;
    const Simulator witness;
    Invariants invariants(broker);
    invariants.others_command();  // I2 not: the broker drops what it cannot pass on
    Gateway gateway(base_yaml(broker) + "controllers:\n  - name: r1\n    url: " + flooded.url() +
                    "\n    signals:\n      - {name: lamp, address: fb2.do4, access: rw}\n"
                    "  - name: r2\n    url: " +
                    witness.url() + "\n    signals:\n      - {name: bit, address: fb2.di3}\n");
    invariants.watch("r1", flooded, {{"lamp", "fb2.do4", true}});
    invariants.watch("r2", witness, {{"bit", "fb2.di3", false}});
    ASSERT_TRUE(eventually([&] { return gateway.get("/readyz").status == 200; }, kPatience));
    const std::int64_t quiet = wall_now_us();
    (void)eventually([] { return false; }, 2s);
    const std::int64_t begin = wall_now_us();
    const Finished flood =
        run({"sh", "-c",
             std::string(GetParam().source) + " | mosquitto_pub -q 0 -l -t hi6/r1/set/lamp -p " +
                 std::to_string(broker.port())},
            30s);
    const std::int64_t sent = wall_now_us();
    EXPECT_EQ(flood.status, 0) << flood.err;
    const Usage usage = usage_of(gateway.process().pid());
    // It is through when a command to something that has not been flooded is answered. The broker's
    // own queue may be too full for it.
    const MqttProbe results(broker, {"hi6/r1/result/nothing"});
    EXPECT_TRUE(eventually(
        [&] {
            publish(broker, "hi6/r1/set/nothing", "1");
            return results.wait_for_count(1, 50ms);
        },
        30s));
    const std::int64_t end = wall_now_us();
    invariants.look();
    std::cout << GetParam().name << ": sent in " << (sent - begin) / 1000 << " ms, through after "
              << (end - begin) / 1000 << " ms, " << usage.rss_kb << " kB; polls late before/in it:";
    for (const char* name : {"r1", "r2"}) {
        for (const double share : {0.95, 1.0}) {
            std::cout << ' ' << name << " p" << share * 100 << ' '
                      << lateness_ms(invariants.polls(name), 20ms, quiet, begin, share) << '/'
                      << lateness_ms(invariants.polls(name), 20ms, begin, end, share) << " ms";
        }
    }
    std::cout << '\n';
    // Under a sanitizer the loop alone keeps a core busy with it.
    if (GetParam().most_later_ms && !kSanitized) {
        EXPECT_LE(lateness_ms(invariants.polls("r2"), 20ms, begin, end, 0.95),
                  lateness_ms(invariants.polls("r2"), 20ms, quiet, begin, 0.95) +
                      *GetParam().most_later_ms)
            << "I12";
    }
    EXPECT_LE(lateness_ms(invariants.polls("r2"), 20ms, begin, end, 1), kSanitized ? 3000 : 200)
        << "I12";
    EXPECT_LE(flooded.posts().size(), 100U + 25U * std::size_t((end - begin) / 1'000'000 + 2));
    EXPECT_TRUE(gateway.process().running()) << "I10";
    expect_well(invariants, gateway);
    EXPECT_GT(invariants.tally().states["verified"], 10) << "hardly any was carried out";
}

INSTANTIATE_TEST_SUITE_P(
    All, Flood,
    testing::Values(FloodCase{"steady",
                              "for i in $(seq 40); do yes '{\"value\":1}' | head -n 500; "
                              "sleep 0.05; done",
                              10.0},
                    FloodCase{"burst", "yes '{\"value\":1}' | head -n 60000", std::nullopt}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace hi6gw::test
