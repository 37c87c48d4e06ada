// Shutdown, cancellation and destruction at every await, and what is made up for after a crash.

#include "bench.h"

namespace hi6gw::command {
namespace {

using hi6::Outcome;

const hi6::Address kPulsed = test::address("fb2.do3");

// A connection to open, a pulse with everything that can be asked of it, and a number whose first
// attempt fails.
void play(Bench& bench) {
    bench.line.up = false;
    bench.answer = [failed = false](const Exchange& exchange) mutable {
        const bool fails = exchange.post && exchange.raw == 77 && !failed;
        failed = failed || fails;
        return fails ? Answer{Outcome::lost, false, false} : Answer{};
    };
    bench.start_lane();
    Command pulse = bench.pulse(100ms);
    pulse.expected = 0;
    pulse.feedback = Check{test::address("fb2.di4"), 1};
    pulse.feedback_options = std::make_shared<domain::SignalOptions>();
    bench.line.put(pulse.feedback->address, 1);
    bench.submit(pulse);
    bench.submit(bench.make("m10", 1));
    bench.submit(bench.make("fb1.dow20", 77));
    bench.advance(2s);
}

int awaits_of_play() {
    Bench bench;
    play(bench);
    EXPECT_EQ(bench.ended.size(), 3U);
    return bench.gate.passed;
}

std::size_t posts_of(Bench& bench, const Command& command) {
    const std::vector<Exchange> posts = bench.posts();
    return static_cast<std::size_t>(
        std::count_if(posts.begin(), posts.end(), [&](const Exchange& each) {
            return each.address == command.address && each.raw == command.raw;
        }));
}

void expect_honest(Bench& bench) {
    EXPECT_EQ(bench.ended.size(), 3U);
    for (const Ended& each : bench.ended) {
        const bool sent = posts_of(bench, each.command) > 0;
        const bool denies = each.result.state == State::aborted;
        EXPECT_FALSE(sent && denies) << each.id << ": sent, and reported as aborted";
        if (each.result.state == State::verified && !each.command.pulse) {
            EXPECT_EQ(each.held, each.command.raw);
        }
    }
    const Command pulse = bench.ended.empty() ? Command{} : test::command();
    EXPECT_LE(posts_of(bench, pulse), 1U) << "two edges";
}

void expect_released(Bench& bench) {
    EXPECT_EQ(bench.line.value(kPulsed), 0U);
    EXPECT_TRUE(bench.store.open().empty());
    EXPECT_EQ(bench.supervisor->open_releases(), 0U);
}

void drain_after_the_fault(Bench& bench) {
    bench.gate.hold_at = 0;
    bench.supervisor->shutdown(bench.time.now());
    bench.drain(3s);
}

TEST(SupervisorFault, SurvivesCancellationAtEveryAwait) {
    const int awaits = awaits_of_play();
    ASSERT_GT(awaits, 15);
    for (int at = 1; at <= awaits; ++at) {
        SCOPED_TRACE(at);
        Bench bench;
        bench.gate.hold_at = at;
        play(bench);
        bench.stop_lane();
        EXPECT_FALSE(bench.lane_running);
        drain_after_the_fault(bench);
        expect_honest(bench);
        expect_released(bench);
    }
}

TEST(SupervisorFault, GoesOnAfterACancellationWhenItIsNotShutDown) {
    const int awaits = awaits_of_play();
    for (int at = 1; at <= awaits; ++at) {
        SCOPED_TRACE(at);
        Bench bench;
        bench.gate.hold_at = at;
        play(bench);
        bench.stop_lane();
        bench.start_lane();
        bench.advance(5s);
        expect_honest(bench);
        expect_released(bench);
    }
}

TEST(SupervisorFault, SurvivesTheLossOfTheCoroutineAtEveryAwait) {
    const int awaits = awaits_of_play();
    for (int at = 1; at <= awaits; ++at) {
        SCOPED_TRACE(at);
        Bench bench;
        bench.gate.hold_at = at;
        bench.gate.parks = true;
        play(bench);
        bench.lane_running = false;
        bench.gate.drop();
        bench.time.settle();
        drain_after_the_fault(bench);
        expect_honest(bench);
        expect_released(bench);
    }
}

TEST(SupervisorFault, MayBeDestroyedAtEveryAwait) {
    const int awaits = awaits_of_play();
    for (int at = 1; at <= awaits; ++at) {
        SCOPED_TRACE(at);
        Bench bench;
        bench.gate.hold_at = at;
        bench.gate.parks = true;
        play(bench);
        bench.lane_running = false;
        bench.supervisor.reset();
        expect_honest(bench);
        const bool active = bench.line.value(kPulsed) == 1;
        EXPECT_TRUE(!active || bench.store.open().size() == 1) << "active, and not in the journal";
        bench.gate.drop();  // the turn outlives its supervisor
        bench.time.settle();
        EXPECT_EQ(bench.ended.size(), 3U);
    }
}

TEST(SupervisorFault, DropsATurnThatHasNotBegun) {
    Bench bench;
    bench.submit(bench.make());
    {
        const auto turn = bench.supervisor->take_turn(bench.line);
    }
    EXPECT_TRUE(bench.ended.empty());
    EXPECT_TRUE(bench.supervisor->wants_turn(bench.time.now()));
}

// At every millisecond of a pulse with two more commands behind it.
TEST(SupervisorFault, ShutsDownInTheMiddle) {
    for (int at = 0; at < 140; ++at) {
        SCOPED_TRACE(at);
        Bench bench;
        bench.start_lane();
        bench.submit(bench.pulse(100ms));
        bench.submit(bench.make("fb2.do4"));
        bench.submit(bench.make("fb2.do5"));
        bench.advance(std::chrono::milliseconds(at));
        const std::size_t before = bench.posts().size();
        const Clock::time_point stop = bench.time.now();
        bench.supervisor->shutdown(stop);
        bench.advance(50ms);  // the turn under way ends
        bench.stop_lane();
        for (std::size_t i = before; i < bench.posts().size(); ++i) {
            const Exchange each = bench.posts()[i];
            EXPECT_TRUE(each.address == kPulsed && each.raw == 0) << "posted after the shutdown";
            EXPECT_LE(each.at - stop, 15ms);
        }
        bench.drain(1s);
        EXPECT_EQ(bench.ended.size(), 3U);
        expect_released(bench);
    }
}

TEST(SupervisorFault, AShutdownDoesNotPostAgainWhatWasLost) {
    Bench bench;
    bench.answer = [&bench](const Exchange& exchange) {
        if (!exchange.post) {
            bench.supervisor->shutdown(bench.time.now());
        }
        return exchange.post ? Answer{Outcome::lost, false, false} : Answer{};
    };
    bench.start_lane();
    bench.submit(bench.make());
    bench.advance(1s);
    EXPECT_EQ(bench.posts().size(), 1U);
    EXPECT_EQ(bench.only().state, State::unknown);
}

// Held up in the connect, or in the journal: no byte went out, and that is known.
TEST(SupervisorFault, SaysAbortedWhereNothingWasSent) {
    for (const bool pulse : {false, true}) {
        Bench bench;
        bench.line.up = false;
        bench.gate.hold_at = 1;
        bench.start_lane();
        bench.submit(pulse ? bench.pulse() : bench.make());
        bench.advance(1s);
        bench.stop_lane();
        EXPECT_EQ(bench.only().state, State::aborted);
        EXPECT_EQ(bench.supervisor->open_releases(), 0U);
        EXPECT_TRUE(bench.store.open().empty());
    }
}

TEST(SupervisorFault, AShutdownDuringTheConnectKeepsThePostBack) {
    Bench bench;
    bench.line.up = false;
    bench.line.before_connect = [&bench] { bench.supervisor->shutdown(bench.time.now()); };
    bench.start_lane();
    bench.submit(bench.make());
    bench.advance(1s);
    EXPECT_TRUE(bench.posts().empty());
    EXPECT_EQ(bench.only().state, State::aborted);
}

TEST(SupervisorFault, GivesUpTheReleaseAtTheEndOfTheTimeForIt) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.pulse());
    bench.advance(50ms);
    bench.stop_lane();
    bench.answer = [](const Exchange&) { return Answer{Outcome::lost, false, true}; };
    bench.supervisor->shutdown(bench.time.now());
    const Clock::time_point limit = bench.time.now() + 2500ms;
    bench.drain(2500ms);
    EXPECT_GE(bench.posts().size(), 2U);
    EXPECT_LT(bench.exchanges().back().at, limit);
    EXPECT_EQ(bench.only().state, State::unknown);
    EXPECT_EQ(bench.only().reason, Reason::release);
    EXPECT_EQ(bench.store.open().size(), 1U) << "the next start makes up for it";
    ASSERT_EQ(bench.released.size(), 1U);
    EXPECT_EQ(bench.released[0].second, Release::End::cut_off);
}

