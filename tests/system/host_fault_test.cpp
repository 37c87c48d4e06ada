// The host's rows of the fault matrix (H1, H2, ...): disk, clock, file descriptors, names, CPU,
// log.

#include "support/proxy.h"
#include "support/small_disk.h"
#include "system/judged.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const std::string kSignals =
    "      - {name: word, address: fb1.diw20}\n"
    "      - {name: lamp, address: fb2.do4, access: rw}\n"
    "      - {name: valve, address: fb2.do6, access: rw}\n"
    "      - {name: speed, address: fb1.dow20, access: rw}\n";

std::vector<WatchedSignal> watched() {
    return {{"word", "fb1.diw20", false},
            {"lamp", "fb2.do4", true},
            {"valve", "fb2.do6", true},
            {"speed", "fb1.dow20", true}};
}

struct HostPlant {
    explicit HostPlant(GatewayOptions options = {}, const std::string& gateway_keys = "",
                       const std::string& more = "")
        : invariants(broker),
          results(broker, {"hi6/r1/result/#"}),
          gateway("gateway: {id: line1" + gateway_keys + "}\nmqtt: {url: \"" + broker.url() +
                      "\"}\ndefaults: {poll: 20ms}\n" + more + controller_yaml(simulator, kSignals),
                  std::move(options)) {
        invariants.watch("r1", simulator, watched());
        EXPECT_TRUE(ready());
    }
    [[nodiscard]] bool ready() {
        return eventually([&] { return gateway.get("/readyz").status == 200; }, kPatience);
    }
    // Its result, as "state reason".
    std::string command(const std::string& signal, int value, int pulse = 0) {
        const std::string id = "c" + std::to_string(++commands);
        invariants.sent({id, "r1", signal, value, 3000, pulse > 0});
        publish(broker, "hi6/r1/set/" + signal,
                R"({"value":)" + std::to_string(value) + R"(,"id":")" + id + '"' +
                    (pulse > 0 ? ",\"pulse\":" + std::to_string(pulse) : "") + "}");
        std::string said;
        EXPECT_TRUE(eventually([&] { return !(said = result(id)).empty(); }, kPatience)) << id;
        return said;
    }
    [[nodiscard]] std::string result(const std::string& id) const {
        for (const Received& message : results.messages()) {
            const json::object body = json::parse(message.payload).as_object();
            if (body.contains("id") && body.at("id") == json::value(id)) {
                return std::string(body.at("state").as_string()) + ' ' +
                       std::string(body.at("reason").as_string());
            }
        }
        return {};
    }
    // A new value of the robot is published within the limit.
    [[nodiscard]] bool follows(std::chrono::milliseconds limit = kPatience) {
        const MqttProbe probe(broker, {"hi6/r1/state/word"});
        simulator.set("fb1.diw20", ++moved);
        return becomes(probe, "word", std::to_string(moved), 192, limit);
    }
    void expect_well() {
        std::string untrue;
        EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
        EXPECT_TRUE(gateway.process().running()) << "I10";
        EXPECT_EQ(invariants.broken(), "");
    }

    Broker broker;
    Simulator simulator;
    Invariants invariants;
    MqttProbe results;
    Gateway gateway;
    int commands = 0;
    int moved = 1000;
};

// H1
TEST(HostFaults, AFullDiskRefusesPulsesAndNothingElse) {
    SmallDisk disk;
    HostPlant plant(disk.options(), ", state_dir: \"" + disk.path() + "\"");
    const pid_t pid = plant.gateway.process().pid();
    std::cout << "disk: " << disk.kind() << '\n';
    EXPECT_EQ(plant.command("valve", 1, 50), "verified ok");
    disk.fill(pid);
    // The journal has room in the page it is in; what it appends ends there.
    std::string said = "verified ok";
    for (int i = 0; i < 100 && said == "verified ok"; ++i) {
        said = plant.command("valve", 1, 20);
    }
    EXPECT_EQ(said, "failed not_sent");
    EXPECT_EQ(plant.command("lamp", 1), "verified ok");
    EXPECT_TRUE(plant.follows());
    EXPECT_TRUE(plant.gateway.process().wait_for_output("cannot be recorded", kPatience));
    disk.free(pid);
    EXPECT_EQ(plant.command("valve", 1, 50), "verified ok");
    plant.expect_well();
    EXPECT_EQ(plant.gateway.stop(), 0);
}

