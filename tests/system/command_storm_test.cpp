// Commands in random order to 50 signals of several controllers while connections break, answers
// stay away and errors come at random. Judged by what the controllers saw.
//   HI6GW_STORM_COMMANDS=10000 HI6GW_STORM_SEEDS=3   is the long run; ctest does a short one.

#include "support/invariants.h"
#include "system/plant.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <random>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kControllers = 4;
constexpr int kBits = 8;         // of each controller: fb2.do0-7
constexpr int kFirstPulsed = 6;  // from this bit on they are pulsed only
constexpr int kNumbers = 5;      // fb1.dow20, 22, ...
// Sent and not answered at a time: enough that they queue up, few enough that neither rates nor
// queues refuse them, whatever the machine.
constexpr std::size_t kOutstanding = 40;

int number_from(const char* variable, int otherwise) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there is a second thread that sets any
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::atoi(text);  // NOLINT(cert-err34-c): 0 runs nothing
}

std::vector<WatchedSignal> signals() {
    std::vector<WatchedSignal> out;
    for (int i = 0; i < kBits; ++i) {
        out.push_back({"bit/" + std::to_string(i), "fb2.do" + std::to_string(i), true});
    }
    for (int i = 0; i < kNumbers; ++i) {
        out.push_back(
            {"number/" + std::to_string(i), "fb1.dow" + std::to_string(20 + 2 * i), true});
    }
    return out;
}

void storm(int commands, std::uint32_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto one_of = [&random](int n) {
        return std::uniform_int_distribution<int>(0, n - 1)(random);
    };
    Broker broker;
    Invariants invariants(broker);
    std::vector<std::unique_ptr<Simulator>> simulators;
    std::string yaml = "gateway: {id: line1}\nmqtt: {url: \"" + broker.url() +
                       "\"}\ndefaults: {poll: 200ms}\ncontrollers:\n";
    for (std::size_t i = 0; i < kControllers; ++i) {
        simulators.push_back(std::make_unique<Simulator>());
        yaml += "  - name: r" + std::to_string(i) + "\n    url: " + simulators.back()->url() +
                "\n    timeout: 300ms\n    signals:\n";
        for (const WatchedSignal& signal : signals()) {
            yaml +=
                "      - {name: " + signal.name + ", address: " + signal.relay + ", access: rw}\n";
        }
        invariants.watch("r" + std::to_string(i), *simulators.back(), signals());
    }
    Gateway gateway(yaml);
    ASSERT_TRUE(eventually(
        [&] { return gateway.metric("hi6gw_controller_up") == double{kControllers}; }, kPatience));
    ASSERT_TRUE(eventually([&] { return gateway.get("/readyz").status == 200; }, kPatience));

    const std::vector<std::string> faults{
        R"("action":"reset_before")",  R"("action":"reset_after")",
        R"("action":"hang")",          R"("action":"status","status":503)",
        R"("action":"delay","ms":40)", R"("action":"delay","ms":250)"};
    int played = 0;
    std::array<std::chrono::steady_clock::time_point, kControllers> next_fault{};
    for (auto& next : next_fault) {
        next = std::chrono::steady_clock::now() + std::chrono::milliseconds(one_of(1500));
    }
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < commands; ++i) {
        SentCommand one;
        one.id = "c" + std::to_string(i);
        one.controller = "r" + std::to_string(one_of(kControllers));
        one.ttl_ms = one_of(10) == 0 ? 20 + one_of(200) : 3000;
        const int which = one_of(kBits + kNumbers);
        one.signal = signals().at(static_cast<std::size_t>(which)).name;
        one.pulse = which >= kFirstPulsed && which < kBits;
        // A number tells which command a POST belongs to.
        one.value = which >= kBits ? i % 30000 + 1 : one.pulse ? 1 : one_of(2);
        // Each controller has its next fault some time after its last: in between it comes back,
        // else hardly any command would be carried out.
        const auto victim = static_cast<std::size_t>(one_of(kControllers));
        if (const auto now = std::chrono::steady_clock::now(); now >= next_fault.at(victim)) {
            next_fault.at(victim) = now + std::chrono::milliseconds(100 + one_of(1500));
            simulators[victim]->fault(
                R"({"path":"*","method":"*","count":1,)" +
                faults[static_cast<std::size_t>(one_of(static_cast<int>(faults.size())))] + "}");
            ++played;
        }
        const auto sent = static_cast<std::size_t>(i);
        ASSERT_TRUE(eventually(
            [&] {
                invariants.look();
                return invariants.results() + kOutstanding > sent;
            },
            kPatience));
        invariants.sent(one);
        publish(broker, "hi6/" + one.controller + "/set/" + one.signal,
                R"({"id":")" + one.id + R"(","value":)" + std::to_string(one.value) + R"(,"ttl":)" +
                    std::to_string(one.ttl_ms) +
                    (one.pulse ? R"(,"pulse":)" + std::to_string(10 + one_of(100)) : "") + "}");
    }
    EXPECT_TRUE(eventually([&] { return invariants.all_answered(); }, 15s));
    for (const auto& simulator : simulators) {
        simulator->clear_faults();  // reachable: then nothing may be left pulsed
    }
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(15s, untrue)) << untrue;
    EXPECT_EQ(gateway.stop(), 0);
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(invariants.broken(), "");
    Invariants::Tally tally = invariants.tally();
    std::cout << "storm, seed " << seed << ": " << commands << " commands";
    for (const auto& [state, count] : tally.states) {
        std::cout << ", " << count << ' ' << state;
    }
    std::cout << "; why:";
    for (const auto& [reason, count] : tally.reasons) {
        std::cout << ' ' << count << ' ' << reason;
    }
    std::cout << "; " << tally.posts << " POSTs, " << played << " faults, "
              << std::chrono::duration_cast<std::chrono::seconds>(took).count() << " s"
              << std::endl;
    EXPECT_GT(tally.states["verified"], commands / 3) << "hardly anything was tried";
}

TEST(CommandStorm, NothingLateNothingDoubledOneResultEach) {
    const int commands = number_from("HI6GW_STORM_COMMANDS", 400);
    const int seeds = number_from("HI6GW_STORM_SEEDS", 1);
    for (int seed = 1; seed <= seeds; ++seed) {
        storm(commands, static_cast<std::uint32_t>(seed));
    }
}

}  // namespace
}  // namespace hi6gw::test
