// Random faults of everything over many controllers, for as long as one likes, with a fixed seed:
// controllers, their network, the broker, its network, the wall clock. Ends with no invariant
// broken and nothing grown.
//   HI6GW_SOAK_SECONDS=3600 HI6GW_SOAK_CONTROLLERS=40 HI6GW_SOAK_SEED=7   is an hour of a
//   developer's;
// ctest does a short one.

#include "support/invariants.h"
#include "support/proxy.h"
#include "support/shim/shim.h"
#include "system/plant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kOutstanding = 30;  // commands sent and not answered
constexpr int kFaultEvery = 5000;         // ms on average, of one controller

int number_from(const char* variable, int otherwise) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there is a second thread that sets any
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::atoi(text);  // NOLINT(cert-err34-c): 0 runs nothing
}

struct Cell {
    explicit Cell(std::string called) : name(std::move(called)), proxy(simulator.port()) {}
    std::string name;
    Simulator simulator;
    Proxy proxy;
    Steady::time_point heal_at = Steady::time_point::max();
    int numbers = 0;
};

const std::string kSignals =
    "      - {name: bit, address: fb2.di3}\n"
    "      - {name: word, address: fb1.diw20}\n"
    "      - {name: lamp, address: fb2.do4, access: rw}\n"
    "      - {name: speed, address: fb1.dow20, access: rw}\n"
    "      - {name: valve, address: fb2.do6, access: rw}\n";

class Soak : public testing::Test {
  protected:
    Soak() {
        std::string yaml = "gateway: {id: line1}\nmqtt: {url: \"mqtt://127.0.0.1:" +
                           std::to_string(to_broker.port()) +
                           "\", keep_alive: 3s}\ndefaults: {poll: 100ms}\ncontrollers:\n";
        for (int i = 0; i < number_from("HI6GW_SOAK_CONTROLLERS", 10); ++i) {
            Cell& cell = *cells.emplace_back(std::make_unique<Cell>("r" + std::to_string(i)));
            yaml += "  - name: " + cell.name +
                    "\n    url: http://127.0.0.1:" + std::to_string(cell.proxy.port()) +
                    "\n    timeout: 500ms\n    signals:\n" + kSignals;
            invariants.watch(cell.name, cell.simulator,
                             {{"bit", "fb2.di3", false},
                              {"word", "fb1.diw20", false},
                              {"lamp", "fb2.do4", true},
                              {"speed", "fb1.dow20", true},
                              {"valve", "fb2.do6", true}},
                             &cell.proxy);
        }
        gateway = std::make_unique<Gateway>(yaml, shim.options());
    }

