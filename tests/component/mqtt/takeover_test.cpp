// Two clients with one client id (fault B10), with a broker that says so; with one that only
// closes: system/broker_test.cpp.

#include "component/mqtt/scripted_broker.h"
#include "component/mqtt/session_fixture.h"

#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

const std::string kWho =
    "duplicate_client_id: another client uses the client id \"hi6gw-test\"; each needs one of its "
    "own";

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
