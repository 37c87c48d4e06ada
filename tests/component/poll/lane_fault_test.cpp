// Answers that are errors, and what becomes of the values.

#include "lane_bench.h"

namespace hi6gw::poll {
namespace {

using hi6::Outcome;
using Fault = FakeController::Fault;
using Request = FakeController::Request;

const hi6::Area kFar{hi6::Scope::fb, 1, hi6::Relay::do_};

// Two areas, so two requests a sweep.
std::vector<config::Signal> two_areas() {
    return {make_signal("fb0.dob3"), make_signal("fb0.dow4"), make_signal("fb1.dob3")};
}

void fill_both(FakeController& controller) {
    for (std::uint32_t i = 0; i < 120; ++i) {
        controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + 11)});
        controller.put(kFar, i, {static_cast<std::uint8_t>(i * 41 + 3)});
    }
}

class LaneFault : public testing::Test {
  protected:
    void come_online(config::BlockMode mode = config::BlockMode::automatic) {
        auto config = make_controller(two_areas());
        config.block_read = mode;
        bench = std::make_unique<LaneBench>(std::move(config));
        fill_both(bench->controller);
        bench->check_truth = true;
        bench->run();
        bench->advance(1s);
        ASSERT_EQ(bench->state(), "online");
        bench->take_messages();
        bench->take_statuses();
        bench->controller.requests.clear();
    }
    void answer(std::string start, Outcome outcome) {
        bench->controller.fault = [start = std::move(start), outcome](const Request& request) {
            return request.is(start) ? std::optional(Fault{outcome}) : std::nullopt;
        };
    }
    std::unique_ptr<LaneBench> bench;
};

TEST_F(LaneFault, ServerErrorsBackOffAndLeaveTheValuesBadWhenTheyAreOld) {
    come_online();
    const Steady::time_point began = bench->time.now();
    answer("", Outcome::server_error);
    bench->advance(60s);
    EXPECT_EQ(bench->state(), "degraded");
    EXPECT_NE(bench->last_status.reason.find("server_error"), std::string::npos);
    EXPECT_EQ(bench->take_statuses().size(), 1U);
    const auto messages = bench->take_messages();
    ASSERT_EQ(messages.size(), 3U);
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 12);
        EXPECT_LE(message.at - began, 2s + bench->controller.service);
    }
    EXPECT_LE(bench->controller.count("block"), 30U) << "backed off";
    EXPECT_EQ(bench->controller.connects.size(), 1U) << "the connection is sound";
    bench->controller.fault = nullptr;
    bench->advance(13s);
    EXPECT_EQ(bench->state(), "online");
    EXPECT_EQ(bench->take_messages().size(), 3U);
}

TEST_F(LaneFault, AShortBurstOfServerErrorsChangesNoQuality) {
    come_online();
    answer("", Outcome::server_error);
    bench->advance(300ms);
    bench->controller.fault = nullptr;
    bench->advance(10s);
    EXPECT_TRUE(bench->take_messages().empty());
    EXPECT_EQ(bench->state(), "online");
}

TEST_F(LaneFault, OneFailingRequestDoesNotKeepTheOthersFromBeingRead) {
    come_online();
    answer("block fb0", Outcome::server_error);  // the first of each sweep
    bench->advance(10s);
    bench->controller.put(kFar, 3, {42});
    bench->advance(200ms);
    EXPECT_EQ(bench->last("fb1.dob3").value, "42");
    EXPECT_EQ(bench->last("fb1.dob3").quality, 192);
    EXPECT_EQ(bench->last("fb0.dob3").quality, 12);
    EXPECT_EQ(bench->state(), "degraded");
    EXPECT_EQ(bench->take_statuses().size(), 1U) << "said once, not with every sweep";
    EXPECT_LE(bench->controller.count("block fb0"), 10U) << "backed off";
    EXPECT_GE(bench->controller.count("block fb1"), 95U) << "unaffected";
    bench->controller.fault = nullptr;
    bench->advance(13s);
    EXPECT_EQ(bench->state(), "online");
    EXPECT_EQ(bench->last("fb0.dob3").quality, 192);
}

