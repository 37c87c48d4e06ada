// Commands among the polls of a lane: who goes first, and what becomes of the connection.

#include "lane_bench.h"
#include "unit/command/make.h"

namespace hi6gw::poll {
namespace {

using command::Reason;
using command::State;
using support::FakeController;

config::Signal writable(const std::string& address, std::chrono::milliseconds poll = 100ms) {
    config::Signal signal = make_signal(address, poll);
    auto options = std::make_shared<domain::SignalOptions>(*signal.options);
    options->writable = true;
    signal.options = std::move(options);
    return signal;
}

hi6::Area test_m() {
    return command::test::address("m100").area;
}

// Requests that commands made without one of the polls' own between them.
std::size_t longest_run_of_commands(const FakeController& controller) {
    std::size_t in_a_row = 0;
    std::size_t longest = 0;
    for (const auto& request : controller.requests) {
        // A read-back is the single read of the bit; polls read its byte.
        const bool own = request.post || request.is("single fb0.do0");
        in_a_row = own ? in_a_row + 1 : 0;
        longest = std::max(longest, in_a_row);
    }
    return longest;
}

class LaneCommand : public testing::Test {
  protected:
    explicit LaneCommand(std::chrono::milliseconds poll = 100ms) {
        std::vector<config::Signal> signals{writable("fb0.do0", poll), writable("fb0.do1", poll),
                                            writable("fb0.dow4", poll)};
        for (int i = 0; i < 10; ++i) {
            signals.push_back(make_signal("fb0.dow" + std::to_string(10 + 2 * i), poll));
        }
        config::Controller config = make_controller(std::move(signals));
        config.block_read = config::BlockMode::off;  // so that a sweep is many requests
        config.max_load = 1.0;
        bench = std::make_unique<LaneBench>(std::move(config));
        bench->run();
        bench->advance(1s);
        EXPECT_EQ(bench->state(), "online");
        quiet();
        bench->controller.requests.clear();  // none is under way
        bench->take_messages();
    }
    // To the pause between two sweeps.
    void quiet() {
        std::size_t before = 0;
        do {
            before = bench->controller.requests.size();
            bench->advance(10ms);
        } while (bench->controller.requests.size() != before);
    }
    [[nodiscard]] const command::CommandResult& result(std::size_t n = 0) const {
        return bench->results.at(n).result;
    }
    [[nodiscard]] std::size_t index_of(std::string_view start) const {
        const auto& requests = bench->controller.requests;
        const auto found = std::find_if(requests.begin(), requests.end(),
                                        [&](const auto& one) { return one.is(start); });
        return static_cast<std::size_t>(found - requests.begin());
    }

