// The tools of the system tests tell the truth.

#include "support/broker.h"
#include "support/mqtt_probe.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hi6gw::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Process, GivesStatusOutputAndLines) {
    std::vector<std::string> lines;
    ProcessOptions options;
    options.argv = {"sh", "-c", "echo one; echo \"$HI6GW_X$HOME\" >&2; printf two; exit 3"};
    options.env = {{"HI6GW_X", "set"}, {"HOME", ""}};
    options.on_line = [&lines](std::string_view line) { lines.emplace_back(line); };
    Process process(std::move(options));
    EXPECT_TRUE(process.wait_for_output("two", seconds(10)));
    EXPECT_EQ(process.wait(seconds(10)), 3);
    EXPECT_EQ(process.out(), "one\ntwo");
    EXPECT_EQ(process.err(), "set\n");
    EXPECT_EQ(lines, std::vector<std::string>{"one"});
    EXPECT_FALSE(process.running());
}

TEST(Process, DoesNotOutliveItsObject) {
    pid_t pid = 0;
    {
        ProcessOptions options;
        options.argv = {"tail", "-f", "/dev/null"};
        Process process(std::move(options));
        pid = process.pid();
        EXPECT_TRUE(process.running());
        EXPECT_FALSE(process.wait_for_output("never", milliseconds(20)));
    }
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Process, TellsASignalFromAnExit) {
    ProcessOptions options;
    options.argv = {"tail", "-f", "/dev/null"};
    Process process(std::move(options));
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(seconds(10)), 128 + SIGTERM);
}

TEST(Broker, ComesBackOnItsPortAndKeepsRetainedMessagesWhenTold) {
    BrokerOptions options;
    options.persistence = true;
    options.username = "someone";
    options.password = "secret";
    Broker broker(std::move(options));
    PublishOptions how;
    how.retain = true;
    how.response_topic = "answer/here";
    how.correlation = "c1";
    how.expiry = 600;
    how.user_properties = {{"who", "me"}};
    publish(broker, "a/b", std::string("x\xFF\"y", 4), how);
    const std::uint16_t port = broker.port();
    broker.stop();
    broker.start();
    EXPECT_EQ(broker.port(), port);

    const MqttProbe probe(broker);
    ASSERT_TRUE(probe.wait_for_count(1, seconds(10)));
    const Received message = probe.messages().front();
    EXPECT_EQ(message.topic, "a/b");
    EXPECT_EQ(message.payload, "x\xFF\"y");
    EXPECT_TRUE(message.retain);
    EXPECT_EQ(message.qos, 1);
    EXPECT_EQ(message.response_topic, "answer/here");
    EXPECT_EQ(message.correlation, "c1");
    EXPECT_EQ(message.user_properties.at("who"), "me");
    EXPECT_LE(message.expiry.value_or(0), 600);
    EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - message.arrived), seconds(60));
}

TEST(MqttProbe, ComesBackWithTheBroker) {
    Broker broker;
    const MqttProbe probe(broker, {"only/#"});
    broker.kill();
    broker.start();
    ASSERT_TRUE(probe.wait_for_subscriptions(2, seconds(20)));
    publish(broker, "other", "1");
    publish(broker, "only/this", "");
    ASSERT_TRUE(probe.wait_for("only/this", "", seconds(10)));
    EXPECT_EQ(probe.count(), 1U);
}

}  // namespace
}  // namespace hi6gw::test
