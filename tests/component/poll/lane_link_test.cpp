// Connections: lost, refused, slow, and what the subscribers see of it.

#include "lane_bench.h"

namespace hi6gw::poll {
namespace {

std::vector<config::Signal> usual() {
    return {make_signal("fb0.do0"), make_signal("fb0.dob3"), make_signal("fb0.dow4"),
            make_signal("fb0.dow11")};
}

class LaneLink : public testing::Test {
  protected:
    LaneLink() {
        fill(bench.controller);
        bench.check_truth = true;
    }
    void come_online() {
        bench.run();
        bench.advance(1s);
        ASSERT_EQ(bench.state(), "online") << bench.last_status.reason;
        bench.take_messages();
        bench.take_statuses();
    }
    LaneBench bench{make_controller(usual())};
};

TEST_F(LaneLink, BeforeItRunsEverythingIsSaidToBeUnread) {
    const auto messages = bench.take_messages();
    ASSERT_EQ(messages.size(), 4U);
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 32);
        EXPECT_EQ(message.value, "null");
    }
    EXPECT_EQ(bench.state(), "offline");
}

TEST_F(LaneLink, ComesOnlineWithOneSnapshot) {
    bench.take_messages();
    bench.run();
    bench.advance(1s);
    EXPECT_EQ(bench.state(), "online");
    EXPECT_EQ(bench.last_status.reason, "");
    EXPECT_EQ(bench.last_status.read_mode, "block");
    const auto messages = bench.take_messages();
    EXPECT_EQ(messages.size(), 4U);
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 192);
    }
    EXPECT_EQ(bench.controller.connects.size(), 1U);
    EXPECT_EQ(bench.metric("hi6gw_controller_up"), 1.0);
}

TEST_F(LaneLink, ReadsAllSignalsOfAnAreaWithOneRequestAPeriod) {
    come_online();
    const std::size_t before = bench.controller.requests.size();
    bench.advance(10s);
    EXPECT_EQ(bench.controller.requests.size() - before, 100U);
    EXPECT_TRUE(bench.take_messages().empty()) << "nothing changed, nothing said";
    EXPECT_EQ(bench.metric("hi6gw_poll_overruns_total"), 0.0);
}

TEST_F(LaneLink, AChangeIsPublishedWithTheSweepThatReadIt) {
    come_online();
    bench.controller.put(kOut, 3, {1});
    bench.advance(110ms);
    const auto messages = bench.take_messages();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].signal, "fb0.dob3");
    EXPECT_EQ(messages[0].value, "1");
}

TEST_F(LaneLink, RefusedConnectsMakeItOfflineOnceAndAreSpacedOut) {
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.take_messages();
    bench.take_statuses();
    bench.run();
    bench.advance(10min);
    const auto messages = bench.take_messages();
    EXPECT_EQ(messages.size(), 4U) << "all signals, once";
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 24);
    }
    const auto statuses = bench.take_statuses();
    ASSERT_EQ(statuses.size(), 1U);
    EXPECT_EQ(statuses[0].state, "offline");
    EXPECT_EQ(statuses[0].reason, "connect: Connection refused");
    const auto& connects = bench.controller.connects;
    EXPECT_GE(bench.shortest_connect_gap(), 1s);
    for (std::size_t i = 6; i < connects.size(); ++i) {
        EXPECT_GE(connects[i] - connects[i - 1], 8s) << "backed off";
        EXPECT_LE(connects[i] - connects[i - 1], 12s) << "to 10 s and its jitter";
    }
    EXPECT_GE(connects.size(), 50U) << "and it goes on trying";
}

TEST_F(LaneLink, RecoversFromAnOutageWithASnapshot) {
    come_online();
    bench.controller.up = false;
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.advance(60s);
    EXPECT_EQ(bench.state(), "offline");
    auto messages = bench.take_messages();
    EXPECT_EQ(messages.size(), 4U);
    EXPECT_EQ(bench.metric("hi6gw_controller_up"), 0.0);
    bench.controller.put(kOut, 3, {99});
    bench.controller.connect_mode = FakeController::Connect::accept;
    bench.advance(15s);
    EXPECT_EQ(bench.state(), "online");
    messages = bench.take_messages();
    EXPECT_EQ(messages.size(), 4U);
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 192);
    }
    EXPECT_EQ(bench.last("fb0.dob3").value, "99");
    EXPECT_GE(bench.shortest_connect_gap(), 1s);
}

