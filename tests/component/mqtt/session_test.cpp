// The session against a real broker.

#include "component/mqtt/session_fixture.h"
#include "support/mqtt_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

namespace hi6gw::mqtt {
namespace {

using test::Broker;
using test::BrokerOptions;
using test::MqttProbe;
using test::Received;

// This process's socket to the broker.
std::optional<int> socket_to(std::uint16_t port) {
    for (int fd = 3; fd < 1024; ++fd) {
        sockaddr_in peer{};
        socklen_t length = sizeof(peer);
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) == 0 &&
            peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
            return fd;
        }
    }
    return std::nullopt;
}

// This process's threads, by name, and how each is scheduled.
std::multimap<std::string, int> policies() {
    std::multimap<std::string, int> all;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::ifstream file(task.path() / "comm");
        if (std::getline(file, name)) {
            all.emplace(name, ::sched_getscheduler(std::stoi(task.path().filename())));
        }
    }
    return all;
}

BrokerOptions with_config(std::vector<std::string> lines) {
    BrokerOptions options;
    options.config = std::move(lines);
    return options;
}

TEST(PahoSession, PublishesWhatSourcesHave) {
    const Broker broker;
    const MqttProbe probe(broker);
    LatestSource source;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    source.set("a/b", "1");
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    EXPECT_EQ(it.connects.front().version, 5);
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    ASSERT_TRUE(probe.wait_for("a/b", "1", seconds(10)));
    EXPECT_EQ(probe.latest().at("a/b").qos, 1);
    EXPECT_TRUE(probe.latest().at("a/b").retain);
    source.correlation = "to you";
    source.set("a/b", "2");
    it.session->wake();
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    ASSERT_TRUE(probe.wait_for("a/b", "2", seconds(10)));
    EXPECT_EQ(probe.latest().at("a/b").correlation, "to you");
    EXPECT_EQ(source.arrived, 2U);
    EXPECT_EQ(source.unknown, 0U);
}

TEST(PahoSession, PublishesEveryQos) {
    const Broker broker;
    const MqttProbe probe(broker);
    std::array<LatestSource, 3> sources{LatestSource(0, false), LatestSource(1, false),
                                        LatestSource(2, false)};
    SessionFixture it(options_for(broker));
    for (std::size_t qos = 0; qos < sources.size(); ++qos) {
        it.session->add(sources.at(qos), Priority::event);
        for (int i = 0; i < 300; ++i) {
            sources.at(qos).set("q" + std::to_string(qos) + '/' + std::to_string(i), "x");
        }
    }
    it.start();
    const auto idle = [&] {
        return std::all_of(sources.begin(), sources.end(), [](auto& one) { return one.idle(); });
    };
    EXPECT_TRUE(it.until(idle, seconds(20)));
    EXPECT_TRUE(probe.wait_for_count(900, seconds(10)));
}

TEST(PahoSession, ConnectsWithoutDelayedPackets) {
    const Broker broker;
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    const std::optional<int> fd = socket_to(broker.port());
    ASSERT_TRUE(fd);
    const auto no_delay = [&] {
        int on = 0;
        socklen_t length = sizeof(on);
        return ::getsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0 && on == 1;
    };
    EXPECT_TRUE(it.until(no_delay, seconds(10)));
}

TEST(PahoSession, PahosSendThreadInterruptsNobodyAndNoOtherThreadIsChanged) {
    const Broker broker;
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    const auto batch = [] {
        const auto all = policies();
        const auto found = all.find("MQTTAsync_send");
        return found != all.end() && found->second == SCHED_BATCH;
    };
    EXPECT_TRUE(it.until(batch, seconds(10)));
    EXPECT_EQ(policies().count("MQTTAsync_rcv"), 1U);
    for (const auto& [name, policy] : policies()) {
        EXPECT_EQ(policy, name == "MQTTAsync_send" ? SCHED_BATCH : SCHED_OTHER) << name;
    }
}

