// Random commands through a lane against a controller that fails at random. The oracle knows what
// was submitted, what went over the wire and when, and the results; nothing of the machinery.

#include "bench.h"

#include <algorithm>
#include <random>
#include <set>

namespace hi6gw::command {
namespace {

using hi6::Outcome;

using Connect = support::FakeController::Connect;

const hi6::Area kNumbers = test::address("fb1.dow0").area;
const hi6::Area kPulses = test::address("fb3.do0").area;

class Course {
  public:
    explicit Course(std::uint32_t seed) : random_(seed), reliability_(40 + below(7) * 10) {
        bench.poll_period = std::chrono::milliseconds(5 + below(60));
        bench.answer = [this](const Exchange& each) { return misfortune(each); };
        bench.line.before_connect = [this] {
            bench.line.connect_mode = chance(70) ? Connect::accept : Connect::refuse;
        };
    }

    void run(int commands) {
        bench.start_lane();
        for (int i = 0; i < commands; ++i) {
            submit();
            if (chance(60)) {
                bench.advance(std::chrono::milliseconds(below(150)));
            }
            if (chance(1)) {
                bench.stop_lane();
                bench.start_lane();
            }
            if (chance(1)) {
                bench.supervisor->controller_offline(bench.time.now());
            }
            if (chance(2)) {
                bench.line.up = false;
            }
        }
        bench.advance(std::chrono::milliseconds(below(3000)));
        bench.supervisor->shutdown(bench.time.now());
        bench.stop_lane();
        bench.drain(2s);
    }

    Bench bench;
    std::vector<Command> submitted;

  private:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    bool chance(unsigned percent) { return below(100) < percent; }

    Answer misfortune(const Exchange& exchange) {
        bench.line.service = std::chrono::milliseconds(1 + below(chance(5) ? 400 : 12));
        bench.line.connect_time = bench.line.service;
        if (chance(reliability_)) {
            return {};
        }
        const auto outcome = static_cast<Outcome>(below(7));
        const bool accepted = outcome == Outcome::ok || outcome == Outcome::bad_data;
        const bool open = outcome == Outcome::lost || outcome == Outcome::server_error;
        const bool kept = exchange.address.area == kNumbers && chance(70);  // by a program
        return {outcome, !kept && (accepted || (open && chance(50))), chance(5)};
    }

    // 40 bits, 10 numbers, and for each pulse a bit of its own.
    void submit() {
        const unsigned which = below(60);
        Command command;
        if (which < 40) {
            command = bench.make("fb2.do" + std::to_string(which), below(2));
        } else if (which < 50) {
            command = bench.make("fb1.dow" + std::to_string(2 * which), 1 + below(60'000));
        } else {
            command = bench.make("fb3.do" + std::to_string(submitted.size()), 1);
            command.pulse = std::chrono::milliseconds(1 + below(400));
        }
        command.deadline = bench.time.now() + std::chrono::milliseconds(1 + below(3000));
        command.dry_run = chance(3);
        if (chance(10)) {
            command.expected = 0;
        }
        if (chance(20)) {
            command.options = test::without_verification();
        }
        submitted.push_back(command);
        bench.submit(command);
    }

    std::mt19937 random_;
    unsigned reliability_;
};

bool maybe_reached(const Exchange& post) {
    return post.outcome != Outcome::refused && post.outcome != Outcome::unauthorised;
}

// Each command's results, and no others.
void check_results(const Course& course) {
    std::set<std::string> ids;
    for (const Ended& each : course.bench.ended) {
        EXPECT_TRUE(ids.insert(each.id).second) << each.id << " ended twice";
        const State state = each.result.state;
        if (state == State::verified && !each.command.pulse) {
            EXPECT_EQ(each.held, each.command.raw) << each.id << ": said to be verified";
        }
        if (state == State::superseded || state == State::expired || state == State::would_apply) {
            EXPECT_EQ(each.result.attempts, 0U) << each.id;
        }
    }
    EXPECT_EQ(ids.size(), course.submitted.size());
}

// Pulses are told by their addresses: at most one edge, before its deadline, and then a release.
void check_pulses(Course& course) {
    for (const Command& command : course.submitted) {
        if (!command.pulse) {
            continue;
        }
        unsigned edges = 0;
        for (const Exchange& post : course.bench.posts()) {
            if (post.address == command.address && post.raw == 1) {
                EXPECT_LT(post.at, command.deadline) << command.reply.id << ": late edge";
                EXPECT_FALSE(command.dry_run);
                edges += maybe_reached(post) ? 1U : 0U;
            } else if (post.address == command.address) {
                EXPECT_EQ(edges, 1U) << command.reply.id << ": a release without an edge";
            }
        }
        EXPECT_LE(edges, 1U) << command.reply.id << ": two edges";
        const std::vector<OpenPulse> open = course.bench.store.open();
        const bool recorded = std::any_of(open.begin(), open.end(), [&](const OpenPulse& pulse) {
            return pulse.address == command.address;
        });
        const bool gave_up = std::any_of(course.bench.released.begin(), course.bench.released.end(),
                                         [&](const auto& each) {
                                             return each.first.address == command.address &&
                                                    each.second == Release::End::gave_up;
                                         });
        EXPECT_TRUE(course.bench.line.value(command.address) == 0 || recorded || gave_up)
            << command.reply.id << ": active and forgotten";
    }
}

// The others are executed one after the other: the posts between two ends are the second's.
void check_order(const Course& course) {
    std::size_t taken = 0;
    int last = 0;
    for (const Ended& each : course.bench.ended) {
        if (each.command.pulse || each.result.attempts == 0) {
            continue;
        }
        unsigned own = 0;
        for (; taken < each.logged; ++taken) {
            const Exchange& post = course.bench.line.requests[taken];
            if (!post.post || post.address.area == kPulses) {
                continue;
            }
            EXPECT_TRUE(post.address == each.command.address && post.raw == each.command.raw)
                << each.id << ": somebody else's post of " << to_string(post.address);
            EXPECT_LT(post.at, each.command.deadline) << each.id << ": late";
            ++own;
        }
        EXPECT_LE(own, each.result.attempts) << each.id;
        const int number = std::stoi(each.id.substr(3));
        EXPECT_GT(number, last) << "out of order";
        last = number;
    }
    for (; taken < course.bench.line.requests.size(); ++taken) {
        const Exchange& post = course.bench.line.requests[taken];
        EXPECT_TRUE(!post.post || post.address.area == kPulses) << "a post of no command";
    }
}

TEST(SupervisorProperty, HoldsForRandomFaults) {
    std::map<State, int> seen;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Course course(seed);
        course.run(200);
        check_results(course);
        check_pulses(course);
        check_order(course);
        for (const Ended& each : course.bench.ended) {
            ++seen[each.result.state];
        }
        ASSERT_FALSE(HasFailure()) << "seed " << seed;
    }
    for (unsigned i = 0; i <= static_cast<unsigned>(State::aborted); ++i) {
        const auto state = static_cast<State>(i);
        EXPECT_GT(seen[state], 10) << to_string(state);
    }
}

}  // namespace
}  // namespace hi6gw::command