TEST_F(LaneLink, AnOutageIsSeenWithinTwoSecondsHoweverItShows) {
    using Connect = FakeController::Connect;
    struct Row {
        const char* name;
        Connect connect;
        bool hang;
    };
    for (const Row& row : {Row{"refused", Connect::refuse, false}, Row{"hang", Connect::hang, true},
                           Row{"connects but does not answer", Connect::accept, true}}) {
        LaneBench one(make_controller(usual()));
        fill(one.controller);
        one.run();
        one.advance(1s);
        ASSERT_EQ(one.state(), "online");
        one.take_messages();
        one.take_statuses();
        const Steady::time_point began = one.time.now();
        one.controller.connect_mode = row.connect;
        if (row.hang) {
            one.controller.fault = [](const auto&) {
                return FakeController::Fault{hi6::Outcome::ok, true, true};
            };
        } else {
            one.controller.up = false;
        }
        one.advance(2min);
        const auto messages = one.take_messages();
        ASSERT_EQ(messages.size(), 4U) << row.name;
        for (const Message& message : messages) {
            EXPECT_EQ(message.quality, 24) << row.name;
            EXPECT_LE(message.at - began, 2s + one.controller.service) << row.name;
        }
        const auto statuses = one.take_statuses();
        ASSERT_GE(statuses.size(), 1U) << row.name;
        EXPECT_EQ(statuses[0].state, "offline") << row.name;
        EXPECT_LE(statuses[0].at - began, 2s + 110ms) << row.name;
        EXPECT_LE(statuses.size(), 3U) << row.name;
        EXPECT_GE(one.shortest_connect_gap(), 1s) << row.name;
    }
}

// Only reads hang; who is there still answers.
TEST_F(LaneLink, AControllerThatAnswersButCannotBeReadIsOffline) {
    come_online();
    bench.controller.fault = [](const FakeController::Request& request) {
        return request.is("get")
                   ? std::nullopt
                   : std::optional(FakeController::Fault{hi6::Outcome::ok, true, true});
    };
    bench.advance(2min);
    EXPECT_EQ(bench.state(), "offline");
    const auto statuses = bench.take_statuses();
    ASSERT_GE(statuses.size(), 1U);
    EXPECT_LE(statuses.size(), 2U) << "not with every connect";
    EXPECT_EQ(bench.take_messages().size(), 4U);
    bench.controller.fault = nullptr;
    bench.advance(15s);
    EXPECT_EQ(bench.state(), "online");
}

TEST_F(LaneLink, ALostConnectionRepairedInTimeIsNobodysBusiness) {
    come_online();
    for (int i = 0; i < 20; ++i) {
        bench.controller.up = false;
        bench.advance(3s);
    }
    EXPECT_TRUE(bench.take_messages().empty());
    EXPECT_TRUE(bench.take_statuses().empty());
    EXPECT_EQ(bench.controller.connects.size(), 21U);
    EXPECT_GE(bench.shortest_connect_gap(), 1s);
}

// A controller that ends idle connections after five seconds, polled more slowly than that.
TEST_F(LaneLink, AnIdleConnectionThatThePeerEndedIsNobodysBusiness) {
    LaneBench slow(make_controller({make_signal("fb0.dob3", 6000ms)}));
    fill(slow.controller);
    slow.run();
    slow.advance(7s);
    ASSERT_EQ(slow.state(), "online");
    slow.take_messages();
    slow.take_statuses();
    for (int i = 0; i < 10; ++i) {
        slow.controller.up = false;
        slow.advance(6s);
    }
    EXPECT_TRUE(slow.take_messages().empty());
    EXPECT_TRUE(slow.take_statuses().empty());
}