TEST(PahoSession, AnAbruptEndPublishesTheWillAndTheNextConnectionSaysEverythingAgain) {
    const Broker broker;
    const MqttProbe probe(broker);
    LatestSource source;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    source.set("a", "1");
    it.on_connected = [&] { source.say_all_again(); };
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    ASSERT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    ASSERT_EQ(::shutdown(socket_to(broker.port()).value(), SHUT_RDWR), 0);
    ASSERT_TRUE(it.until([&] { return !it.losses.empty(); }, seconds(10)));
    EXPECT_FALSE(it.session->connected());
    ASSERT_TRUE(probe.wait_for("gw/status", "offline", seconds(10)));
    EXPECT_TRUE(probe.latest().at("gw/status").retain);
    ASSERT_TRUE(it.connected_within(seconds(10)));
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    EXPECT_EQ(it.connects.size(), 2U);
    const auto twice = [](const std::vector<Received>& all) {
        return std::count_if(all.begin(), all.end(),
                             [](const Received& one) { return one.topic == "a"; }) == 2;
    };
    EXPECT_TRUE(probe.wait_until(twice, seconds(10)));
}

TEST(PahoSession, NothingOfTheLatestIsLostWhenTheBrokerIsKilledInABurst) {
    constexpr int kTopics = 400;
    Broker broker(with_config({"max_inflight_messages 5", "max_queued_messages 0"}));
    LatestSource source;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    it.on_connected = [&] { source.say_all_again(); };
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    EXPECT_LT(it.connects.front().window, 5U);
    for (int round = 0; round < 3; ++round) {
        const std::size_t arrived = source.arrived;
        for (int i = 0; i < kTopics; ++i) {
            source.set("t/" + std::to_string(i), std::to_string(round));
        }
        it.session->wake();
        ASSERT_TRUE(it.until([&] { return source.arrived >= arrived + 50; }, seconds(10)));
        broker.kill();
        ASSERT_TRUE(it.until([&] { return !it.session->connected(); }, seconds(10)));
        EXPECT_EQ(it.session->in_flight(), 0U);
        EXPECT_EQ(source.in_flight(), 0U);
        broker.start();
        ASSERT_TRUE(it.connected_within(seconds(15)));
        ASSERT_TRUE(it.until([&] { return source.idle(); }, seconds(20)));
        const MqttProbe probe(broker, {"t/#"});
        ASSERT_TRUE(probe.wait_for_count(kTopics, seconds(10)));
        for (const auto& [topic, message] : probe.latest()) {
            EXPECT_EQ(message.payload, std::to_string(round)) << topic;
        }
    }
    EXPECT_LT(source.most_in_flight, 5U);
    EXPECT_EQ(source.unknown, 0U);
    EXPECT_EQ(it.losses.size(), 3U);
}

TEST(PahoSession, ASlowBrokerGetsNoMoreThanTheWindow) {
    Broker broker(with_config({"max_inflight_messages 1000"}));
    PahoOptions options = options_for(broker);
    options.window = 50;
    options.keep_alive = seconds(60);
    LatestSource source;
    SessionFixture it(std::move(options));
    it.session->add(source, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    broker.pause();
    for (int i = 0; i < 1000; ++i) {
        source.set("t/" + std::to_string(i), "x");
    }
    it.session->wake();
    EXPECT_FALSE(it.until([&] { return it.session->in_flight() > 50; }, seconds(1)));
    EXPECT_EQ(it.session->in_flight(), 50U);
    broker.resume();
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(20)));
    EXPECT_EQ(source.arrived, 1000U);
    EXPECT_EQ(source.lost, 0U);
}