// H2
TEST(HostFaults, AStateDirectoryThatCannotBeUsedRefusesPulsesAndNothingElse) {
    HostPlant plant({}, ", state_dir: /proc/hi6gw");
    EXPECT_EQ(plant.command("valve", 1, 50), "failed not_sent");
    EXPECT_EQ(plant.command("lamp", 1), "verified ok");
    EXPECT_TRUE(plant.follows());
    EXPECT_NE(plant.gateway.process().err().find("/proc/hi6gw"), std::string::npos);
    plant.expect_well();
}

// H3, H4: ended at random moments, politely and not, with commands and pulses on their way.
TEST(HostFaults, EndedAtAnyMomentNothingIsDoneTwiceOrLeftActive) {
    constexpr int kRounds = 10;
    HostPlant plant;
    std::mt19937 random(7);
    const auto one_of = [&random](int n) {
        return std::uniform_int_distribution<int>(0, n - 1)(random);
    };
    int sent = 0;
    int killed = 0;
    for (int round = 0; round < kRounds; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const bool kill = round % 2 == 0;
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(one_of(600));
        do {
            const std::string id = "k" + std::to_string(++sent);
            const int which = one_of(3);
            const std::string signal = which == 0 ? "valve" : which == 1 ? "lamp" : "speed";
            const int value = which == 0 ? 1 : which == 1 ? one_of(2) : sent;
            plant.invariants.sent({id, "r1", signal, value, 3000, which == 0});
            publish(plant.broker, "hi6/r1/set/" + signal,
                    R"({"value":)" + std::to_string(value) + R"(,"id":")" + id + '"' +
                        (which == 0 ? ",\"pulse\":" + std::to_string(100 + one_of(400)) : "") +
                        "}");
        } while (std::chrono::steady_clock::now() < end);
        if (kill) {
            ++killed;
            plant.gateway.process().signal(SIGKILL);
            ASSERT_TRUE(plant.gateway.process().wait(kPatience));
        } else {
            EXPECT_EQ(plant.gateway.stop(), 0);
            EXPECT_EQ(plant.simulator.get("fb2.do6"), 0) << "I11 at a shutdown";
        }
        const MqttProbe will(plant.broker, {"hi6/gateway/line1/status"});
        EXPECT_TRUE(gateway_becomes(will, "offline"));
        plant.invariants.died();
        const auto start = std::chrono::steady_clock::now();
        plant.gateway.start();
        EXPECT_TRUE(plant.ready());
        EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
    }
    EXPECT_TRUE(eventually([&] { return plant.simulator.get("fb2.do6") == 0; }, kPatience));
    plant.expect_well();
    std::cout << sent << " commands, killed " << killed << " times of " << kRounds << '\n';
}

// H3: an impatient operator.
TEST(HostFaults, ASecondSigtermDoesNotCutTheShutdownShort) {
    HostPlant plant;
    plant.invariants.sent({"long", "r1", "valve", 1, 3000, true});
    publish(plant.broker, "hi6/r1/set/valve", R"({"value":1,"pulse":20000,"id":"long"})");
    ASSERT_TRUE(eventually([&] { return plant.simulator.get("fb2.do6") == 1; }, kPatience));
    plant.simulator.fault(R"({"path":"*","method":"POST","action":"delay","ms":400,"count":1})");
    plant.gateway.process().signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return plant.simulator.posts().size() == 2; }, kPatience))
        << "the release is on its way";
    plant.gateway.process().signal(SIGTERM);
    plant.gateway.process().signal(SIGINT);
    EXPECT_EQ(plant.gateway.process().wait(5s).value_or(-1), 0);
    EXPECT_EQ(plant.simulator.get("fb2.do6"), 0);
    const MqttProbe probe(plant.broker, {"hi6/gateway/line1/status"});
    EXPECT_TRUE(gateway_becomes(probe, "offline"));
    EXPECT_TRUE(eventually([&] { return plant.invariants.all_answered(); }, kPatience));
    EXPECT_EQ(plant.invariants.broken(), "");  // no I5: who has left says nothing good any more
}

