// Commands in random order to 50 signals of several controllers while connections break, answers
// stay away and errors come at random. Judged by what the controllers saw.
//   HI6GW_STORM_COMMANDS=10000 HI6GW_STORM_SEEDS=3   is the long run; ctest does a short one.

#include "system/plant.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::size_t kControllers = 4;
constexpr int kBits = 8;         // of each controller: fb2.do0-7
constexpr int kFirstPulsed = 6;  // from this bit on they are pulsed only
constexpr int kNumbers = 5;      // fb1.dow20, 22, ...
// Sent and not answered at a time: enough that they queue up, few enough that neither rates nor
// queues refuse them, whatever the machine.
constexpr std::size_t kOutstanding = 40;
constexpr std::int64_t kClockSlack = 3'000;  // us: the result tells milliseconds

int number_from(const char* variable, int otherwise) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there is a second thread that sets any
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::atoi(text);  // NOLINT(cert-err34-c): 0 runs nothing
}

struct Sent {
    std::string id;
    std::size_t controller = 0;
    std::string signal;
    std::string place;  // as posts_of() names it
    int value = 0;
    bool pulse = false;
    std::int64_t ttl_ms = 0;
};

struct Post {
    std::int64_t at_us = 0;
    int value = 0;
    bool applied = false;
};

std::string place_of(std::string_view type, std::int64_t block, std::int64_t index) {
    return std::string(type) + '/' + std::to_string(block) + '/' + std::to_string(index);
}

// Every POST that arrived, by output, in the order of arrival.
std::map<std::string, std::vector<Post>> posts_of(const Simulator& simulator) {
    std::map<std::string, std::vector<Post>> out;
    for (const LoggedRequest& post : simulator.posts()) {
        const json::object body = json::parse(post.body).as_object();
        out[place_of(body.at("type").as_string(), body.at("blk_no").as_int64(),
                     body.at("sig_no").as_int64())]
            .push_back(
                {post.wall_us, static_cast<int>(body.at("val").to_number<double>()), post.applied});
    }
    return out;
}

struct Outcome {
    std::string state;
    int attempts = 0;
    std::int64_t received_us = 0;
    std::int64_t done_us = 0;
};

// Whether these POSTs can have come from these commands, executed in this order: each made as many
// as its result says at most, and at least one where it says that it was applied.
bool in_order(const std::vector<Post>& posts, const std::vector<std::pair<Sent, Outcome>>& sent) {
    std::set<std::size_t> reached{0};
    for (const auto& [command, outcome] : sent) {
        const bool sure = outcome.state == "verified" || outcome.state == "mismatch";
        std::set<std::size_t> next;
        for (const std::size_t from : reached) {
            for (std::size_t n = 0; n <= static_cast<std::size_t>(outcome.attempts); ++n) {
                if (n > 0 &&
                    (from + n > posts.size() || posts[from + n - 1].value != command.value)) {
                    break;
                }
                if (n > 0 || !sure) {
                    next.insert(from + n);
                }
            }
        }
        reached = std::move(next);
    }
    return reached.contains(posts.size());
}

// For the reader of a failure: what was commanded and what was posted.
std::string course(const std::vector<Post>& posts,
                   const std::vector<std::pair<Sent, Outcome>>& sent) {
    std::multimap<std::int64_t, std::string> lines;
    for (const auto& [command, outcome] : sent) {
        const std::string what = command.id + " = " + std::to_string(command.value);
        lines.emplace(outcome.received_us, "received " + what);
        lines.emplace(outcome.done_us, outcome.state + ' ' + what + ", attempts " +
                                           std::to_string(outcome.attempts));
    }
    for (const Post& post : posts) {
        lines.emplace(post.at_us,
                      "post " + std::to_string(post.value) + (post.applied ? "" : ", not applied"));
    }
    std::string out;
    for (const auto& [at, line] : lines) {
        out += std::to_string(at - lines.begin()->first) + " us: " + line + '\n';
    }
    return out;
}