    std::unique_ptr<LaneBench> bench;
};

TEST_F(LaneCommand, WaitsForTheRequestInFlightAlone) {
    while (bench->controller.requests.size() < 3) {
        bench->advance(1ms);  // into the middle of a sweep
    }
    const auto submitted = bench->time.now();
    bench->command("a", "fb0.do0", 1);
    bench->advance(50ms);
    ASSERT_EQ(bench->results.size(), 1U);
    EXPECT_EQ(result().state, State::verified);
    const auto write = bench->controller.some("write");
    ASSERT_EQ(write.size(), 1U);
    EXPECT_LE(write[0].at - submitted, bench->controller.service);
    EXPECT_TRUE(bench->controller.requests.at(index_of("write") + 1).is("single fb0.do0"));
}

TEST_F(LaneCommand, GoesAtOnceWhenNothingIsDue) {
    quiet();
    const auto submitted = bench->time.now();
    const std::size_t before = bench->controller.requests.size();
    bench->command("a", "fb0.do0", 1);
    bench->advance(8ms);
    ASSERT_GT(bench->controller.requests.size(), before);
    EXPECT_EQ(bench->controller.some("write").at(0).at, submitted);
    EXPECT_EQ(bench->results.size(), 1U);
}

TEST_F(LaneCommand, AFloodDoesNotStarvePolling) {
    for (int i = 0; i < 100; ++i) {
        bench->command("n" + std::to_string(i), "fb0.do0", static_cast<std::uint32_t>(i % 2));
    }
    bench->advance(2s);
    EXPECT_EQ(bench->results.size(), 100U);
    // The whole pause between two sweeps, a period at most, is theirs, and the turns before a poll.
    EXPECT_LE(longest_run_of_commands(bench->controller), 100 / 4 + 2 * command::Turns::kInARow);
    for (const Message& message : bench->messages) {
        EXPECT_EQ(message.quality, 192) << message.signal;
    }
}

// What commands cost is not charged to max_load, which would put off the polls for seconds.
TEST(LaneCommandLoad, AFloodDoesNotSlowPollingDown) {
    config::Controller config = make_controller({writable("fb0.do0", 20ms)});
    config.block_read = config::BlockMode::off;
    ASSERT_EQ(config.max_load, 0.5);
    LaneBench bench(std::move(config));
    bench.run();
    bench.advance(1s);
    bench.controller.requests.clear();
    for (int i = 0; i < 100; ++i) {
        bench.command("n" + std::to_string(i), "fb0.do0", static_cast<std::uint32_t>(i % 2));
    }
    bench.advance(2s);
    EXPECT_EQ(bench.results.size(), 100U);
    // The pause is theirs, and the turns before a poll; each is a post and its read-back.
    EXPECT_LE(longest_run_of_commands(bench.controller), 20 / 4 + 1 + 2 * command::Turns::kInARow);
}

TEST_F(LaneCommand, TheStateIsThatOfTheReadBack) {
    quiet();
    bench->command("a", "fb0.do0", 1);
    bench->advance(8ms);
    const auto messages = bench->take_messages();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].signal, "fb0.do0");
    EXPECT_EQ(messages[0].value, "1");
    // The next sweep says the same: nothing more to publish. Then the program takes it back.
    bench->advance(200ms);
    EXPECT_TRUE(bench->take_messages().empty());
    bench->controller.put(kOut, 0, {0});
    bench->advance(200ms);
    EXPECT_EQ(bench->last("fb0.do0").value, "0");
}

TEST_F(LaneCommand, TheProgramTakesItBackBeforeTheNextSweep) {
    quiet();
    bench->command("a", "fb0.do0", 1);
    bench->advance(8ms);
    EXPECT_EQ(bench->last("fb0.do0").value, "1");
    bench->controller.put(kOut, 0, {0});  // as the image has it
    bench->advance(200ms);
    EXPECT_EQ(bench->last("fb0.do0").value, "0");
}

TEST_F(LaneCommand, AfterALostAnswerItReadsFirstOnANewConnection) {
    bench->controller.fault = [](const FakeController::Request& request) {
        FakeController::Fault lost;
        lost.outcome = hi6::Outcome::lost;
        return request.post ? std::optional(lost) : std::nullopt;
    };
    bench->command("a", "fb0.do0", 1);
    bench->advance(50ms);
    bench->controller.fault = nullptr;
    bench->advance(2s);
    ASSERT_EQ(bench->results.size(), 1U);
    EXPECT_EQ(result().state, State::verified);
    EXPECT_EQ(result().attempts, 1U) << "it had been applied";
    EXPECT_EQ(bench->controller.connects.size(), 2U);
    EXPECT_GE(bench->controller.count("get"), 1U) << "the lane asks who is there";
    EXPECT_EQ(bench->state(), "online");
    EXPECT_GE(bench->shortest_connect_gap(), 1s);
}

TEST_F(LaneCommand, WhatWaitsIsRejectedWhenTheControllerGoesOffline) {
    bench->controller.connect_mode = FakeController::Connect::refuse;
    bench->controller.up = false;
    bench->advance(20ms);
    bench->command("a", "fb0.do0", 1, 5s);
    bench->command("b", "fb0.do1", 1, 5s);
    bench->advance(10s);
    EXPECT_EQ(bench->state(), "offline");
    ASSERT_EQ(bench->results.size(), 2U);
    for (const Result& each : bench->results) {
        EXPECT_TRUE(each.result.reason == Reason::controller_offline ||
                    each.result.reason == Reason::not_sent ||
                    each.result.reason == Reason::deadline)
            << to_string(each.result.reason);
    }
    EXPECT_EQ(bench->controller.count("write"), 0U);
}

