// Events while the broker and the gateway are killed at random moments, with a broker that answers
// late and a large window in flight. Judged by what a subscriber got, beside what the simulator's
// memory was.
//   HI6GW_EVENT_BROKER_KILLS=100 HI6GW_EVENT_GATEWAY_KILLS=100   is the long run: the gateway waits
// longer after each of many losses in a row, so with more than ten each has its 10 s of peace.
// HI6GW_EVENT_SEED=2 is another one.

#include "system/event_rig.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <numeric>
#include <random>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

struct Storm {
    // QoS 0: a listener that acknowledges closes its connection when that fails, and drops what it
    // has not read yet; so a broker that is killed would look like one that loses messages.
    Storm()
        : gate(broker.port()),
          probe(broker, {"hi6/r1/event/#"}, MqttProbe::Retain::as_published, 0) {}

    [[nodiscard]] std::string yaml(const std::string& gateway = "id: line1") const {
        return "gateway: {" + gateway +
               "}\nmqtt: {url: \"mqtt://127.0.0.1:" + std::to_string(gate.port()) +
               "\", window: 1000}\ndefaults: {poll: 10ms}\n"
               "controllers:\n  - name: r1\n    url: " +
               cell.simulator().url() + "\n    max_load: 100%\n    signals:\n" + cell.signals();
    }
    int one_of(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); }
    void slow_broker() { gate.to_client({.delay = std::chrono::milliseconds(one_of(3) * 50)}); }
    // Steps for a random time.
    void work(bool seen) { work_for(std::chrono::milliseconds(one_of(400)), seen); }
    void work_for(std::chrono::milliseconds time, bool seen) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            cell.step(seen);
        }
    }
    // The number of the last step has come through, of every signal.
    void wait_for_last_step() {
        const std::string last = "\"value\":" + std::to_string(cell.steps()) + ",";
        ASSERT_TRUE(probe.wait_until(
            [&](const std::vector<Received>& all) {
                const auto recent = all.size() - std::min<std::size_t>(all.size(), 200);
                return std::count_if(all.begin() + static_cast<std::ptrdiff_t>(recent), all.end(),
                                     [&](const Received& message) {
                                         return message.payload.find(last) != std::string::npos &&
                                                message.payload.find(":192") != std::string::npos;
                                     }) >= 16;
            },
            30s));
    }
    // Nothing more is to come.
    void settle(const Gateway& gateway) {
        gate.pass();
        cell.step(true);
        wait_for_last_step();
        EXPECT_TRUE(eventually([&] { return gateway.metric("hi6gw_outbox_events") == 0; }, 30s));
    }

    Broker broker{{{"max_inflight_messages 0", "max_queued_messages 0"}, {}, {}, false}};
    Proxy gate;
    MqttProbe probe;
    Cell cell;
    std::mt19937 random{static_cast<std::uint32_t>(number_from("HI6GW_EVENT_SEED", 1))};
};

void expect_whole(const Account& account) {
    EXPECT_EQ(account.holes, 0U) << account.first_fault;
    EXPECT_EQ(account.clashes, 0U) << account.first_fault;
    EXPECT_EQ(account.gaps, 0U);
    EXPECT_EQ(account.events, account.last);
    EXPECT_EQ(account.values.size(), 16U);
}

TEST(EventStorm, KillsOfTheBrokerLoseNothing) {
    const int kills = number_from("HI6GW_EVENT_BROKER_KILLS", 4);
    Storm storm;
    const Gateway gateway(storm.yaml());
    storm.wait_for_last_step();
    for (int kill = 1; kill <= kills; ++kill) {
        storm.slow_broker();
        storm.work(true);
        if (storm.one_of(3) == 0) {  // it takes in nothing more, and the gateway goes on sending
            storm.broker.pause();
            storm.work(true);
        }
        storm.gate.door(Proxy::Door::refused);
        storm.gate.cut(Proxy::End::fin);
        storm.broker.kill();
        if (kill % 3 == 0) {
            // Away for longer than the gateway waits before it comes back: refused, it knows that
            // it is the broker that comes and goes. After five times in five minutes without that
            // it takes care not to throw out another client with its id (fault B10).
            storm.work_for(1500ms, true);
        }
        storm.broker.start();
        // Whoever listens comes first; meanwhile more happens.
        do {
            storm.cell.step(true);
        } while (!storm.probe.wait_for_subscriptions(1 + kill, 50ms));
        storm.gate.pass();
        storm.gate.door(Proxy::Door::open);
        storm.wait_for_last_step();
        if (kills > 10) {
            // Long enough for the gateway to come back at once the next time.
            const auto connected = std::chrono::steady_clock::now();
            EXPECT_TRUE(eventually(
                [&] { return std::chrono::steady_clock::now() - connected > 10s; }, 20s));
        }
    }
    storm.settle(gateway);

    const Account account = account_of(storm.probe.messages());
    std::cout << kills << " kills of the broker: " << gateway.metric("hi6gw_events_total")
              << " events recorded, " << account << ", "
              << gateway.metric("hi6gw_events_repeated_total") << " sent again" << std::endl;
    expect_whole(account);
    EXPECT_EQ(account.events, gateway.metric("hi6gw_events_total"));
    std::vector<int> all(static_cast<std::size_t>(storm.cell.steps()) + 1);
    std::iota(all.begin(), all.end(), 0);
    for (const auto& [signal, values] : account.values) {
        EXPECT_EQ(values, all) << signal << ": each change, in order";
    }
    EXPECT_GT(account.repeated, 0U) << "nothing was in flight when the broker died";
}