// The same of pulses: one edge each at most, and whoever made it was released before the next came.
bool pulses_in_order(const std::vector<Post>& posts,
                     const std::vector<std::pair<Sent, Outcome>>& sent) {
    std::set<std::size_t> reached{0};
    for (const auto& [command, outcome] : sent) {
        const bool sure = outcome.state == "verified" || outcome.state == "mismatch";
        std::set<std::size_t> next;
        for (const std::size_t from : reached) {
            if (!sure) {
                next.insert(from);
            }
            if (outcome.attempts > 0 && from < posts.size() && posts[from].value == 1) {
                std::size_t end = from + 1;
                while (end < posts.size() && posts[end].value == 0) {
                    ++end;
                }
                if (end > from + 1 || !posts[from].applied) {
                    next.insert(end);
                }
            }
        }
        reached = std::move(next);
    }
    return reached.contains(posts.size());
}

// What the output was when the result was made: nobody but the gateway writes here.
void expect_true_when_verified(const std::vector<Post>& posts, const Sent& command,
                               const Outcome& outcome, const std::string& course) {
    int output = 0;
    for (const Post& post : posts) {
        if (post.applied && post.at_us < outcome.done_us - kClockSlack) {
            output = post.value;
        }
    }
    EXPECT_EQ(output, command.pulse ? 0 : command.value)
        << command.id << " was verified, but not true\n"
        << course;
}

// Of a number, whose value tells whose post it is.
void check_times(const std::vector<Post>& posts, const Sent& command, const Outcome& outcome) {
    int applied = 0;
    for (const Post& post : posts) {
        if (post.value != command.value) {
            continue;
        }
        EXPECT_LE(post.at_us, outcome.received_us + command.ttl_ms * 1000 + kClockSlack)
            << command.id << " was sent late";
        EXPECT_LE(post.at_us, outcome.done_us + kClockSlack)
            << command.id << " was sent after its result";
        applied += post.applied ? 1 : 0;
    }
    if (outcome.attempts == 0) {
        EXPECT_EQ(applied, 0) << command.id;
    }
}

