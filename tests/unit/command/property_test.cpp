// Random commands against a random controller. The driver here does what a lane does; the oracle
// knows only what went over the wire and when, and nothing of the state machines.

#include "command/release.h"
#include "unit/command/make.h"

#include <gtest/gtest.h>

#include <random>

namespace hi6gw::command {
namespace {

using hi6::Outcome;
using Kind = Action::Kind;

struct Exchange {
    Clock::time_point at;
    bool post = false;
    std::uint32_t raw = 0;  // written, or read back when ok
    Outcome outcome = Outcome::ok;
    bool release = false;  // asked for by the release
};

// One bit of memory behind an unreliable line.
class World {
  public:
    explicit World(std::uint32_t seed) : random_(seed), reliability_(below(11) * 10) {}

    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    bool chance(unsigned percent) { return below(100) < percent; }

    Event carry_out(const Action& action, bool release) {
        if (!release && action.kind == Kind::post && chance(3)) {  // connecting took too long
            now = std::max(now, std::min(action.until, action.start_by)) + milliseconds(below(3));
            return test::late();
        }
        Exchange exchange{now, action.kind == Kind::post, action.raw, outcome(), release};
        if (chance(10)) {
            bit = below(2);  // the robot's program
        }
        const bool reached = exchange.outcome == Outcome::ok ||
                             exchange.outcome == Outcome::bad_data ||
                             (exchange.outcome == Outcome::lost && chance(50)) ||
                             (exchange.outcome == Outcome::server_error && chance(20));
        if (exchange.post && reached) {
            bit = action.raw;
        }
        if (!exchange.post) {
            exchange.raw = bit;
        }
        now += milliseconds(exchange.outcome == Outcome::lost ? 1000 : below(60));
        log.push_back(exchange);
        return {Event::Kind::reply, exchange.outcome, exchange.post ? 0 : bit};
    }

    Clock::time_point now = test::kStart;
    std::uint32_t bit = 0;
    std::vector<Exchange> log;

  private:
    Outcome outcome() {
        if (chance(reliability_)) {
            return Outcome::ok;
        }
        return static_cast<Outcome>(below(7));
    }