TEST_F(LaneCommand, EndsAtItsDeadlineWithoutAConnection) {
    bench->controller.connect_mode = FakeController::Connect::hang;
    bench->controller.up = false;
    bench->advance(20ms);
    const auto submitted = bench->time.now();
    bench->command("a", "fb0.do0", 1, 500ms);
    bench->advance(900ms);
    ASSERT_EQ(bench->results.size(), 1U);
    EXPECT_LE(bench->results[0].at - submitted, 500ms + 1ms);
    EXPECT_EQ(bench->controller.count("write"), 0U);
}

TEST_F(LaneCommand, ShutdownEndsEverything) {
    bench->command("a", "fb0.do0", 1);
    bench->command("b", "fb0.do1", 1);
    bench->wire->commands().shutdown(bench->time.now());
    bench->stop();
    bench->wire->commands().cut_off(bench->time.now());
    ASSERT_EQ(bench->results.size(), 2U);
    EXPECT_EQ(result(0).state, State::aborted);
    EXPECT_EQ(bench->controller.count("write"), 0U);
}

class SlowLaneCommand : public LaneCommand {
  protected:
    SlowLaneCommand() : LaneCommand(60s) {}
};

TEST_F(SlowLaneCommand, WakesALaneThatSleeps) {
    bench->command("a", "fb0.dow4", 1234);
    bench->advance(8ms);
    ASSERT_EQ(bench->results.size(), 1U);
    EXPECT_EQ(result().state, State::verified);
    EXPECT_EQ(bench->last("fb0.dow4").value, "1234");
}

TEST(LaneCommandBlocks, RelaysAreReadBackByTheBlockRead) {
    LaneBench bench(make_controller({writable("mw5"), writable("m100")}));
    bench.run();
    bench.advance(1s);
    ASSERT_EQ(bench.state(), "online") << bench.last_status.reason;
    bench.command("a", "m100", 1);
    bench.advance(100ms);
    ASSERT_EQ(bench.results.size(), 1U);
    EXPECT_EQ(bench.results[0].result.state, State::verified)
        << to_string(bench.results[0].result.reason);
    EXPECT_EQ(bench.last("m100").value, "1");
}

// What a command reads back by block is part of it: it is no poll, and waits for none.
TEST(LaneCommandBlocks, AFloodToRelaysDoesNotStarvePolling) {
    LaneBench bench(make_controller({writable("m100"), make_signal("fb0.dow4")}));
    bench.run();
    bench.advance(1s);
    ASSERT_EQ(bench.state(), "online") << bench.last_status.reason;
    bench.controller.requests.clear();
    bench.take_messages();
    for (int i = 0; i < 200; ++i) {
        bench.command("n" + std::to_string(i), "m100", static_cast<std::uint32_t>(i % 2));
    }
    bench.advance(2900ms);
    EXPECT_EQ(bench.results.size(), 200U);
    std::size_t posts = 0;
    std::size_t most = 0;
    for (const auto& request : bench.controller.requests) {
        posts = request.is("block fb0.do") ? 0 : posts + (request.post ? 1 : 0);
        most = std::max(most, posts);
    }
    // The pause between two sweeps is theirs, and the turns before each of two polls.
    EXPECT_LE(most, 100 / (2 * 4) + 2 * command::Turns::kInARow + 1);
    for (const Message& message : bench.messages) {
        EXPECT_EQ(message.quality, 192) << message.signal;
    }
}

