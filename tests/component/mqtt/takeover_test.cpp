// Two clients with one client id (fault B10): no fight, and a name for it.

#include "component/mqtt/scripted_broker.h"
#include "component/mqtt/session_fixture.h"
#include "support/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

using test::Broker;
using ::testing::ElementsAre;
using ::testing::StartsWith;

const std::string kWho =
    "duplicate_client_id: another client uses the client id \"hi6gw-test\"; each needs one of its "
    "own";

// Comes back a second after it was thrown out, for ever.
test::Process rival(const Broker& broker) {
    test::ProcessOptions options;
    options.argv = {"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-i",
                    "hi6gw-test",    "-t", "none"};
    return test::Process(std::move(options));
}

TEST(Takeover, IsSuspectedWhereTheBrokerOnlyClosesAndIsNotFought) {
    const Broker broker;
    SessionFixture it(options_for(broker));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    const test::Process other = rival(broker);
    const auto suspected = [&] {
        return !it.losses.empty() &&
               it.losses.back() == "closed again and again, but never refused: perhaps " + kWho;
    };
    ASSERT_TRUE(it.until(suspected, seconds(50)));
    EXPECT_EQ(it.losses.size(), 5U);
    EXPECT_THAT(it.losses.front(), StartsWith("connection lost"));
    const std::size_t connects = it.connects.size();
    EXPECT_FALSE(it.until([&] { return it.connects.size() > connects; }, seconds(10)));
}

TEST(Takeover, IsBelievedAtOnceWhenTheBrokerSaysSo) {
    // CONNACK, and DISCONNECT with "Session taken over".
    const ScriptedBroker broker(
        [](int /*level*/) { return std::string("\x20\x03\x00\x00\x00\xE0\x02\x8E\x00", 9); });
    PahoOptions options;
    options.port = broker.port();
    options.client_id = "hi6gw-test";
    SessionFixture it(std::move(options));
    it.start();
    ASSERT_TRUE(it.until([&] { return !it.losses.empty() || !it.failures.empty(); }, seconds(10)));
    // Depending on whether the session has had time to call itself connected.
    EXPECT_EQ(it.losses.empty() ? it.failures.front().first : it.losses.front(), kWho);
    EXPECT_FALSE(it.until([&] { return broker.levels().size() > 1; }, seconds(4)));
}

}  // namespace
}  // namespace hi6gw::mqtt