TEST_F(LaneFault, AFailedSlowSignalIsNotLeftUntilItsNextPeriod) {
    bench = std::make_unique<LaneBench>(
        make_controller({make_signal("fb0.dob3", 3600000ms), make_signal("fb1.dob3")}));
    fill_both(bench->controller);
    answer("block fb0.do 3", Outcome::server_error);
    bench->controller.fault = [n = 0](const Request& request) mutable {
        // The proof has been had by then: the first read of the sweep fails.
        return request.is("block fb0") && ++n > 6 && n < 9
                   ? std::optional(Fault{Outcome::server_error})
                   : std::nullopt;
    };
    bench->run();
    bench->advance(1min);
    EXPECT_EQ(bench->last("fb0.dob3").quality, 192);
    EXPECT_EQ(bench->state(), "online");
}

TEST_F(LaneFault, NoAccessIsDegradedAndRetriedSlowly) {
    come_online();
    answer("", Outcome::unauthorised);
    bench->advance(60s);
    EXPECT_EQ(bench->state(), "degraded");
    EXPECT_NE(bench->last_status.reason.find("unauthorised"), std::string::npos);
    EXPECT_EQ(bench->take_statuses().size(), 1U);
    EXPECT_EQ(bench->take_messages().size(), 3U) << "once";
    EXPECT_LE(bench->controller.requests.size(), 15U);
    bench->controller.fault = nullptr;
    bench->advance(11s);
    EXPECT_EQ(bench->state(), "online");
    EXPECT_EQ(bench->last("fb1.dob3").quality, 192);
}

TEST_F(LaneFault, GarbageIsBadDataForItsSignalsOnly) {
    come_online();
    answer("block fb0", Outcome::bad_data);
    bench->advance(10s);
    const auto messages = bench->take_messages();
    EXPECT_EQ(messages.size(), 2U);
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 12);
        EXPECT_TRUE(message.signal.starts_with("fb0"));
        EXPECT_NE(message.value, "null") << "the last good value is kept";
    }
    EXPECT_EQ(bench->controller.connects.size(), 1U);
    bench->controller.fault = nullptr;
    bench->advance(200ms);
    EXPECT_EQ(bench->take_messages().size(), 2U);
    EXPECT_EQ(bench->last("fb0.dow4").quality, 192);
}

TEST_F(LaneFault, WordsMissingFromAnAnswerAreBadDataAndNothingIsShifted) {
    come_online();
    bench->controller.fault = [](const Request& request) {
        return request.is("block fb0") ? std::optional(Fault{Outcome::ok, true, false, 1})
                                       : std::nullopt;
    };
    bench->controller.put(kOut, 3, {77});
    bench->advance(1s);
    EXPECT_EQ(bench->last("fb0.dob3").value, "77");
    EXPECT_EQ(bench->last("fb0.dob3").quality, 192);
    EXPECT_EQ(bench->last("fb0.dow4").quality, 12);
    EXPECT_EQ(bench->take_messages().size(), 2U);
}

TEST_F(LaneFault, ARefusedSignalIsSaidOnceAndAskedForEachMinute) {
    come_online(config::BlockMode::off);
    answer("single fb0.dow4", Outcome::refused);
    bench->advance(10min);
    const auto messages = bench->take_messages();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].signal, "fb0.dow4");
    EXPECT_EQ(messages[0].quality, 4);
    EXPECT_GE(bench->controller.count("single fb0.dow4"), 9U);
    EXPECT_LE(bench->controller.count("single fb0.dow4"), 11U);
    EXPECT_GE(bench->controller.count("single fb0.dob3"), 5990U) << "the others are unaffected";
    EXPECT_EQ(bench->state(), "online");
    bench->controller.fault = nullptr;
    bench->advance(61s);
    EXPECT_EQ(bench->last("fb0.dow4").quality, 192);
}

TEST_F(LaneFault, OneRefusedBlockIsReadSinglyAndAskedForEachMinute) {
    come_online();
    answer("block fb1", Outcome::refused);
    bench->advance(10min);
    EXPECT_EQ(bench->state(), "degraded");
    EXPECT_NE(bench->last_status.reason.find("fb1.do"), std::string::npos);
    EXPECT_EQ(bench->take_statuses().size(), 1U) << "said once, not with every try";
    EXPECT_TRUE(bench->take_messages().empty()) << "no value suffers";
    EXPECT_GE(bench->controller.count("block fb1"), 9U);
    EXPECT_LE(bench->controller.count("block fb1"), 12U);
    bench->controller.put(kFar, 3, {5});
    bench->advance(200ms);
    EXPECT_EQ(bench->last("fb1.dob3").value, "5");
    bench->controller.fault = nullptr;
    bench->advance(61s);
    EXPECT_EQ(bench->state(), "online");
    EXPECT_EQ(bench->last("fb1.dob3").quality, 192);
}