void storm(int commands, std::uint32_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto one_of = [&random](int n) {
        return std::uniform_int_distribution<int>(0, n - 1)(random);
    };
    Broker broker;
    std::vector<std::unique_ptr<Simulator>> simulators;
    std::string yaml = "gateway: {id: line1}\nmqtt: {url: \"" + broker.url() +
                       "\"}\ndefaults: {poll: 200ms}\ncontrollers:\n";
    for (std::size_t i = 0; i < kControllers; ++i) {
        simulators.push_back(std::make_unique<Simulator>());
        yaml += "  - name: r" + std::to_string(i) + "\n    url: " + simulators.back()->url() +
                "\n    timeout: 300ms\n    signals:\n"
                "      - {name: \"bit/{i}\", address: \"fb2.do{i}\", access: rw, for: 0..7}\n";
        for (int n = 0; n < kNumbers; ++n) {
            yaml += "      - {name: number/" + std::to_string(n) + ", address: fb1.dow" +
                    std::to_string(20 + 2 * n) + ", access: rw}\n";
        }
    }
    MqttProbe probe(broker, {"hi6/+/result/#"});
    Gateway gateway(yaml);
    ASSERT_TRUE(eventually(
        [&] { return gateway.metric("hi6gw_controller_up") == double{kControllers}; }, kPatience));
    ASSERT_TRUE(eventually([&] { return gateway.get("/readyz").status == 200; }, kPatience));

    const std::vector<std::string> faults{
        R"("action":"reset_before")",  R"("action":"reset_after")",
        R"("action":"hang")",          R"("action":"status","status":503)",
        R"("action":"delay","ms":40)", R"("action":"delay","ms":250)"};
    std::vector<Sent> sent;
    int played = 0;
    std::array<std::chrono::steady_clock::time_point, kControllers> next_fault{};
    for (auto& next : next_fault) {
        next = std::chrono::steady_clock::now() + std::chrono::milliseconds(one_of(1500));
    }
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < commands; ++i) {
        Sent one;
        one.id = "c" + std::to_string(i);
        one.controller = static_cast<std::size_t>(one_of(kControllers));
        one.ttl_ms = one_of(10) == 0 ? 20 + one_of(200) : 3000;
        const int which = one_of(kBits + kNumbers);
        if (which < kBits) {
            one.signal = "bit/" + std::to_string(which);
            one.place = place_of("do", 2, which);
            one.pulse = which >= kFirstPulsed;
            one.value = one.pulse ? 1 : one_of(2);
        } else {
            one.signal = "number/" + std::to_string(which - kBits);
            one.place = place_of("dow", 1, 20 + 2 * (which - kBits));
            one.value = i % 30000 + 1;  // tells which command a POST belongs to
        }
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
        ASSERT_TRUE(
            eventually([&] { return probe.count() + kOutstanding > sent.size(); }, kPatience));
        publish(broker, "hi6/r" + std::to_string(one.controller) + "/set/" + one.signal,
                R"({"id":")" + one.id + R"(","value":)" + std::to_string(one.value) + R"(,"ttl":)" +
                    std::to_string(one.ttl_ms) +
                    (one.pulse ? R"(,"pulse":)" + std::to_string(10 + one_of(100)) : "") + "}");
        sent.push_back(std::move(one));
    }
    const auto results = [&] {
        std::multimap<std::string, json::object> out;
        for (const Received& message : probe.messages()) {
            json::object body = json::parse(message.payload).as_object();
            std::string id(body.at("id").as_string());
            out.emplace(std::move(id), std::move(body));
        }
        return out;
    };
    EXPECT_TRUE(eventually([&] { return probe.count() >= sent.size(); }, 15s));
    for (const auto& simulator : simulators) {
        simulator->clear_faults();  // reachable: then nothing may be left pulsed
    }
    EXPECT_EQ(gateway.stop(), 0);
    const auto took = std::chrono::steady_clock::now() - start;

    const auto by_id = results();
    std::map<std::string, int> states;
    std::map<std::string, int> reasons;
    std::vector<std::map<std::string, std::vector<std::pair<Sent, Outcome>>>> commanded(
        kControllers);
    for (const Sent& one : sent) {
        ASSERT_EQ(by_id.count(one.id), 1U) << "results of " << one.id;
        const json::object& result = by_id.find(one.id)->second;
        EXPECT_FALSE(result.contains("duplicate"));
        Outcome outcome{
            std::string(result.at("state").as_string()), result.at("attempts").to_number<int>(),
            result.at("received").as_int64() * 1000, result.at("done").as_int64() * 1000};
        ++states[outcome.state];
        ++reasons[std::string(result.at("reason").as_string())];
        commanded[one.controller][one.place].emplace_back(one, std::move(outcome));
    }
    std::size_t posted = 0;
    for (std::size_t i = 0; i < kControllers; ++i) {
        SCOPED_TRACE("r" + std::to_string(i));
        for (const auto& [place, posts] : posts_of(*simulators[i])) {
            SCOPED_TRACE(place);
            posted += posts.size();
            const auto& here = commanded[i][place];
            ASSERT_FALSE(here.empty()) << "nobody commanded this";
            const std::string whole = course(posts, here);
            const bool pulsed = here.front().first.pulse;
            EXPECT_TRUE(pulsed ? pulses_in_order(posts, here) : in_order(posts, here)) << whole;
            for (const auto& [command, outcome] : here) {
                EXPECT_NE(outcome.state, "mismatch") << command.id << ": nobody else writes";
                if (outcome.state == "verified") {
                    expect_true_when_verified(posts, command, outcome, whole);
                }
                if (place.starts_with("dow")) {
                    check_times(posts, command, outcome);
                }
            }
        }
        for (int bit = kFirstPulsed; bit < kBits; ++bit) {
            EXPECT_EQ(simulators[i]->get("fb2.do" + std::to_string(bit)), 0)
                << "left pulsed\n"
                << gateway.process().err();
        }
        EXPECT_LE(simulators[i]->stat("connections_open_max"), 1);
        EXPECT_LE(simulators[i]->stat("requests_open_max"), 1);
        EXPECT_EQ(simulators[i]->stat("asked_close"), 0);
    }
    std::cout << "storm, seed " << seed << ": " << sent.size() << " commands";
    for (const auto& [state, count] : states) {
        std::cout << ", " << count << ' ' << state;
    }
    std::cout << "; why:";
    for (const auto& [reason, count] : reasons) {
        std::cout << ' ' << count << ' ' << reason;
    }
    std::cout << "; " << posted << " POSTs, " << played << " faults, "
              << std::chrono::duration_cast<std::chrono::seconds>(took).count() << " s"
              << std::endl;
    EXPECT_GT(states["verified"], static_cast<int>(sent.size()) / 3) << "hardly anything was tried";
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