// How long before a kill the events were read that it has taken with it, at most; us.
std::int64_t oldest_lost(const Account& account, const std::vector<std::int64_t>& first_reads,
                         const std::vector<std::int64_t>& kills, std::size_t& lost) {
    std::int64_t oldest = 0;
    for (std::size_t step = 1; step < first_reads.size(); ++step) {
        const auto next_kill = std::ranges::upper_bound(kills, first_reads[step]);
        if (first_reads[step] == 0 || next_kill == kills.end()) {
            continue;
        }
        for (const auto& [signal, values] : account.values) {
            if (!std::ranges::binary_search(values, static_cast<int>(step))) {
                ++lost;
                oldest = std::max(oldest, *next_kill - first_reads[step]);
            }
        }
    }
    return oldest;
}

// `most_lost_us`: how long before a kill events may have been read that it has taken with it.
void kill_gateways(const std::string& state_dir, std::int64_t most_lost_us) {
    const int kills = number_from("HI6GW_EVENT_GATEWAY_KILLS", 4);
    Storm storm;
    Gateway gateway(storm.yaml("id: line1, state_dir: " + state_dir));
    storm.wait_for_last_step();
    std::vector<std::int64_t> killed_us;
    for (int kill = 1; kill <= kills; ++kill) {
        storm.slow_broker();
        storm.work(true);
        if (storm.one_of(3) == 0) {  // more in the journal than in the window
            storm.gate.to_client({.delay = 2s});
            storm.work(true);
        }
        killed_us.push_back(now_us());
        gateway.process().signal(SIGKILL);
        ASSERT_TRUE(gateway.process().wait(5s));
        storm.cell.step(false);
        storm.gate.pass();
        gateway.start();
        storm.wait_for_last_step();
    }
    storm.settle(gateway);

    const Account account = account_of(storm.probe.messages());
    std::size_t lost = 0;
    const std::int64_t oldest = oldest_lost(account, storm.cell.first_reads(), killed_us, lost);
    std::cout << kills << " kills of the gateway, state in " << state_dir << ": " << account << "; "
              << lost << " changes were read and not recorded, the oldest " << oldest / 1000
              << " ms before the kill" << std::endl;
    expect_whole(account);
    EXPECT_LE(oldest, most_lost_us);
    EXPECT_GT(account.repeated, 0U) << "nothing was in flight when the gateway died";
    for (const auto& [signal, values] : account.values) {
        EXPECT_TRUE(std::ranges::is_sorted(values)) << signal;
        EXPECT_EQ(std::ranges::adjacent_find(values), values.end()) << signal;
        EXPECT_EQ(values.back(), storm.cell.steps());
        EXPECT_GT(values.size(), static_cast<std::size_t>(storm.cell.steps()) / 2);
    }
    EXPECT_EQ(account.qualities.at("32"), 16U * static_cast<unsigned>(kills + 1))
        << "each start says so";
}

// On a disk a commit takes as long as the disk does, and others use it too.
TEST(EventStorm, KillsOfTheGatewayLoseTheLastMomentAtMost) {
    const TempDir directory;
    kill_gateways((directory.path() / "state").string(), 1'000'000);
}

// In memory it takes no time: what is left are the 20 ms between commits, and the scheduler.
TEST(EventStorm, KillsOfTheGatewayLoseTheLastCommitIntervalAtMost) {
    const std::string directory = "/dev/shm/hi6gw-test-" + std::to_string(::getpid());
    kill_gateways(directory, 20'000 + 180'000);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace hi6gw::test
