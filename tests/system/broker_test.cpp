// Whoever else may come between the gateway and its broker.

#include "component/mqtt/scripted_broker.h"
#include "support/invariants.h"
#include "support/net.h"
#include "system/plant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace hi6gw::test {
namespace {

// The service manager's end of sd_notify(3).
class NotifySocket {
  public:
    NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = this->path();
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("no notify socket");
        }
    }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;
    ~NotifySocket() { ::close(fd_); }
    [[nodiscard]] std::string path() const { return (directory_.path() / "notify").string(); }
    // Everything so far.
    [[nodiscard]] std::string said() {
        std::array<char, 4096> data{};
        for (ssize_t size = 0; (size = ::recv(fd_, data.data(), data.size(), 0)) > 0;) {
            said_.append(data.data(), static_cast<std::size_t>(size)) += '\n';
        }
        return said_;
    }

  private:
    TempDir directory_;
    int fd_;
    std::string said_;
};

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Mosquitto 2.0.11 does not say that a session was taken over, it closes; and mosquitto_sub comes
// back a second after it was thrown out, for ever.
TEST(Broker, AnotherClientWithOurIdIsNamedAndNotFought) {
    Plant plant("      - {name: a, address: fb2.di3}\n");
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {{"a", "fb2.di3", false}});
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
    EXPECT_EQ(plant.gateway.stop(), 0);
    EXPECT_EQ(invariants.broken(), "");  // no I5: the other one has its place
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

TEST(Broker, WhyItIsAwayIsInTheStatusOfTheService) {
    NotifySocket manager;
    BrokerOptions guarded;
    guarded.username = "gw";
    guarded.password = "right";
    const Broker broker(std::move(guarded));
    const Simulator simulator;
    ::setenv("NOTIFY_SOCKET", manager.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    const Gateway gateway("mqtt: {url: \"" + broker.url() + "\", username: gw, password: wrong}\n" +
                          controller_yaml(simulator, "      - {name: a, address: fb2.di3}\n"));
    ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    EXPECT_TRUE(eventually(
        [&] {
            return manager.said().find(
                       "STATUS=broker away (refused by the broker: Not authorized "
                       "(0x87)), 1 of 1 controllers online") != std::string::npos;
        },
        kPatience))
        << manager.said();
}

TEST(Broker, WithoutMqtt5IsServedAndSaidWhatThatCosts) {
    const mqtt::ScriptedBroker old([](int level) {
        return level == 5 ? std::string("\x20\x02\x00\x01", 4) : std::string("\x20\x02\x00\x00", 4);
    });
    const Simulator simulator;
    Gateway gateway("mqtt: {url: \"mqtt://127.0.0.1:" + std::to_string(old.port()) + "\"}\n" +
                    controller_yaml(simulator, "      - {name: a, address: fb2.di3}\n"));
    EXPECT_TRUE(gateway.process().wait_for_output(", MQTT 3.1.1, window", kPatience));
    EXPECT_TRUE(gateway.process().wait_for_output(
        "the broker does not speak MQTT 5: commands have no expiry and no response topic",
        kPatience));
}

}  // namespace
}  // namespace hi6gw::test