TEST(SupervisorFault, WritesTheJournalBeforeTheEdge) {
    Bench bench;
    std::vector<std::size_t> open;
    bench.answer = [&](const Exchange& exchange) {
        if (exchange.post) {
            open.push_back(bench.store.open().size());
        }
        return Answer{};
    };
    bench.start_lane();
    bench.submit(bench.pulse());
    bench.advance(1s);
    EXPECT_EQ(open, (std::vector<std::size_t>{1, 1}));
    EXPECT_TRUE(bench.store.open().empty());
    const Journal journal = read_journal(bench.store.text);
    EXPECT_EQ(journal.skipped, 0U);
}

TEST(SupervisorFault, MakesUpForAReleaseAfterACrash) {
    for (const std::uint32_t active : {0U, 1U}) {
        Bench bench;
        bench.line.put(kPulsed, active);
        const OpenPulse pulse{9, "r1", kPulsed, 0};
        bench.store.text = begin_line(pulse);
        bench.supervisor->recover(pulse, true, bench.time.now());
        bench.start_lane();
        bench.submit(bench.make("fb2.do9"));
        bench.advance(1s);
        EXPECT_FALSE(bench.exchanges().front().post) << "looked first, and before any command";
        EXPECT_EQ(bench.exchanges().front().address, kPulsed);
        EXPECT_EQ(bench.posts().size(), 1U + active);
        expect_released(bench);
        ASSERT_EQ(bench.released.size(), 1U);
        EXPECT_EQ(bench.released[0].first, pulse);
        EXPECT_EQ(bench.released[0].second, Release::End::released);
        EXPECT_EQ(bench.only().state, State::verified);
    }
}

}  // namespace
}  // namespace hi6gw::command
