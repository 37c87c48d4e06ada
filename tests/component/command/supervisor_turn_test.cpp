// Whose turn it is: order, supersession, polls and commands beside each other, deadlines.

#include "bench.h"

namespace hi6gw::command {
namespace {

using hi6::Outcome;

std::string trace(const std::vector<Exchange>& log) {
    std::string out;
    for (const Exchange& each : log) {
        out += (each.post ? "W" : "R") + to_string(each.address) + "=" + std::to_string(each.raw) +
               " ";
    }
    return out;
}

TEST(SupervisorTurn, ExecutesBitsInOrderEachWithItsReadBack) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.make("fb2.do3", 1));
    bench.submit(bench.make("fb2.do3", 0));
    bench.submit(bench.make("fb2.do4", 1));
    bench.advance(1s);
    EXPECT_EQ(trace(bench.exchanges()),
              "Wfb2.do3=1 Rfb2.do3=1 Wfb2.do3=0 Rfb2.do3=0 Wfb2.do4=1 Rfb2.do4=1 ");
    ASSERT_EQ(bench.ended.size(), 3U);
    EXPECT_EQ(bench.ended[0].id, "id-1");
    EXPECT_EQ(bench.ended[2].id, "id-3");
    EXPECT_EQ(bench.seen.size(), 3U) << "read-backs are the lane's to publish";
}

// Else the release of the first would take back what the second has set.
TEST(SupervisorTurn, ACommandToAPulsedBitWaitsForItsRelease) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.pulse(200ms));
    bench.advance(50ms);
    bench.submit(bench.make("fb2.do3", 1));
    bench.submit(bench.make("fb2.do4", 1));
    bench.advance(100ms);
    EXPECT_EQ(bench.ended.size(), 1U) << "that of fb2.do4";
    bench.advance(1s);
    EXPECT_EQ(trace(bench.posts()), "Wfb2.do3=1 Wfb2.do4=1 Wfb2.do3=0 Wfb2.do3=1 ");
    EXPECT_EQ(bench.ended.size(), 3U);
    EXPECT_EQ(bench.line.value(test::address("fb2.do3")), 1U);
}

TEST(SupervisorTurn, ACommandThatWaitsForAPulseTooLongExpires) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.pulse(2s));
    bench.advance(50ms);
    Command late = bench.make("fb2.do3", 1);
    late.deadline = bench.time.now() + 500ms;
    bench.submit(late);
    bench.advance(600ms);
    bench.supervisor->expire(bench.time.now());
    ASSERT_EQ(bench.ended.size(), 1U);
    EXPECT_EQ(bench.ended[0].result.state, State::expired);
    bench.advance(3s);
    EXPECT_EQ(trace(bench.posts()), "Wfb2.do3=1 Wfb2.do3=0 ");
}

TEST(SupervisorTurn, PulsesOfOneBitKeepTheirLength) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.pulse(200ms));
    bench.submit(bench.pulse(200ms));
    bench.advance(1s);
    const auto posts = bench.posts();
    ASSERT_EQ(trace(posts), "Wfb2.do3=1 Wfb2.do3=0 Wfb2.do3=1 Wfb2.do3=0 ");
    EXPECT_GE(posts[1].at - posts[0].at, 200ms);
    EXPECT_GE(posts[3].at - posts[2].at, 200ms);
}

TEST(SupervisorTurn, WritesOnlyTheNewestOfQueuedNumbers) {
    Bench bench;
    bench.submit(bench.make("fb1.dow20", 1));
    bench.submit(bench.make("fb1.dow20", 2));
    ASSERT_EQ(bench.ended.size(), 1U);
    EXPECT_EQ(bench.ended[0].result.state, State::superseded);
    EXPECT_EQ(bench.ended[0].result.reason, Reason::newer_command);
    bench.start_lane();
    bench.advance(1s);
    EXPECT_EQ(trace(bench.posts()), "Wfb1.dow20=2 ");
}