TEST(PahoSession, ABrokerThatHangsIsLeftAndComeBackTo) {
    Broker broker;
    PahoOptions options = options_for(broker);
    options.keep_alive = seconds(2);
    options.connect_limit = milliseconds(1000);
    LatestSource source;
    source.awaited = false;
    SessionFixture it(std::move(options));
    it.session->add(source, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    broker.pause();
    source.set("a", "1");
    it.session->wake();
    ASSERT_TRUE(it.until([&] { return !it.losses.empty(); }, seconds(5)));
    EXPECT_EQ(it.losses.front(), "no acknowledgement for 2 s");
    ASSERT_TRUE(it.until([&] { return !it.failures.empty(); }, seconds(10)));
    EXPECT_EQ(it.failures.front(), std::make_pair(std::string("no answer"), false));
    broker.resume();
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(20)));
}

TEST(PahoSession, AWrongPasswordIsARefusalAndNotRepeatedSoon) {
    for (const int version : {5, 3}) {
        BrokerOptions broker_options;
        broker_options.username = "gw";
        broker_options.password = "right";
        const Broker broker(std::move(broker_options));
        PahoOptions options = options_for(broker);
        options.version = version;
        options.username = "gw";
        options.password = "wrong";
        SessionFixture it(std::move(options));
        it.start();
        ASSERT_TRUE(it.until([&] { return !it.failures.empty(); }, seconds(10)));
        EXPECT_TRUE(it.failures.front().second);
        EXPECT_THAT(it.failures.front().first, ::testing::HasSubstr("uthori"));
        EXPECT_FALSE(it.until([&] { return it.failures.size() > 1; }, seconds(4)));
    }
}

TEST(PahoSession, NobodyThereIsAFailureWithBackoff) {
    PahoOptions options;
    {
        const Broker broker;
        options = options_for(broker);
    }
    SessionFixture it(std::move(options));
    it.start();
    ASSERT_TRUE(it.until([&] { return it.failures.size() >= 3; }, seconds(20)));
    EXPECT_FALSE(it.failures.front().second);
    EXPECT_GE(it.failed_at[1] - it.failed_at[0], seconds(1));
    EXPECT_GE(it.failed_at[2] - it.failed_at[1], milliseconds(1600));
}

// ---- configure()

TEST(PahoSession, OtherOptionsTakeItToAnotherBrokerWithNothingLost) {
    const Broker before;
    const Broker after;
    const MqttProbe there(before);
    const MqttProbe here(after);
    LatestSource source;
    source.awaited = false;
    SessionFixture it(options_for(before));
    it.session->add(source, Priority::state);
    it.on_connected = [&] { source.say_all_again(); };
    for (int i = 0; i < 500; ++i) {
        source.set("s/" + std::to_string(i), "1");
    }
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    ASSERT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    source.set("s/last", "for the old one, too");
    it.session->configure(options_for(after), "another broker");
    ASSERT_TRUE(it.until([&] { return it.connects.size() == 2; }, seconds(10)));
    ASSERT_TRUE(it.until([&] { return source.idle(); }, seconds(10)));
    EXPECT_TRUE(there.wait_for("s/last", "for the old one, too", seconds(10)));
    EXPECT_TRUE(here.wait_for("s/last", "for the old one, too", seconds(10)));
    EXPECT_TRUE(here.wait_for("s/499", "1", seconds(10)));
    EXPECT_EQ(source.lost, 0U) << "nobody waited for its acknowledgement";
    EXPECT_EQ(source.unknown, 0U);
    EXPECT_EQ(source.in_flight(), 0U);
    EXPECT_EQ(it.losses, std::vector<std::string>{"another broker"});
    EXPECT_TRUE(it.failures.empty());
    EXPECT_TRUE(before.wait_for_log("Received DISCONNECT from hi6gw-test", seconds(10)));
    EXPECT_FALSE(there.latest().contains("gw/status")) << "it took its leave: no will";
}