// H7, H8
TEST(HostFaults, StepsOfTheWallClockStallNothing) {
    Shim shim;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t since = wall_now_us();
    shim.wall_offset(-now);  // it starts in 1970
    HostPlant plant(shim.options());
    plant.invariants.stepped(-now, since);
    const MqttProbe probe(plant.broker, {"hi6/gateway/line1/status"});
    const auto status = [&probe] { return latest(probe, "hi6/gateway/line1/status").as_object(); };
    EXPECT_TRUE(gateway_becomes(probe, "online"));
    EXPECT_EQ(status().at("time_sync"), false);
    EXPECT_TRUE(plant.follows());
    EXPECT_EQ(plant.command("lamp", 1), "verified ok");
    // What is said to be when: the time is set, leaps, falls back by an hour, and goes on.
    std::vector<std::chrono::nanoseconds> steps{0h, 1h, 0h, -1h, 1s, -1s, 0h};
    const std::int64_t begin = wall_now_us();
    for (const auto step : steps) {
        SCOPED_TRACE(std::chrono::duration<double>(step).count());
        const std::int64_t before = wall_now_us();
        shim.wall_offset(step);
        plant.invariants.stepped(step, before);
        if (step == 0h) {  // told, and the status follows
            EXPECT_TRUE(eventually(
                [&] { return plant.gateway.metric("hi6gw_clock_steps_total") > 0; }, 3s));
            EXPECT_TRUE(eventually([&] { return !status().contains("time_sync"); }, kPatience));
        }
        EXPECT_TRUE(plant.follows(1s));
        EXPECT_EQ(plant.command("lamp", plant.moved % 2), "verified ok");
        EXPECT_EQ(plant.command("speed", plant.moved), "verified ok");
        EXPECT_EQ(plant.command("valve", 1, 20), "verified ok");
    }
    const std::int64_t end = wall_now_us();
    plant.expect_well();
    const auto& polls = plant.invariants.polls("r1");
    std::cout << "polls late by at most " << lateness_ms(polls, 20ms, begin, end, 0.95)
              << " ms (95 %), " << lateness_ms(polls, 20ms, begin, end, 1) << " ms, with "
              << steps.size() << " steps\n";
    EXPECT_LE(lateness_ms(polls, 20ms, begin, end, 1), 500);
    EXPECT_EQ(plant.gateway.metric("hi6gw_mqtt_connects_total"), 1);
    EXPECT_NE(plant.gateway.process().err().find("the wall clock was set"), std::string::npos);
    EXPECT_EQ(plant.gateway.stop(), 0);
}