    int one_of(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); }
    Cell& some_cell() { return *cells[static_cast<std::size_t>(one_of(int(cells.size())))]; }
    [[nodiscard]] bool ready() {
        return eventually([&] { return gateway->get("/readyz").status == 200; }, 60s);
    }

    void send_something() {
        Cell& cell = some_cell();
        const int which = one_of(3);
        SentCommand command;
        command.id = "c" + std::to_string(++sent);
        command.controller = cell.name;
        command.signal = which == 0 ? "lamp" : which == 1 ? "speed" : "valve";
        command.value = which == 0 ? one_of(2) : which == 1 ? ++cell.numbers : 1;
        command.ttl_ms = one_of(10) == 0 ? 20 + one_of(200) : 3000;
        command.pulse = which == 2;
        invariants.sent(command);
        publish(broker, "hi6/" + cell.name + "/set/" + command.signal,
                R"({"id":")" + command.id + R"(","value":)" + std::to_string(command.value) +
                    R"(,"ttl":)" + std::to_string(command.ttl_ms) +
                    (command.pulse ? R"(,"pulse":)" + std::to_string(20 + one_of(300)) : "") + "}");
    }

    void move_something() {
        Cell& cell = some_cell();
        cell.simulator.set("fb1.diw20", one_of(30000));
        cell.simulator.set("fb2.di3", one_of(2));
    }

    // --- faults, each for a while
    static constexpr int kControllerFaults = 16;
    void hurt(Cell& cell, int how) {
        ++faults;
        static const std::vector<std::string> answers{
            R"("action":"reset_before")",
            R"("action":"reset_after")",
            R"("action":"close_before")",
            R"("action":"close_after")",
            R"("action":"hang")",
            R"("action":"stall_body")",
            R"("action":"status","status":503)",
            R"("action":"garbage","method":"GET")",
            R"("action":"raw","method":"GET","body":"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n[0]")",
            R"("action":"delay","ms":60)",
            R"("action":"delay","ms":700)",
        };
        const auto which = static_cast<std::size_t>(how);
        if (which < answers.size()) {
            const std::string method =
                answers[which].find("method") == std::string::npos ? R"("method":"*",)" : "";
            cell.simulator.fault(R"({"path":"*",)" + method + R"("count":1,)" + answers[which] +
                                 "}");
            return;
        }
        switch (which - answers.size()) {
            case 0:
                cell.proxy.cut(Proxy::End::fin);
                return;
            case 1:
                cell.proxy.cut(Proxy::End::rst);
                return;
            case 2:
                cell.proxy.door(Proxy::Door::refused);
                cell.proxy.cut(Proxy::End::rst);
                break;
            case 3:
                cell.proxy.door(Proxy::Door::black_hole);
                cell.proxy.vanish(true);
                break;
            default:
                cell.proxy.to_client({.delay = 80ms});
                break;
        }
        cell.heal_at = Steady::now() + std::chrono::milliseconds(200 + one_of(3000));
    }
    static void heal(Cell& cell) {
        cell.proxy.pass();
        cell.proxy.door(Proxy::Door::open);
        cell.heal_at = Steady::time_point::max();
    }

    static constexpr int kBrokerFaults = 7;
    void hurt_broker(int how) {
        ++faults;
        const auto while_bad = [this] {
            const auto end = Steady::now() + std::chrono::milliseconds(300 + one_of(2000));
            while (Steady::now() < end) {
                move_something();
            }
        };
        switch (how) {
            case 0:
                to_broker.cut(Proxy::End::rst);
                break;
            case 1:
                to_broker.cut(Proxy::End::fin);
                break;
            case 2:
                to_broker.vanish(false);
                break;
            case 3:
                to_broker.stall();
                while_bad();
                to_broker.pass();
                break;
            case 4:
                broker.pause();
                while_bad();
                broker.resume();
                break;
            case 5:
                to_broker.door(Proxy::Door::refused);
                to_broker.cut(Proxy::End::rst);
                while_bad();
                to_broker.door(Proxy::Door::open);
                break;
            default:
                broker.kill();
                while_bad();
                broker.start();
                break;
        }
    }
    void step_clock() {
        ++faults;
        static const std::vector<std::chrono::nanoseconds> offsets{0h, 1h, -1h, 10s, -10s};
        const auto offset = offsets[static_cast<std::size_t>(one_of(int(offsets.size())))];
        const std::int64_t before = wall_now_us();
        shim.wall_offset(offset);
        invariants.stepped(offset, before);
    }

    // For so long, then everything is whole again.
    void run_for(std::chrono::milliseconds time) {
        const auto end = Steady::now() + time;
        auto next_look = Steady::now();
        auto next_broker_fault = Steady::now() + 2s;
        // By the clock: a loop that has nothing to wait for goes round a hundred times faster, and
        // would leave no controller whole.
        auto next_fault = Steady::now();
        auto next_step = Steady::now();
        std::size_t unanswered = 0;
        while (Steady::now() < end) {
            const auto now = Steady::now();
            for (const auto& cell : cells) {
                if (cell->heal_at <= now) {
                    heal(*cell);
                }
            }
            if (now >= next_look) {
                invariants.look();
                unanswered = invariants.unanswered();
                next_look = now + 300ms;
            }
            move_something();
            if (unanswered < kOutstanding) {
                send_something();
                ++unanswered;
            }
            if (now >= next_fault) {
                if (Cell& cell = some_cell(); cell.heal_at == Steady::time_point::max()) {
                    hurt(cell, one_of(kControllerFaults));
                }
                next_fault = now + one_of(2 * kFaultEvery) * 1ms / int(cells.size());
            }
            if (now >= next_step) {
                step_clock();
                next_step = now + one_of(6000) * 1ms;
            }
            if (now >= next_broker_fault) {
                hurt_broker(one_of(kBrokerFaults));
                next_broker_fault = Steady::now() + std::chrono::milliseconds(2000 + one_of(6000));
            }
            if (const auto gone = to_broker.counts().links; gone != links_seen) {
                links_seen = gone;
                invariants.cut_off();
                unanswered = 0;
            }
        }
        recover();
    }
    void recover() {
        for (const auto& cell : cells) {
            heal(*cell);
            cell->simulator.clear_faults();
        }
        EXPECT_TRUE(ready());
        invariants.cut_off();
        std::string untrue;
        EXPECT_TRUE(invariants.state_is_true(60s, untrue)) << untrue;
    }
    Usage print_usage(const char* when) {
        const Usage usage = usage_of(gateway->process().pid());
        std::cout << when << ": " << usage.rss_kb << " kB, " << usage.fds << " fds, "
                  << usage.threads << " threads" << std::endl;
        return usage;
    }
    // The most connects to the broker within ten seconds.
    [[nodiscard]] std::size_t most_connects() const {
        const auto times = to_broker.counts().accepted;
        std::size_t most = 0;
        for (auto first = times.begin(); first != times.end(); ++first) {
            const auto last = std::upper_bound(first, times.end(), *first + 10s);
            most = std::max(most, static_cast<std::size_t>(last - first));
        }
        return most;
    }

    const int seed = number_from("HI6GW_SOAK_SEED", 1);
    std::mt19937 random{static_cast<std::uint32_t>(seed)};
    Broker broker;
    Proxy to_broker{broker.port()};
    Shim shim;
    Invariants invariants{broker};
    std::vector<std::unique_ptr<Cell>> cells;
    std::unique_ptr<Gateway> gateway;
    int sent = 0;
    int faults = 0;
    std::size_t links_seen = 1;
};