TEST_F(LaneLink, AnIdleControllerIsAskedWhetherItLives) {
    LaneBench slow(make_controller({make_signal("fb0.dob3", 3600000ms)}));
    fill(slow.controller);
    slow.run();
    slow.advance(10min);
    EXPECT_EQ(slow.state(), "online");
    EXPECT_GE(slow.controller.count("get"), 55U);
    EXPECT_LE(slow.controller.count("get"), 62U);
    slow.controller.connect_mode = FakeController::Connect::hang;
    slow.controller.fault = [](const auto&) {
        return FakeController::Fault{hi6::Outcome::ok, true, true};
    };
    const Steady::time_point began = slow.time.now();
    slow.advance(30s);
    EXPECT_EQ(slow.state(), "offline");
    EXPECT_LE(slow.last_status.at - began, 13s);
    EXPECT_EQ(slow.last("fb0.dob3").quality, 24);
}

TEST_F(LaneLink, MaxLoadStretchesThePeriodAndCountsTheTicks) {
    come_online();
    bench.controller.service = 200ms;  // at half the load: a read each 400 ms
    const std::size_t before = bench.controller.requests.size();
    bench.advance(40s);
    const std::size_t asked = bench.controller.requests.size() - before;
    EXPECT_GE(asked, 98U);
    EXPECT_LE(asked, 102U);
    EXPECT_NEAR(bench.metric("hi6gw_poll_overruns_total"), 300.0, 10.0);
    EXPECT_EQ(bench.state(), "online");
    EXPECT_TRUE(bench.take_messages().empty()) << "slow is not gone";
}

TEST_F(LaneLink, AControllerSlowerThanItsLoadAllowsStaysGood) {
    auto config = make_controller(usual());
    config.max_load = 0.1;
    config.block_read = config::BlockMode::off;
    LaneBench slow(std::move(config));
    fill(slow.controller);
    slow.controller.service = 300ms;  // a sweep takes 1.2 s, and starts each 12 s
    slow.run();
    slow.advance(60s);
    slow.take_messages();
    slow.advance(5min);
    EXPECT_TRUE(slow.take_messages().empty());
    EXPECT_EQ(slow.state(), "online");
}

TEST_F(LaneLink, TimestampsSurviveAWallClockSetBack) {
    come_online();
    bench.time.step_wall(-1h);
    for (int i = 0; i < 10; ++i) {
        bench.controller.put(kOut, 3, {static_cast<std::uint8_t>(i)});
        bench.advance(200ms);
    }
    EXPECT_EQ(bench.take_messages().size(), 10U);  // the bench checks that none goes back
    EXPECT_EQ(bench.state(), "online");
}

TEST_F(LaneLink, PublishAllSaysEverythingAgain) {
    come_online();
    bench.lane->publish_all();
    bench.time.settle();
    EXPECT_EQ(bench.take_messages().size(), 4U);
    const auto statuses = bench.take_statuses();
    ASSERT_EQ(statuses.size(), 1U);
    EXPECT_EQ(statuses[0].state, "online");
}

TEST_F(LaneLink, FarewellLeavesNothingStandingAsGood) {
    come_online();
    bench.stop();
    bench.lane->farewell();
    bench.time.settle();
    const auto messages = bench.take_messages();
    EXPECT_EQ(messages.size(), 4U);
    for (const Message& message : messages) {
        EXPECT_EQ(message.quality, 24);
        EXPECT_NE(message.value, "null");
    }
    EXPECT_EQ(bench.state(), "offline");
    EXPECT_EQ(bench.last_status.reason, "the gateway has been stopped");
    EXPECT_FALSE(bench.controller.connected());
}