TEST(SupervisorTurn, LeavesALostWriteToTheNewerCommand) {
    Bench bench;
    bench.answer = [&](const Exchange& exchange) {
        const bool first = exchange.post && exchange.raw == 1;
        return first ? Answer{Outcome::lost, false, true} : Answer{};
    };
    bench.start_lane();
    bench.submit(bench.make("fb1.dow20", 1));
    bench.advance(100ms);
    bench.submit(bench.make("fb1.dow20", 2));
    bench.advance(3s);
    EXPECT_EQ(trace(bench.posts()), "Wfb1.dow20=1 Wfb1.dow20=2 ");
    ASSERT_EQ(bench.ended.size(), 2U);
    EXPECT_EQ(bench.ended[0].result.state, State::unknown);
    EXPECT_EQ(bench.ended[0].result.reason, Reason::newer_command);
    EXPECT_EQ(bench.ended[1].result.state, State::verified);
}

// The command comes when a poll has just begun: it waits for that one request.
TEST(SupervisorTurn, ACommandWaitsForNoMoreThanTheRequestInFlight) {
    Bench bench;
    bench.poll_period = 4ms;  // a poll is always due
    bench.start_lane();
    for (int i = 0; i < 50; ++i) {
        bench.advance(std::chrono::milliseconds(37 + i % 5));
        const Clock::time_point at = bench.time.now();
        const std::size_t before = bench.posts().size();
        bench.submit(bench.make("fb2.do3", static_cast<std::uint32_t>(i % 2)));
        bench.advance(30ms);
        ASSERT_EQ(bench.posts().size(), before + 1);
        EXPECT_LE(bench.posts().back().at - at, bench.line.service);
    }
}

TEST(SupervisorTurn, AFloodOfCommandsDoesNotStarveThePolls) {
    Bench bench;
    bench.poll_period = 10ms;
    bench.start_lane();
    for (int i = 0; i < 250; ++i) {
        bench.submit(bench.make("fb2.do3", static_cast<std::uint32_t>(i % 2)));
    }
    while (bench.ended.size() < 250 && bench.posts().size() < 1000) {
        bench.advance(10ms);
    }
    const std::vector<Exchange> polls = bench.polls();
    ASSERT_GE(polls.size(), 250U / (Turns::kInARow + 2));
    for (std::size_t i = 1; i < polls.size(); ++i) {
        // Four commands of two exchanges each, the poll itself, and one more already under way.
        EXPECT_LE(polls[i].at - polls[i - 1].at,
                  bench.poll_period + bench.line.service * (2 * Turns::kInARow + 3));
    }
}

TEST(SupervisorTurn, PollsGoOnWhileACommandWaits) {
    Bench bench;
    bench.poll_period = 10ms;
    bench.answer = [](const Exchange&) { return Answer{Outcome::ok, false, false}; };
    bench.start_lane();
    bench.submit(bench.make());  // read back for 500 ms
    bench.submit(bench.make("fb2.do4"));
    bench.advance(450ms);
    EXPECT_GT(bench.polls().size(), 20U);
    EXPECT_EQ(bench.posts().size(), 1U) << "no other command meanwhile";
    bench.advance(1s);
    EXPECT_EQ(bench.posts().size(), 2U);
}

TEST(SupervisorTurn, AReleaseGoesBeforeQueuedCommandsAndDuringAWait) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.pulse(50ms));
    bench.advance(20ms);
    bench.answer = [](const Exchange& exchange) {
        return Answer{Outcome::ok, exchange.address == test::address("fb2.do3"), false};
    };
    bench.submit(bench.make("fb2.do4"));  // its read-back differs: waits 20 ms again and again
    bench.submit(bench.make("fb2.do5"));
    bench.advance(100ms);
    ASSERT_EQ(bench.posts().size(), 3U);
    const Exchange release = bench.posts()[2];
    EXPECT_EQ(trace({release}), "Wfb2.do3=0 ");
    EXPECT_LE(release.at - bench.posts()[0].at, 50ms + 3 * bench.line.service);
    ASSERT_EQ(bench.ended.size(), 1U);
    EXPECT_EQ(bench.ended[0].result.state, State::verified);
    bench.advance(2s);
}