TEST(PahoSession, OtherOptionsAreNotKeptWaitingByABackoff) {
    PahoOptions nobody;
    {
        const Broker gone;
        nobody = options_for(gone);
    }
    const Broker broker;
    SessionFixture it(nobody);
    it.start();
    // From the fourth failure on the pause is six seconds at least.
    ASSERT_TRUE(it.until([&] { return it.failures.size() >= 4; }, seconds(30)));
    const auto pause_ends = it.session->due();
    EXPECT_GT(pause_ends - it.failed_at.back(), seconds(5));
    it.session->configure(options_for(broker), "another broker");
    EXPECT_TRUE(it.connected_within(seconds(20)));
    EXPECT_LT(Steady::now(), pause_ends);
}

TEST(PahoSession, TheLatestOfManyOptionsIsInForce) {
    const Broker broker;
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    for (int i = 0; i < 20; ++i) {
        PahoOptions options = options_for(broker);
        options.client_id = "hi6gw-" + std::to_string(i);
        it.session->configure(std::move(options), "another id");
    }
    ASSERT_TRUE(it.until([&] { return it.connects.size() >= 2; }, seconds(10)));
    EXPECT_TRUE(broker.wait_for_log("as hi6gw-19 ", seconds(10)));
    EXPECT_EQ(it.connects.size(), 2U);
}

// What the watchdog goes by: while it waits, for a message or for a broker, it is due later.
TEST(PahoSession, IsDueLaterWhileItWaits) {
    const Broker broker;
    SessionFixture it(options_for(broker));
    it.start();
    const auto later = [&] { return it.session->due() > Steady::now(); };
    EXPECT_TRUE(it.until([&] { return it.session->connected() && later(); }, seconds(20)));
    EXPECT_LE(it.session->due() - Steady::now(), seconds(15)) << "and not for ever";
}

TEST(PahoSession, ARefusedMessageSaysWhyAndTheOthersGoOn) {
    const test::TempDir directory;
    const auto acl = directory.file("acl", "topic write ok/#\ntopic read #\n");
    const Broker broker(with_config({"acl_file " + acl.string(), "max_packet_size 2000"}));
    LatestSource source;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    source.set("ok/1", "x");
    source.set("ok/large", std::string(3000, 'x'));
    source.set("ok/\xFF", "x");
    source.set("secret/1", "x");
    it.start();
    ASSERT_TRUE(it.until([&] { return source.idle() && source.arrived > 0; }, seconds(10)));
    EXPECT_EQ(source.arrived, 1U);
    EXPECT_EQ(source.refused.at("secret/1"), "Not authorized (0x87)");
    EXPECT_EQ(source.refused.at("ok/large"), "Packet too large (0x95)");
    EXPECT_EQ(source.refused.count("ok/\xFF"), 1U);
    EXPECT_EQ(it.session->counters().refused, 2U);
    EXPECT_EQ(it.session->counters().publish_errors, 1U);
    EXPECT_TRUE(it.losses.empty());
}

// Fault B14.
TEST(PahoSession, ABrokerOfFewTalentsGetsNoMoreThanItCan) {
    const Broker broker(with_config({"max_qos 0", "retain_available false"}));
    const MqttProbe probe(broker);
    LatestSource source(2, true);
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    source.set("a", "1");
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)))
        << (it.failures.empty() ? "" : it.failures.front().first);
    EXPECT_FALSE(it.connects.front().retain_available);
    ASSERT_TRUE(probe.wait_for("a", "1", seconds(10)));
    EXPECT_EQ(probe.latest().at("a").qos, 0);
    EXPECT_FALSE(probe.latest().at("a").retain);
    EXPECT_TRUE(it.losses.empty());
    EXPECT_TRUE(it.failures.empty()) << "the will is one of what it takes";
}