// Fault C27: the controller's place is taken by another device.
TEST(LaneStranger, IsNeitherReadNorWrittenAndSaidToBeOne) {
    config::Controller config = make_controller(usual());
    config.system_version = "V60.34-05";
    LaneBench bench(std::move(config));
    fill(bench.controller);
    bench.run();
    bench.advance(1s);
    ASSERT_EQ(bench.state(), "online");
    const std::string right = bench.controller.system_version;
    bench.controller.system_version = R"({"modules":[{"name":"com","ver":"V60.34-06"}]})";
    bench.controller.up = false;
    bench.controller.requests.clear();
    bench.take_messages();
    bench.advance(300ms);  // long before it would be offline for want of answers
    EXPECT_EQ(bench.state(), "offline");
    EXPECT_TRUE(bench.last_status.reason.starts_with("wrong_device: ")) << bench.last_status.reason;
    bench.command("a", "fb0.do0", 1);
    bench.advance(30s);
    EXPECT_EQ(bench.controller.count("get /versions/sysver"), bench.controller.requests.size())
        << "asked for nothing else, and nothing written";
    ASSERT_EQ(bench.results.size(), 1U);
    EXPECT_NE(bench.results[0].result.state, command::State::verified);
    for (const Message& message : bench.take_messages()) {
        EXPECT_EQ(message.quality, 24) << message.signal;
    }
    bench.controller.system_version = right;
    bench.advance(15s);
    EXPECT_EQ(bench.state(), "online");
}

// "The first reason stands" is for those that say nothing new.
TEST(LaneStranger, IsSaidEvenOfAControllerThatIsAwayAlready) {
    config::Controller config = make_controller(usual());
    config.system_version = "V60.34-06";
    LaneBench bench(std::move(config));
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.run();
    bench.advance(5s);
    ASSERT_EQ(bench.last_status.reason, "connect: Connection refused");
    bench.controller.connect_mode = FakeController::Connect::accept;
    bench.advance(15s);
    EXPECT_TRUE(bench.last_status.reason.starts_with("wrong_device: ")) << bench.last_status.reason;
    const std::size_t said = bench.statuses.size();
    bench.advance(10min);
    EXPECT_EQ(bench.statuses.size(), said) << "once";
}

// Wherever it is: connecting, proving, reading, waiting, backing off.
TEST(LaneCancellation, EndsBothLoopsAtAnyPoint) {
    for (int mode = 0; mode < 3; ++mode) {
        for (int tenths = 0; tenths < 400; tenths += 3) {
            LaneBench bench(make_controller(usual()));
            fill(bench.controller);
            bench.controller.connect_mode = mode == 1   ? FakeController::Connect::refuse
                                            : mode == 2 ? FakeController::Connect::hang
                                                        : FakeController::Connect::accept;
            bench.run();
            bench.advance(tenths * 1ms + (mode > 0 ? tenths * 20ms : 0ms));
            EXPECT_TRUE(bench.running());
            bench.stop();
            EXPECT_FALSE(bench.running());
        }
    }
}

// The context goes while the loops are suspended: no frame may outlive what it refers to.
TEST(LaneCancellation, ALaneThatNeverRanIsDestroyedCleanly) {
    LaneBench bench(make_controller(usual()));
    EXPECT_FALSE(bench.running());
    EXPECT_TRUE(bench.controller.requests.empty());
}

// A quota that is exceeded for a moment, an access list that is put right: what does not change is
// not lost for that, and not said again and again either.
TEST(LaneRefused, WhatTheBrokerRefusedIsSaidAgainAMinuteLater) {
    LaneBench bench(make_controller({make_signal("fb0.do0"), make_signal("fb0.dob3")}));
    bench.refuses = "Quota exceeded (0x97)";
    bench.run();
    bench.advance(10s);
    const std::size_t first = bench.take_messages().size();
    const std::size_t statuses = bench.take_statuses().size();
    bench.advance(45s);
    EXPECT_TRUE(bench.take_messages().empty());
    EXPECT_TRUE(bench.take_statuses().empty());
    bench.advance(20s);
    EXPECT_EQ(bench.messages.size(), 2U);
    EXPECT_EQ(bench.statuses.size(), 1U);
    bench.refuses.clear();
    bench.advance(60s);
    EXPECT_EQ(bench.messages.size(), 4U);
    EXPECT_EQ(bench.statuses.size(), 2U);
    bench.advance(300s);
    EXPECT_EQ(bench.messages.size(), 4U) << "that arrived; " << first << " at first";
    EXPECT_EQ(bench.statuses.size(), 2U) << "that arrived; " << statuses << " at first";
    EXPECT_EQ(bench.last("fb0.do0").quality, 192);
}

}  // namespace
}  // namespace hi6gw::poll
