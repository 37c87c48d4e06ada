// Whoever else may come between the gateway and its broker.

#include "support/net.h"
#include "system/plant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Mosquitto 2.0.11 does not say that a session was taken over, it closes; and mosquitto_sub comes
// back a second after it was thrown out, for ever.
TEST(Broker, AnotherClientWithOurIdIsNamedAndNotFought) {
    Plant plant("      - {name: a, address: fb2.di3}\n");
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
    ProcessOptions rival;
    rival.argv = {
        "mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(plant.broker.port()), "-i",
        "hi6gw-line1",   "-t", "none"};
    const Process other(std::move(rival));
    ASSERT_TRUE(plant.gateway.process().wait_for_output(
        "connection lost: closed again and again, but never refused: perhaps duplicate_client_id: "
        "another client uses the client id \"hi6gw-line1\"; each needs one of its own",
        50s));
    EXPECT_THAT(plant.gateway.get("/readyz").body, HasSubstr("duplicate_client_id"));
    const double connects = plant.gateway.metric("hi6gw_mqtt_connects_total");
    EXPECT_EQ(connects, 5);
    EXPECT_FALSE(eventually(
        [&] { return plant.gateway.metric("hi6gw_mqtt_connects_total") > connects; }, 10s));
}

// Paho would send MQTT, password and all, to whatever http_proxy names.
TEST(Broker, IsConnectedToDirectlyWhateverProxyTheEnvironmentNames) {
    const std::string proxy = "http://127.0.0.1:" + std::to_string(free_port());
    // NOLINTBEGIN(concurrency-mt-unsafe): for the child
    ::setenv("http_proxy", proxy.c_str(), 1);
    ::setenv("https_proxy", proxy.c_str(), 1);
    Plant plant("      - {name: a, address: fb2.di3}\n");
    ::unsetenv("http_proxy");
    ::unsetenv("https_proxy");
    // NOLINTEND(concurrency-mt-unsafe)
    EXPECT_TRUE(becomes(plant.probe, "a", "0"));
}

}  // namespace
}  // namespace hi6gw::test
