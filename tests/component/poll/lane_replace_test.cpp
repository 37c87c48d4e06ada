// A reload gives the wire another lane: what is known stays known. And what tells a lane that is
// stuck from one that waits.

#include "lane_bench.h"

namespace hi6gw::poll {
namespace {

std::vector<config::Signal> usual() {
    return {make_signal("fb0.do0"), make_signal("fb0.dob3"), make_signal("fb0.dow4")};
}
config::Controller with_one_more() {
    auto signals = usual();
    signals.insert(signals.begin(), make_signal("fb0.dob50"));
    return make_controller(std::move(signals));
}

class LaneReplace : public testing::Test {
  protected:
    LaneReplace() {
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

TEST_F(LaneReplace, WhatIsKnownStaysKnownOnTheSameConnection) {
    come_online();
    bench.replace(with_one_more());
    bench.advance(1s);
    EXPECT_EQ(bench.controller.connects.size(), 1U);
    for (const Message& message : bench.take_messages()) {
        const bool first_word = message.signal == "fb0.dob50" && message.quality == 32;
        EXPECT_TRUE(first_word || message.quality == 192) << message.signal << message.quality;
    }
    EXPECT_EQ(bench.last("fb0.dob50").quality, 192);
    for (const Status& status : bench.take_statuses()) {
        EXPECT_EQ(status.state, "online") << status.reason;
    }
}

TEST_F(LaneReplace, AnotherAddressUnderTheSameNameIsNotKnown) {
    come_online();
    auto signals = usual();
    signals[1].address = hi6::parse_address("fb0.dob60", hi6::IndexUnit::byte).value();
    bench.replace(make_controller(std::move(signals)));
    EXPECT_EQ(bench.last("fb0.dob3").quality, 32);
    EXPECT_EQ(bench.last("fb0.dow4").quality, 192);
    bench.advance(1s);
    EXPECT_EQ(bench.last("fb0.dob3").quality, 192);
}

// The time since the last answer goes on: a reload every second must not keep a dead controller's
// values good.
TEST_F(LaneReplace, DoesNotMakeValuesYounger) {
    come_online();
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.controller.up = false;
    const auto lost = bench.time.now();
    while (bench.time.now() < lost + 1500ms) {
        bench.advance(400ms);
        bench.replace(bench.lane->config() == with_one_more() ? make_controller(usual())
                                                              : with_one_more());
    }
    bench.advance(lost + 2100ms - bench.time.now());
    EXPECT_EQ(bench.state(), "offline");
    EXPECT_EQ(bench.last("fb0.dob3").quality, 24);
    EXPECT_EQ(bench.last("fb0.dow4").quality, 24);
}

TEST_F(LaneReplace, DoesNotConnectMoreOften) {
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.run();
    for (int i = 0; i < 30; ++i) {
        bench.advance(100ms);
        bench.replace(i % 2 == 0 ? with_one_more() : make_controller(usual()));
    }
    EXPECT_GE(bench.shortest_connect_gap(), 1s);
    bench.controller.connect_mode = FakeController::Connect::accept;
    bench.advance(15s);
    EXPECT_EQ(bench.state(), "online");
}

// Wherever it is: in the middle of connecting, proving, a sweep, a command.
TEST_F(LaneReplace, AtAnyMomentEachCommandIsCarriedOutOnce) {
    for (int tenths = 0; tenths < 300; tenths += 7) {
        LaneBench it(make_controller(usual()));
        it.run();
        it.advance(1s + tenths * 1ms);
        it.command("a", "fb0.do0", 1);
        it.command("b", "fb0.dob3", 7);
        it.advance(tenths % 13 * 1ms);
        it.replace(with_one_more());
        it.advance(1s);
        ASSERT_EQ(it.results.size(), 2U) << tenths;
        for (const Result& one : it.results) {
            EXPECT_EQ(one.result.state, command::State::verified) << one.id << " at " << tenths;
        }
        EXPECT_EQ(it.controller.count("write"), 2U);
        EXPECT_EQ(it.controller.connects.size(), 1U);
        EXPECT_EQ(it.state(), "online");
    }
}

TEST_F(LaneReplace, AnotherIdentityIsAskedForOnANewConnection) {
    come_online();
    config::Controller expecting = make_controller(usual());
    expecting.system_version = "V60.34-05";
    bench.replace(expecting);
    bench.advance(2s);
    EXPECT_EQ(bench.controller.connects.size(), 2U);
    EXPECT_EQ(bench.state(), "online");
    EXPECT_EQ(bench.controller.count("get /versions/sysver"), 1U);
    expecting.system_version = "V60.34-06";
    bench.replace(expecting);
    bench.advance(2s);
    EXPECT_EQ(bench.state(), "offline");
    EXPECT_EQ(bench.last("fb0.dow4").quality, 24);
}

// After long use, when what has added up on the connection would show.
class LaneReplaceLater : public LaneReplace {
  protected:
    LaneReplaceLater() {
        bench.run();
        bench.advance(10min);
        EXPECT_EQ(bench.state(), "online");
    }
    [[nodiscard]] std::size_t requests_within(std::chrono::nanoseconds time) {
        const std::size_t before = bench.controller.requests.size();
        bench.advance(time);
        return bench.controller.requests.size() - before;
    }
};

TEST_F(LaneReplaceLater, TheNextOnePollsAsOftenAsTheOneBefore) {
    const std::size_t usually = requests_within(5s);
    bench.replace(make_controller(usual()));
    bench.advance(1s);  // identifies and proves anew
    EXPECT_EQ(requests_within(5s), usually);
    EXPECT_EQ(bench.controller.connects.size(), 1U);
}

TEST_F(LaneReplaceLater, ChangesAreSeenAtOnceAfterIt) {
    bench.replace(make_controller(usual()));
    bench.advance(1s);
    bench.take_messages();
    bench.controller.put(kOut, 3, {0x5a});
    bench.advance(110ms);
    EXPECT_EQ(bench.last("fb0.dob3").value, "90");
    EXPECT_EQ(bench.last("fb0.dob3").quality, 192);
}

TEST_F(LaneReplaceLater, ValuesStayKnownAndAreNotMadeYounger) {
    const Message before = bench.last("fb0.dob3");
    bench.take_messages();
    bench.controller.up = false;
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.replace(make_controller(usual()));
    for (const Message& message : bench.take_messages()) {
        EXPECT_EQ(message.quality, 192) << message.signal;
    }
    EXPECT_EQ(bench.last("fb0.dob3").timestamp, before.timestamp);
    bench.advance(3s);
    EXPECT_EQ(bench.last("fb0.dob3").quality, 24);
    EXPECT_EQ(bench.last("fb0.dob3").value, before.value);
}

// ---- due()

// The watchdog goes by this: never past while the lane goes on, whatever the controller does, and
// past for ever once it does not.
TEST(LaneDue, IsNotPastWhateverTheControllerDoes) {
    for (const auto mode : {FakeController::Connect::accept, FakeController::Connect::refuse,
                            FakeController::Connect::hang}) {
        for (const bool answers : {true, false}) {
            LaneBench bench(
                make_controller({make_signal("fb0.do0"), make_signal("fb0.dow4", 20s)}));
            fill(bench.controller);
            bench.controller.connect_mode = mode;
            bench.controller.fault = [answers](const FakeController::Request&) {
                return answers ? std::nullopt
                               : std::optional<FakeController::Fault>({.hang = true});
            };
            bench.run();
            for (int i = 0; i < 1000; ++i) {
                bench.advance(97ms);
                ASSERT_GE(bench.lane->due(), bench.time.now()) << i;
            }
        }
    }
}

TEST_F(LaneReplace, IsLongDueWhenItIsStuck) {
    come_online();
    const auto never = bench.time.alarm();
    bench.controller.wait = [&never](Steady::time_point) {
        return never->wait_until(Steady::time_point::max());
    };
    bench.advance(1s);
    const Steady::time_point due = bench.lane->due();
    EXPECT_LT(due, bench.time.now() + bench.lane->config().timeout);
    bench.advance(1min);
    EXPECT_EQ(bench.lane->due(), due);
    bench.stop();  // before the alarm goes
}

TEST_F(LaneReplace, ALaneThatWaitsIsNeverOverdue) {
    using Connect = FakeController::Connect;
    bench.check_truth = false;
    bench.run();
    FakeController::Fault hang;
    hang.hang = true;
    FakeController::Fault failing;
    failing.outcome = hi6::Outcome::server_error;
    const std::vector<std::optional<FakeController::Fault>> faults{std::nullopt, hang, failing};
    for (const Connect mode : {Connect::accept, Connect::refuse, Connect::hang}) {
        for (const auto& fault : faults) {
            bench.controller.connect_mode = mode;
            bench.controller.fault = [fault](const FakeController::Request&) { return fault; };
            bench.controller.up = false;
            for (int i = 0; i < 3000; ++i) {
                bench.advance(10ms);
                ASSERT_GE(bench.lane->due(), bench.time.now()) << int(mode) << ' ' << i;
            }
        }
    }
}

TEST_F(LaneReplace, OneThatIsStuckIsOverdue) {
    come_online();
    bench.controller.wait = [this](Steady::time_point) -> boost::asio::awaitable<void> {
        const auto never = bench.time.alarm();
        for (;;) {
            co_await never->wait_until(Steady::time_point::max());
        }
    };
    bench.advance(200ms);
    const auto stuck = bench.time.now();
    bench.advance(60s);
    EXPECT_LE(bench.lane->due(), stuck + bench.lane->config().timeout + 100ms);
}

}  // namespace
}  // namespace hi6gw::poll