TEST(PahoSession, InboundMessagesComeWithAllThatMqtt5Says) {
    const Broker broker;
    test::PublishOptions retained;
    retained.retain = true;
    test::publish(broker, "set/old", "from before", retained);
    LatestSource own;
    SessionFixture it(options_for(broker));
    it.session->set_subscriptions({"set/#"}, true);
    it.session->add(own, Priority::state);
    own.set("set/own", "1");
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    ASSERT_TRUE(it.until([&] { return own.idle(); }, seconds(10)));

    const Steady::time_point before = Steady::now();
    test::PublishOptions options;
    options.response_topic = "reply/to";
    options.correlation = "c-1";
    options.expiry = 30;
    options.user_properties = {{"a", "1"}, {"b", "2"}};
    test::publish(broker, "set/new", "", options);
    test::publish(broker, "set/kept", "5", retained);
    ASSERT_TRUE(it.until([&] { return it.messages.size() >= 2; }, seconds(10)));
    const Inbound& first = it.messages[0];
    EXPECT_EQ(first.topic, "set/new");
    EXPECT_EQ(first.payload, "");
    EXPECT_EQ(first.qos, 1);
    EXPECT_FALSE(first.retained);
    EXPECT_FALSE(first.duplicate);
    EXPECT_EQ(first.response_topic, "reply/to");
    EXPECT_EQ(first.correlation, "c-1");
    EXPECT_EQ(first.expiry, seconds(30));
    EXPECT_THAT(first.user_properties,
                ::testing::ElementsAre(::testing::Pair("a", "1"), ::testing::Pair("b", "2")));
    EXPECT_GE(first.received, before);
    EXPECT_LE(first.received, Steady::now());
    EXPECT_EQ(it.messages[1].topic, "set/kept");
    EXPECT_TRUE(it.messages[1].retained) << "retain as published";
    EXPECT_FALSE(it.messages[1].expiry);
}

// Whatever has come in the meantime: who else waits for the loop does not wait for all of it.
TEST(PahoSession, AFloodIsLookedAtInTurns) {
    constexpr std::size_t kFlood = 2000;
    const Broker broker(with_config({"max_queued_messages 0"}));
    SessionFixture it(options_for(broker));
    it.session->set_subscriptions({"set/#"}, true);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    const test::Finished flood =
        test::run({"sh", "-c",
                   "yes 1 | head -n " + std::to_string(kFlood) +
                       " | mosquitto_pub -l -t set/a -p " + std::to_string(broker.port())});
    ASSERT_EQ(flood.status, 0) << flood.err;
    // Paho's threads take them without the loop, which has not run since.
    ASSERT_TRUE(
        broker.wait_for_log("Sending PUBLISH to hi6gw-test (d0, q0, r0, m0, 'set/a'", seconds(10)));
    std::size_t most = 0;
    it.io.restart();
    while (it.messages.size() < kFlood) {
        const std::size_t before = it.messages.size();
        ASSERT_GT(it.io.run_one_for(seconds(10)), 0U) << before;
        most = std::max(most, it.messages.size() - before);
    }
    EXPECT_LE(most, 16U);
}

TEST(PahoSession, SubscriptionsChangeAtOnceAndComeBackAfterAReconnect) {
    Broker broker;
    SessionFixture it(options_for(broker));
    it.session->set_subscriptions({"a/#", "b/#"}, true);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    it.session->set_subscriptions({"b/#", "c/#"}, true);
    ASSERT_TRUE(it.until(
        [&] { return broker.wait_for_log("Received UNSUBSCRIBE", milliseconds(1)); }, seconds(10)));
    for (int round = 1; round <= 2; ++round) {
        it.messages.clear();
        for (const char* topic : {"a/1", "b/1", "c/1"}) {
            test::publish(broker, topic, "x");
        }
        ASSERT_TRUE(it.until([&] { return it.messages.size() >= 2; }, seconds(10)));
        EXPECT_EQ(it.messages[0].topic, "b/1");
        EXPECT_EQ(it.messages[1].topic, "c/1");
        if (round == 1) {
            broker.kill();
            ASSERT_TRUE(it.until([&] { return !it.losses.empty(); }, seconds(10)));
            broker.start();
            ASSERT_TRUE(it.connected_within(seconds(10)));
        }
    }
}