    std::mt19937 random_;
    unsigned reliability_;
};

struct Course {
    Command command;
    bool cancelled = false;
    int results = 0;
    CommandResult result;
    Release::End release_end = Release::End::released;
    bool had_release = false;
    std::size_t exchanges_of_edge = 0;
};

Command random_command(World& world) {
    Command out = test::command("fb2.do3", world.below(2));
    out.deadline = test::at(1 + world.below(4000));
    if (world.chance(20)) {
        out.options = test::without_verification();
    }
    if (world.chance(20)) {
        out.expected = world.below(2);
    }
    if (world.chance(50)) {
        out.pulse = milliseconds(1 + world.below(700));
    }
    out.dry_run = world.chance(5);
    world.bit = world.below(2);
    return out;
}

// The Execution first, then its Release: the time between goes by in waits either way.
Course drive(World& world) {
    Course run;
    run.command = random_command(world);
    Execution execution(run.command, Limits{});
    world.now += milliseconds(world.below(100));
    Action action = execution.resume(test::start(), world.now, world.chance(10));
    for (int steps = 0; action.kind != Kind::done; ++steps) {
        if (steps > 500) {
            ADD_FAILURE() << "does not end";
            return run;
        }
        Event event = test::cancel();
        if (world.chance(2)) {
            run.cancelled = true;
        } else if (action.kind == Kind::wait) {
            // Now and then the timer is early or late.
            world.now = action.until + milliseconds(world.chance(10) ? world.below(2000) : 0);
            event = test::timer();
        } else {
            event = world.carry_out(action, false);
        }
        action = execution.resume(event, world.now, world.chance(10));
    }
    run.exchanges_of_edge = world.log.size();
    auto result = execution.take_result();
    EXPECT_FALSE(execution.take_result());
    if (!execution.release()) {
        run.results += result ? 1 : 0;
        run.result = result.value_or(CommandResult{});
        return run;
    }
    run.had_release = true;
    Release release(run.command.address, run.command.raw ^ 1U, run.command.options->verify,
                    *execution.release(), Limits{});
    if (result) {
        release.hold(*result, world.now);
    }
    action = release.resume(test::timer(), world.now);
    for (int steps = 0; action.kind != Kind::done; ++steps) {
        if (steps > 5000) {
            break;  // the controller is never reachable in this world
        }
        Event event = test::cancel();
        if (world.chance(1)) {
            run.cancelled = true;
        } else if (action.kind == Kind::wait) {
            world.now = std::max(world.now, action.until);
            event = test::timer();
        } else {
            event = world.carry_out(action, true);
        }
        action = release.resume(event, world.now);
        if (auto late = release.take_result(world.now)) {
            ++run.results;
            run.result = *late;
        }
    }
    run.release_end = release.end();
    if (auto last = release.take_result(world.now)) {
        ++run.results;
        run.result = *last;
    }
    return run;
}

bool accepted(const Exchange& exchange) {
    return exchange.outcome == Outcome::ok || exchange.outcome == Outcome::bad_data;
}

void check(const World& world, const Course& run) {
    EXPECT_EQ(run.results, 1);
    bool uncertain = false;  // a post may have had its effect, and nothing was read since
    unsigned edges = 0;      // of a pulse, that may have reached the controller
    unsigned posts = 0;
    unsigned unreadable = 0;  // refused reads of the release
    bool any_accepted = false;
    bool any_lost = false;
    std::optional<std::uint32_t> last_read;
    std::optional<bool> last_post_was_release;
    for (const Exchange& exchange : world.log) {
        if (!exchange.post) {
            unreadable += exchange.release && is_refusal(exchange.outcome) ? 1U : 0U;
            if (exchange.outcome == Outcome::ok) {
                uncertain = false;
                if (!exchange.release) {
                    last_read = exchange.raw;
                }
            }
            continue;
        }
        const bool same_edge = last_post_was_release == exchange.release;
        const bool unread = exchange.release && unreadable >= Release::kRefusals;
        EXPECT_FALSE(uncertain && same_edge && !unread) << "posted again without a look";
        last_post_was_release = exchange.release;
        EXPECT_EQ(exchange.raw, exchange.release ? run.command.raw ^ 1U : run.command.raw);
        EXPECT_FALSE(run.command.dry_run);
        const bool maybe = accepted(exchange) || exchange.outcome == Outcome::lost ||
                           exchange.outcome == Outcome::server_error;
        // A 5xx to a plain write is retried by contract; everything else must be looked at.
        uncertain = maybe && (exchange.outcome != Outcome::server_error || run.command.pulse);
        if (!exchange.release) {
            ++posts;
            EXPECT_LT(exchange.at, run.command.deadline) << "late";
            edges += maybe ? 1 : 0;
            any_accepted |= accepted(exchange);
            any_lost |= exchange.outcome == Outcome::lost;
            last_read.reset();
        }
    }
    EXPECT_LE(posts, Limits{}.attempts);
    if (run.command.pulse) {
        EXPECT_LE(edges, 1U) << "two edges of one pulse";
        EXPECT_TRUE(edges == 0 || run.had_release) << "an edge without its release";
    }
    switch (run.result.state) {
        case State::verified:
            EXPECT_EQ(last_read, run.command.raw) << "not what was read";
            EXPECT_GE(posts, 1U);
            break;
        case State::applied:
            EXPECT_TRUE(any_accepted && !run.command.options->verify);
            break;
        case State::mismatch:
            // or its edge was read back after a lost answer, and the release was refused
            EXPECT_TRUE(any_accepted || (edges == 1 && run.result.reason == Reason::release));
            break;
        case State::failed:
            EXPECT_FALSE(any_accepted || any_lost);
            break;
        case State::expired:
        case State::would_apply:
            EXPECT_EQ(posts, 0U);
            break;
        case State::aborted:
            EXPECT_TRUE(run.cancelled);
            EXPECT_EQ(edges, 0U);
            break;
        case State::rejected:
            EXPECT_FALSE(any_accepted || any_lost);
            break;
        case State::unknown:
            EXPECT_TRUE(posts > 0 || run.cancelled);
            break;
        case State::superseded:
            ADD_FAILURE() << "is the queue's to say";
            break;
    }
    if (run.had_release && run.release_end == Release::End::released && !world.log.empty() &&
        world.log.back().release) {
        auto last = world.log.rbegin();
        if (!last->post &&
            is_refusal(last->outcome)) {  // it cannot be read: the answer to the post counts
            last = std::find_if(last, world.log.rend(), [](const Exchange& each) {
                return each.post || each.outcome == Outcome::ok;
            });
        }
        ASSERT_NE(last, world.log.rend());
        EXPECT_TRUE(last->post ? accepted(*last) : last->raw == (run.command.raw ^ 1U))
            << "said to be released without evidence";
    }
}

TEST(SupervisionProperty, HoldsForRandomFaults) {
    std::map<State, int> seen;
    for (std::uint32_t seed = 1; seed <= 50'000; ++seed) {
        World world(seed);
        const Course run = drive(world);
        check(world, run);
        ++seen[run.result.state];
        ASSERT_FALSE(HasFailure()) << "seed " << seed << ": " << to_string(run.result.state) << ' '
                                   << to_string(run.result.reason);
    }
    for (unsigned i = 0; i <= static_cast<unsigned>(State::aborted); ++i) {
        const auto state = static_cast<State>(i);
        EXPECT_TRUE(state == State::superseded || seen[state] > 100) << to_string(state);
    }
}

// Not a world but noise: any event at any time. Still one result, and nothing late.
TEST(SupervisionProperty, HoldsForEventsThatMakeNoSense) {
    std::mt19937 engine(11);
    const auto below = [&engine](unsigned limit) {
        return static_cast<unsigned>(engine() % limit);
    };
    for (int round = 0; round < 20'000; ++round) {
        World world(static_cast<std::uint32_t>(engine()));
        const Command command = random_command(world);
        Execution execution(command, Limits{});
        Clock::time_point now = test::kStart;
        int results = 0;
        unsigned posts = 0;
        Action action;
        for (int step = 0; step < 200; ++step) {
            const Event event{static_cast<Event::Kind>(below(5)), static_cast<Outcome>(below(7)),
                              below(2)};
            action = execution.resume(step == 0 ? test::start() : event, now, below(8) == 0);
            if (action.kind == Kind::post) {
                ++posts;
                ASSERT_LT(now, command.deadline);
                ASSERT_EQ(action.start_by, command.deadline);
            }
            results += execution.take_result() ? 1 : 0;
            ASSERT_EQ(results > 0, action.kind == Kind::done);
            now += milliseconds(below(50));
        }
        ASSERT_EQ(results, 1);
        // A post that was too late to be sent is not counted as an attempt, but ends the command.
        ASSERT_LE(posts, Limits{}.attempts);
    }
}

}  // namespace
}  // namespace hi6gw::command