// Only the block read covers it, and the polls' gate is shut by then.
TEST(LaneCommandBlocks, APulsedRelayIsReleasedAtTheEnd) {
    for (int tenths = 0; tenths < 40; ++tenths) {
        LaneBench bench(make_controller({writable("m100"), make_signal("fb0.dow4")}));
        bench.run();
        bench.advance(1s);
        ASSERT_EQ(bench.state(), "online") << bench.last_status.reason;
        bench.command("a", "m100", 1, 3s, 100ms);
        bench.advance(tenths * 5ms);  // before, at and after its release
        EXPECT_TRUE(bench.shut_down()) << tenths;
        EXPECT_TRUE(bench.pulses.open.empty()) << tenths;
        EXPECT_EQ(bench.results.size(), 1U) << tenths;
        EXPECT_EQ(bench.controller.memory(test_m()).at(12) & 16, 0) << tenths;
    }
}

// Also one that an earlier run left, whose release begins with a read.
TEST(LaneCommandBlocks, ALateReleaseOfARelayEndsWithTheGateway) {
    LaneBench bench(make_controller({writable("m100")}));
    bench.run();
    bench.advance(1s);
    bench.controller.put(test_m(), 12, {16});
    bench.pulses.open.push_back(command::OpenPulse{7, "r1", command::test::address("m100"), 0});
    bench.wire->commands().recover(bench.pulses.open.front(), true, bench.time.now() + 10s);
    EXPECT_TRUE(bench.shut_down());
    EXPECT_TRUE(bench.pulses.open.empty());
    EXPECT_EQ(bench.controller.memory(test_m()).at(12), 0);
}

// It takes part in what it reloads as any other: ends as if nothing had happened.
TEST(LaneCommandBlocks, ARelaysCommandOutlivesAReload) {
    for (int ms = 0; ms < 16; ++ms) {
        LaneBench bench(make_controller({writable("m100"), make_signal("fb0.dow4")}));
        bench.run();
        bench.advance(1050ms);
        bench.command("a", "m100", 1);
        bench.advance(ms * 1ms);
        bench.replace(make_controller({writable("m100")}));
        bench.advance(500ms);
        ASSERT_EQ(bench.results.size(), 1U) << ms;
        EXPECT_EQ(bench.results[0].result.state, State::verified)
            << ms << ": " << to_string(bench.results[0].result.reason);
        EXPECT_EQ(bench.controller.count("write"), 1U) << ms;
    }
}

TEST(LaneCommandBlocks, APulsedRelayThatCannotBeReadIsReleasedAllTheSame) {
    config::Controller config = make_controller({writable("m100"), make_signal("fb0.dow4")});
    config.block_read = config::BlockMode::off;
    LaneBench bench(std::move(config));
    bench.run();
    bench.advance(1s);
    bench.command("a", "m100", 1, 3s, 200ms);
    bench.advance(100ms);
    EXPECT_EQ(bench.controller.memory(test_m()).at(12) & 16, 16);
    bench.advance(2s);
    EXPECT_EQ(bench.controller.memory(test_m()).at(12) & 16, 0);
    EXPECT_EQ(bench.controller.count("write"), 2U);
    EXPECT_TRUE(bench.pulses.open.empty());
}

TEST(LaneCommandBlocks, ARelayThatABlockMayReadDifferentlyIsNotVerified) {
    LaneBench bench(make_controller({writable("m100"), writable("fb0.dow4")}));
    bench.controller.start = FakeController::Start::bit;
    bench.check_truth = true;
    bench.run();
    bench.advance(1s);
    bench.command("a", "m100", 1);
    bench.advance(5s);
    ASSERT_EQ(bench.results.size(), 1U);
    EXPECT_NE(bench.results[0].result.state, State::mismatch);
    bench.command("b", "fb0.dow4", 77);
    bench.advance(1s);
    ASSERT_EQ(bench.results.size(), 2U);
    EXPECT_EQ(bench.results[1].result.state, State::verified);
    EXPECT_EQ(bench.last("fb0.dow4").value, "77");
}

}  // namespace
}  // namespace hi6gw::poll