TEST(SupervisorTurn, LooksAgainAtWhatWaitsWhenTheConfigurationHasChanged) {
    Bench bench;
    for (const char* where : {"fb2.do3", "fb2.do4", "fb2.do5"}) {
        bench.submit(bench.make(where));
    }
    const auto refusal = [](const Command& command) -> std::optional<Reason> {
        const std::string where = to_string(command.address);
        return where == "fb2.do3"   ? std::optional(Reason::read_only)
               : where == "fb2.do5" ? std::optional(Reason::disabled)
                                    : std::nullopt;
    };
    bench.supervisor->revise(refusal, bench.time.now());
    ASSERT_EQ(bench.ended.size(), 2U);
    EXPECT_EQ(bench.ended[0].id, "id-1");
    EXPECT_EQ(bench.ended[0].result.state, State::rejected);
    EXPECT_EQ(bench.ended[0].result.reason, Reason::read_only);
    EXPECT_EQ(bench.ended[1].id, "id-3");
    EXPECT_EQ(bench.ended[1].result.reason, Reason::disabled);
    bench.start_lane();
    bench.advance(100ms);
    ASSERT_EQ(bench.ended.size(), 3U);
    EXPECT_EQ(bench.ended[2].result.state, State::verified);
    EXPECT_EQ(trace(bench.posts()), "Wfb2.do4=1 ");
}

TEST(SupervisorTurn, SendsNothingAfterAConnectThatTookTooLong) {
    Bench bench;
    bench.line.up = false;
    bench.line.service = 100ms;
    bench.line.connect_time = 100ms;
    bench.start_lane();
    Command command = bench.make();
    command.deadline = bench.time.now() + 100ms;
    bench.submit(command);
    bench.advance(1s);
    EXPECT_EQ(bench.line.connects.size(), 1U);
    EXPECT_TRUE(bench.exchanges().empty());
    EXPECT_EQ(bench.only().state, State::expired);
    EXPECT_EQ(bench.only().attempts, 0U);
}

TEST(SupervisorTurn, TimeEndsACommandThatNobodyDrives) {
    Bench bench;
    bench.answer = [](const Exchange& exchange) {
        return Answer{exchange.post ? Outcome::server_error : Outcome::ok, false, false};
    };
    bench.start_lane();
    bench.submit(bench.make());
    bench.advance(50ms);  // it waits for its second attempt
    bench.stop_lane();
    ASSERT_TRUE(bench.ended.empty());
    EXPECT_EQ(bench.supervisor->next_expiry(), bench.time.now() + 2950ms);
    bench.advance(2950ms);
    bench.supervisor->expire(bench.time.now());
    EXPECT_EQ(bench.only().state, State::failed);
    EXPECT_EQ(bench.posts().size(), 1U);
    EXPECT_EQ(bench.supervisor->next_wake(), Clock::time_point::max());
    EXPECT_EQ(bench.supervisor->next_expiry(), Clock::time_point::max());
}

TEST(SupervisorTurn, WantsATurnWhenThereIsSomethingToDo) {
    Bench bench;
    EXPECT_FALSE(bench.supervisor->wants_turn(bench.time.now()));
    EXPECT_EQ(bench.supervisor->next_wake(), Clock::time_point::max());
    bench.submit(bench.pulse());
    EXPECT_TRUE(bench.supervisor->wants_turn(bench.time.now()));
    EXPECT_LE(bench.supervisor->next_wake(), bench.time.now());
    bench.start_lane();
    bench.advance(30ms);
    EXPECT_FALSE(bench.supervisor->wants_turn(bench.time.now()));
    EXPECT_GT(bench.supervisor->next_wake(), bench.time.now() + 150ms);
    EXPECT_TRUE(bench.supervisor->wants_turn(bench.supervisor->next_wake()));
}

}  // namespace
}  // namespace hi6gw::command