TEST_F(LaneFault, NoBlockReadAtAllMeansSingleReads) {
    bench = std::make_unique<LaneBench>(make_controller(two_areas()));
    fill_both(bench->controller);
    bench->check_truth = true;
    answer("block", Outcome::refused);
    bench->run();
    bench->advance(1s);
    EXPECT_EQ(bench->state(), "degraded");
    EXPECT_EQ(bench->last_status.read_mode, "single");
    for (const char* name : {"fb0.dob3", "fb0.dow4", "fb1.dob3"}) {
        EXPECT_EQ(bench->last(name).quality, 192) << name;
    }
    const std::size_t blocks = bench->controller.count("block");
    bench->advance(10s);
    EXPECT_EQ(bench->controller.count("block"), blocks) << "not asked again on this connection";
    bench->controller.fault = nullptr;
    bench->controller.up = false;
    bench->advance(3s);
    EXPECT_EQ(bench->state(), "online") << "asked again on the next one";
    EXPECT_EQ(bench->last_status.read_mode, "block");
}

TEST_F(LaneFault, WhatNoApiReadsIsRefused) {
    bench =
        std::make_unique<LaneBench>(make_controller({make_signal("mb7"), make_signal("fb0.dob3")}));
    fill_both(bench->controller);
    answer("block", Outcome::refused);
    bench->run();
    bench->advance(1s);
    EXPECT_EQ(bench->last("mb7").quality, 4);
    EXPECT_EQ(bench->last("fb0.dob3").quality, 192);
}

TEST_F(LaneFault, NothingReadableIsNotTheSameAsNobodyThere) {
    bench = std::make_unique<LaneBench>(make_controller({make_signal("mb7")}));
    answer("block", Outcome::refused);
    bench->run();
    bench->advance(1min);
    EXPECT_EQ(bench->last("mb7").quality, 4);
    EXPECT_EQ(bench->state(), "degraded");
}

TEST_F(LaneFault, AControllerThatClosesNowAndThenDoesNotFlickerBetweenTwoStates) {
    bench = std::make_unique<LaneBench>(make_controller({make_signal("fb0.dob3")}));
    fill_both(bench->controller);
    bench->controller.closes_after_each = true;
    bench->run();
    bench->advance(20s);
    EXPECT_EQ(bench->state(), "degraded");
    bench->take_statuses();
    for (int second = 0; second < 20; ++second) {
        bench->controller.closes_after_each = second % 2 == 0;
        bench->advance(1500ms);
        EXPECT_NE(bench->last_status.reason.find("keepalive_refused"), std::string::npos) << second;
    }
    bench->controller.closes_after_each = false;
    bench->advance(30s);
    EXPECT_EQ(bench->last_status.reason.find("keepalive_refused"), std::string::npos);
}

TEST_F(LaneFault, AControllerThatClosesAfterEachAnswerIsAskedOnceASecond) {
    bench = std::make_unique<LaneBench>(make_controller({make_signal("fb0.dob3")}));
    fill_both(bench->controller);
    bench->check_truth = true;
    bench->controller.closes_after_each = true;
    bench->run();
    bench->advance(60s);
    EXPECT_EQ(bench->state(), "degraded");
    EXPECT_NE(bench->last_status.reason.find("keepalive_refused"), std::string::npos);
    EXPECT_GE(bench->shortest_connect_gap(), 1s);
    EXPECT_GE(bench->controller.connects.size(), 50U);
    EXPECT_EQ(bench->last("fb0.dob3").quality, 192);
    bench->take_messages();
    bench->controller.put(kOut, 3, {9});
    bench->advance(10s);
    EXPECT_EQ(bench->last("fb0.dob3").value, "9");
    bench->advance(60s);
    const auto messages = bench->take_messages();
    EXPECT_EQ(messages.size(), 1U) << "no flapping";
    EXPECT_NE(bench->last_status.reason, "");
    bench->take_statuses();
    bench->controller.closes_after_each = false;
    bench->advance(20s);
    EXPECT_EQ(bench->state(), "online") << bench->last_status.reason;
}

}  // namespace
}  // namespace hi6gw::poll