// H9
TEST(HostFaults, WithoutFileDescriptorsLanesGoOnAndTheRestComesBack) {
    Broker broker;
    const Proxy to_broker(broker.port());
    const Simulator steady;
    const Simulator other;
    Proxy lost(other.port());
    MqttProbe probe(broker);
    Shim shim;
    Gateway gateway(
        "gateway: {id: line1}\nmqtt: {url: \"mqtt://127.0.0.1:" + std::to_string(to_broker.port()) +
            "\"}\ndefaults: {poll: 20ms}\ncontrollers:\n  - name: r1\n    url: " + steady.url() +
            "\n    signals:\n" + kSignals + "  - name: r2\n    url: http://127.0.0.1:" +
            std::to_string(lost.port()) + "\n    signals:\n" + kSignals,
        shim.options());
    Invariants invariants(broker);
    invariants.watch("r1", steady, watched());
    invariants.watch("r2", other, watched(), &lost);
    ASSERT_TRUE(becomes(probe, "word", "0"));
    ASSERT_TRUE(eventually([&] { return gateway.metric("hi6gw_controller_up") == 2; }, kPatience));
    const pid_t pid = gateway.process().pid();
    rlimit before{};
    ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &before), 0);
    const auto exhausted = [&](bool none) {
        // A sanitizer needs pipes of its own, and takes objects for broken when it gets none.
        if (kSanitized) {
            shim.no_sockets(none);
            return;
        }
        const rlimit limit{.rlim_cur = none ? 3 : before.rlim_cur, .rlim_max = before.rlim_max};
        ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
    };
    exhausted(true);
    lost.cut(Proxy::End::rst);
    EXPECT_TRUE(eventually(
        [&] {
            const auto now = latest(probe, "hi6/r2/status");
            return now.is_object() && now.at("state") == "offline" &&
                   std::string_view(now.at("reason").as_string()).find("Too many open files") !=
                       std::string_view::npos;
        },
        kPatience))
        << latest(probe, "hi6/r2/status");
    const auto asked = steady.stat("requests_total");
    steady.set("fb1.diw20", 77);
    EXPECT_TRUE(becomes(probe, "word", "77"));
    invariants.sent({"a", "r1", "lamp", 1, 3000, false});
    publish(broker, "hi6/r1/set/lamp", R"({"value":1,"id":"a"})");
    EXPECT_TRUE(eventually([&] { return steady.get("fb2.do4") == 1; }, kPatience));
    EXPECT_TRUE(eventually([&] { return steady.stat("requests_total") > asked + 50; }, kPatience));
    exhausted(false);
    EXPECT_TRUE(
        eventually([&] { return latest(probe, "hi6/r2/status").at("state") == "online"; }, 20s));
    EXPECT_EQ(gateway.get("/readyz").status, 200U) << "the operations server accepts again";
    EXPECT_EQ(steady.stat("connections_total"), 1);
    EXPECT_EQ(to_broker.counts().links, 1U);
    expect_well(invariants, gateway);
}

TEST(HostFaults, TooFewFileDescriptorsAreSaidAtTheStart) {
    GatewayOptions options;
    options.before = {"sh", "-c", R"(ulimit -Sn 40; exec "$0" "$@")"};
    HostPlant plant(options);
    rlimit limit{};
    ASSERT_EQ(::prlimit(plant.gateway.process().pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, limit.rlim_max) << "raised as far as it may be";
    plant.expect_well();
    EXPECT_EQ(plant.gateway.stop(), 0);
    options.before = {"sh", "-c", R"(ulimit -n 40; exec "$0" "$@")"};
    HostPlant narrow(options);
    EXPECT_TRUE(narrow.gateway.process().wait_for_output("and 40 are allowed", kPatience));
    EXPECT_EQ(narrow.command("lamp", 1), "verified ok");
    narrow.expect_well();
}

// H10
TEST(HostFaults, ANameServerThatHangsHoldsUpNobody) {
    Shim shim;
    Broker broker;
    Proxy to_broker(broker.port());
    const Simulator named;
    const Simulator witness;
    Proxy proxy(named.port());
    MqttProbe probe(broker);
    Gateway gateway(
        "gateway: {id: line1}\nmqtt: {url: \"mqtt://localhost:" + std::to_string(to_broker.port()) +
            "\"}\ndefaults: {poll: 20ms}\ncontrollers:\n  - name: r1\n    url: "
            "http://localhost:" +
            std::to_string(proxy.port()) + "\n    signals:\n" + kSignals +
            "  - name: r2\n    url: " + witness.url() + "\n    signals:\n" + kSignals,
        shim.options());
    ASSERT_TRUE(eventually([&] { return gateway.metric("hi6gw_controller_up") == 2; }, kPatience));
    ASSERT_TRUE(becomes(probe, "word", "0"));
    shim.names_hang(true);
    proxy.cut(Proxy::End::rst);
    // The last good address serves.
    EXPECT_TRUE(eventually([&] { return proxy.counts().links == 2; }, kPatience));
    named.set("fb1.diw20", 5);
    EXPECT_TRUE(becomes(probe, "word", "5"));
    to_broker.cut(Proxy::End::rst);
    EXPECT_TRUE(eventually([&] { return shim.names_waiting() > 0; }, kPatience));
    Invariants invariants(broker);
    invariants.watch("r1", named, watched(), &proxy);
    invariants.watch("r2", witness, watched());
    const std::int64_t begin = wall_now_us();
    (void)eventually([] { return false; }, 2s);
    const std::int64_t end = wall_now_us();
    invariants.look();
    EXPECT_LE(lateness_ms(invariants.polls("r2"), 20ms, begin, end, 1), 200) << "I12";
    shim.names_hang(false);
    EXPECT_TRUE(eventually([&] { return gateway.get("/readyz").status == 200; }, 30s));
    named.set("fb1.diw20", 6);
    EXPECT_TRUE(becomes(probe, "word", "6"));
    shim.names_hang(true);
    to_broker.cut(Proxy::End::rst);
    EXPECT_TRUE(eventually([&] { return shim.names_waiting() > 0; }, kPatience));
    EXPECT_EQ(gateway.stop(), 0) << "in time, whatever hangs";
    EXPECT_EQ(invariants.broken(), "");
}

// H12: of each core the gateway gets what nobody else wants, which is next to nothing.
TEST(HostFaults, StarvedOfCpuItKeepsDeadlinesAndRecovers) {
    HostPlant plant;
    const sched_param nothing{};
    for (const auto& task : std::filesystem::directory_iterator(
             "/proc/" + std::to_string(plant.gateway.process().pid()) + "/task")) {
        ASSERT_EQ(
            ::sched_setscheduler(std::stoi(task.path().filename().string()), SCHED_IDLE, &nothing),
            0);
    }
    const double overruns = plant.gateway.metric("hi6gw_poll_overruns_total");
    {
        std::atomic<bool> burn{true};
        std::vector<std::thread> burners;
        for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i) {
            burners.emplace_back([&burn] {
                while (burn) {
                }
            });
        }
        const auto until = std::chrono::steady_clock::now() + 3s;
        for (int i = 1; std::chrono::steady_clock::now() < until; ++i) {
            const std::string id = "s" + std::to_string(i);
            plant.invariants.sent({id, "r1", "speed", i, 100, false});
            publish(plant.broker, "hi6/r1/set/speed",
                    R"({"value":)" + std::to_string(i) + R"(,"ttl":100,"id":")" + id + "\"}");
        }
        burn = false;
        for (std::thread& burner : burners) {
            burner.join();
        }
    }
    EXPECT_TRUE(eventually([&] { return plant.invariants.all_answered(); }, kPatience));
    plant.expect_well();
    const auto tally = plant.invariants.tally();
    for (const auto& [state, count] : tally.states) {
        std::cout << count << ' ' << state << ' ';
    }
    std::cout << "; overruns " << plant.gateway.metric("hi6gw_poll_overruns_total") - overruns
              << '\n';
}