TEST(PahoSession, StopDrainsAndSaysGoodbye) {
    const Broker broker;
    const MqttProbe probe(broker);
    LatestSource source;
    source.awaited = false;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    for (int i = 0; i < 1000; ++i) {
        source.set("t/" + std::to_string(i), "x");
    }
    it.stop(seconds(4));
    EXPECT_TRUE(it.until([&] { return it.stopped && !it.running; }, seconds(5)));
    EXPECT_TRUE(source.idle());
    EXPECT_FALSE(it.run_error);
    EXPECT_TRUE(probe.wait_for_count(1000, seconds(10)));
    EXPECT_TRUE(it.losses.empty());
    EXPECT_TRUE(broker.wait_for_log("Received DISCONNECT from hi6gw-test", seconds(5)));
    EXPECT_TRUE(probe.messages("gw/status").empty()) << "the will was published";
}

TEST(PahoSession, StopKeepsItsDeadlineWhenTheBrokerHangs) {
    Broker broker;
    LatestSource source;
    SessionFixture it(options_for(broker));
    it.session->add(source, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    broker.pause();
    source.set("a", "1");
    const Steady::time_point begin = Steady::now();
    it.stop(milliseconds(500));
    EXPECT_TRUE(it.until([&] { return it.stopped && !it.running; }, seconds(5)));
    EXPECT_GE(Steady::now() - begin, milliseconds(500));
    EXPECT_LT(Steady::now() - begin, milliseconds(1500));
    EXPECT_EQ(source.lost, 1U);
}

TEST(PahoSession, StopWhileNobodyIsThereIsImmediate) {
    PahoOptions options;
    {
        const Broker broker;
        options = options_for(broker);
    }
    SessionFixture it(std::move(options));
    it.start();
    ASSERT_TRUE(it.until([&] { return !it.failures.empty(); }, seconds(10)));
    const Steady::time_point begin = Steady::now();
    it.stop(seconds(4));
    EXPECT_TRUE(it.until([&] { return it.stopped && !it.running; }, seconds(5)));
    EXPECT_LT(Steady::now() - begin, seconds(2));
}

TEST(PahoSession, MayBeDestroyedAtAnyMoment) {
    Broker broker;
    for (int moment = 0; moment < 8; ++moment) {
        if (moment == 4) {
            broker.pause();  // from here on while it connects
        }
        const Steady::time_point begin = Steady::now();
        {
            LatestSource source;
            SessionFixture it(options_for(broker));
            it.session->add(source, Priority::state);
            for (int i = 0; i < 300; ++i) {
                source.set("t/" + std::to_string(i), "x");
            }
            it.start();
            (void)it.until([&] { return source.arrived > 0; }, milliseconds(30 * (moment % 4)));
            EXPECT_EQ(source.unknown, 0U);
        }
        EXPECT_LT(Steady::now() - begin, seconds(4));
    }
}

TEST(PahoSession, ForgetsARemovedSource) {
    Broker broker;
    LatestSource staying;
    SessionFixture it(options_for(broker));
    it.session->add(staying, Priority::state);
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    {
        LatestSource leaving;
        it.session->add(leaving, Priority::control);
        broker.pause();
        leaving.set("gone", "1");
        it.session->wake();
        ASSERT_TRUE(it.until([&] { return it.session->in_flight() == 1; }, seconds(10)));
        it.session->remove(leaving);
    }
    staying.set("here", "1");
    it.session->wake();
    broker.resume();
    EXPECT_TRUE(it.until([&] { return staying.arrived == 1; }, seconds(10)));
    EXPECT_TRUE(it.until([&] { return it.session->in_flight() == 0; }, seconds(10)));
}

}  // namespace
}  // namespace hi6gw::mqtt