TEST_F(Soak, NothingBreaksAndNothingGrows) {
    const int seconds = number_from("HI6GW_SOAK_SECONDS", 10);
    ASSERT_TRUE(ready());
    ASSERT_TRUE(eventually(
        [&] { return gateway->metric("hi6gw_controller_up") == double(cells.size()); }, 30s));
    print_usage("started");
    // Whatever grows by being used for the first time does so here.
    for (int how = 0; how < kControllerFaults; ++how) {
        hurt(*cells[static_cast<std::size_t>(how) % cells.size()], how);
        send_something();
    }
    for (const int how : {0, 4, 6}) {
        hurt_broker(how);
        ASSERT_TRUE(ready());
    }
    run_for(2s);
    Usage before = print_usage("warm");
    const auto begin = Steady::now();
    Usage after;
    // In parts of a few minutes at most, each of which ends with everything whole again.
    const int parts = std::max(2, seconds / 180);
    for (int part = 1; part <= parts; ++part) {
        run_for(std::chrono::milliseconds(seconds * 1000) / parts);
        after = print_usage(("part " + std::to_string(part)).c_str());
        // Ids are remembered for ten minutes: a long run is judged from there on.
        if (Steady::now() < begin + 12min && part < parts) {
            before = after.rss_kb > before.rss_kb && seconds > 1200 ? after : before;
        }
    }
    EXPECT_TRUE(gateway->process().running()) << "I10";
    EXPECT_LE(after.rss_kb, before.rss_kb + kMemorySlackKb) << "I9";
    EXPECT_LE(after.fds, before.fds + 2) << "I9";
    EXPECT_LE(after.threads, before.threads + 1) << "I9";
    EXPECT_LE(most_connects(), 10U) << "a reconnect storm towards the broker";
    EXPECT_EQ(gateway->stop(), 0);
    EXPECT_EQ(invariants.broken(), "");
    auto tally = invariants.tally();
    std::cout << "soak, seed " << seed << ": "
              << std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - begin).count()
              << " s, " << cells.size() << " controllers, " << faults << " faults, " << sent
              << " commands";
    for (const auto& [state, count] : tally.states) {
        std::cout << ", " << count << ' ' << state;
    }
    for (const auto& [reason, count] : tally.reasons) {
        std::cout << ", " << count << " because of " << reason;
    }
    std::cout << "; " << tally.posts << " POSTs of " << tally.requests << " requests, "
              << tally.connects << " connects to controllers, " << to_broker.counts().links
              << " to the broker (" << most_connects() << " in 10 s at most), " << tally.messages
              << " messages" << std::endl;
    EXPECT_GT(tally.states["verified"], sent / 10) << "hardly anything was tried";
}

}  // namespace
}  // namespace hi6gw::test