// H14
TEST(HostFaults, ALogThatNobodyReadsHoldsUpNeitherWorkNorShutdown) {
    HostPlant plant;
    plant.invariants.others_command();
    plant.gateway.process().stop_reading();
    const Finished noise = run({"sh", "-c",
                                "yes nonsense | head -n 20000 | mosquitto_pub -q 0 -l -t "
                                "hi6/r1/set/lamp -p " +
                                    std::to_string(plant.broker.port())});
    EXPECT_EQ(noise.status, 0) << noise.err;
    EXPECT_TRUE(plant.follows());
    EXPECT_EQ(plant.command("lamp", 1), "verified ok");
    plant.expect_well();
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(plant.gateway.stop(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    const MqttProbe probe(plant.broker, {"hi6/gateway/line1/status"});
    EXPECT_TRUE(gateway_becomes(probe, "offline"));
}

// H15: no more memory than it has. Whether it lives through that or not, it does not do half a
// thing, and the next start is as any.
TEST(HostFaults, WithoutMemoryItDoesNothingByHalves) {
    HostPlant plant;
    const pid_t pid = plant.gateway.process().pid();
    rlimit before{};
    ASSERT_EQ(::prlimit(pid, RLIMIT_DATA, nullptr, &before), 0);
    const rlimit none{.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    ASSERT_EQ(::prlimit(pid, RLIMIT_DATA, &none, nullptr), 0);
    for (int i = 1; i <= 40; ++i) {
        const std::string id = "m" + std::to_string(i);
        plant.invariants.sent({id, "r1", "speed", i, 3000, false});
        publish(plant.broker, "hi6/r1/set/speed",
                R"({"value":)" + std::to_string(i) + R"(,"id":")" + id + "\"}");
    }
    publish(plant.broker, "hi6/r1/set/lamp", std::string(1 << 20, '{'));
    (void)eventually([&] { return !plant.gateway.process().running(); }, 2s);
    const auto status = plant.gateway.process().wait(0ms);
    std::cout << "without memory: " << (status ? "ended with " + std::to_string(*status) : "lives")
              << '\n';
    if (status) {
        EXPECT_NE(*status, 0);
    } else {
        ASSERT_EQ(::prlimit(pid, RLIMIT_DATA, &before, nullptr), 0);
        (void)eventually([&] { return plant.invariants.all_answered(); }, 5s);
        plant.gateway.process().signal(SIGKILL);
        ASSERT_TRUE(plant.gateway.process().wait(kPatience));
    }
    plant.invariants.died();
    plant.gateway.start();
    ASSERT_TRUE(plant.ready());
    EXPECT_EQ(plant.command("lamp", 1), "verified ok");
    EXPECT_EQ(plant.simulator.stat("malformed"), 0) << "half a request";
    plant.expect_well();
}

// H16
TEST(HostFaults, NumbersAndTimesKnowNoLocale) {
    const TempDir locales;
    const std::string name = (locales.path() / "de_DE.utf8").string();
    const Finished made = run({"localedef", "-i", "de_DE", "-f", "UTF-8", name});
    std::cout << "a locale with a decimal comma: " << (made.status == 0 ? "made" : "not to be had")
              << '\n';
    GatewayOptions options;
    options.env = {
        {"LOCPATH", locales.path().string()}, {"LC_ALL", "de_DE.utf8"}, {"TZ", "Asia/Kathmandu"}};
    Broker broker;
    const Simulator simulator;
    MqttProbe probe(broker);
    Invariants invariants(broker);
    invariants.watch("r1", simulator,
                     {{"t", "fb1.diw20", false, 0.1}, {"speed", "fb1.dow20", true, 0.1}});
    Gateway gateway(
        base_yaml(broker) + controller_yaml(simulator,
                                            "      - {name: t, address: fb1.diw20, scale: 0.1}\n"
                                            "      - {name: speed, address: fb1.dow20, access: rw, "
                                            "scale: 0.1}\n"),
        std::move(options));
    simulator.set("fb1.diw20", 1234567 % 30000);
    EXPECT_TRUE(becomes(probe, "t", "456.7"));
    ASSERT_TRUE(broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    invariants.sent({"n", "r1", "speed", 125, 3000, false});
    publish(broker, "hi6/r1/set/speed", R"({"value":12.5,"id":"n"})");
    EXPECT_TRUE(eventually([&] { return simulator.get("fb1.dow20") == 125; }, kPatience));
    EXPECT_TRUE(eventually([&] { return invariants.all_answered(); }, kPatience));
    const auto stamp = state(probe, "t").at("timestamp").as_int64();
    EXPECT_NEAR(static_cast<double>(stamp), static_cast<double>(wall_now_us()) / 1000, 20'000);
    EXPECT_NE(gateway.get("/metrics").body.find("le=\"0.005\""), std::string::npos);
    EXPECT_NE(gateway.process().err().find("Z info"), std::string::npos) << "UTC";
    expect_well(invariants, gateway);
}

// H19
TEST(HostFaults, AStateFileOfAnotherVersionIsKeptAsideAndNotFatal) {
    HostPlant plant;
    EXPECT_EQ(plant.command("valve", 1, 50), "verified ok");
    EXPECT_EQ(plant.gateway.stop(), 0);
    const std::filesystem::path journal =
        std::filesystem::path(plant.gateway.state_directory()) / "pulses";
    std::ofstream(journal, std::ios::trunc) << "{\"version\":99,\"pulses\":[]}\n";
    plant.gateway.start();
    EXPECT_TRUE(plant.ready());
    EXPECT_EQ(plant.command("valve", 1, 50), "verified ok");
    EXPECT_TRUE(std::filesystem::exists(journal.string() + ".aside"));
    plant.expect_well();
}

}  // namespace
}  // namespace hi6gw::test
