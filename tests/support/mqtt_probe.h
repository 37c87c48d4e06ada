#pragma once
// An MQTT client that shares nothing with the gateway: mosquitto_sub and mosquitto_pub as child
// processes (MQTT 5, QoS 1). Comes back by itself when the broker does.

#include "support/broker.h"
#include "support/process.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hi6gw::test {

struct Received {
    std::string topic;
    std::string payload;
    int qos = 0;
    bool retain = false;  // see MqttProbe::Retain
    std::chrono::system_clock::time_point arrived;
    std::string response_topic;
    std::string correlation;
    std::map<std::string, std::string> user_properties;
    std::optional<std::int64_t> expiry;  // s
};

class MqttProbe {
  public:
    // `retain`: what Received::retain tells: the flag as it was published, or whether the message
    // was in the broker's memory when the subscription was made.
    enum class Retain : std::uint8_t { as_published, from_memory };
    // Returns when the subscription is in force.
    explicit MqttProbe(const Broker& broker, std::vector<std::string> filters = {"#"},
                       Retain retain = Retain::as_published);

    // All messages so far, in the order of arrival.
    [[nodiscard]] std::vector<Received> messages() const;
    [[nodiscard]] std::vector<Received> messages(const std::string& topic) const;
    // The newest of each topic.
    [[nodiscard]] std::map<std::string, Received> latest() const;
    [[nodiscard]] std::size_t count() const;
    void forget();                               // the messages so far
    [[nodiscard]] std::vector<Received> take();  // and gives them out

    // Waits until `done` says so of all messages so far; false after `limit`.
    using Predicate = std::function<bool(const std::vector<Received>&)>;
    [[nodiscard]] bool wait_until(const Predicate& done, std::chrono::milliseconds limit) const;
    [[nodiscard]] bool wait_for(const std::string& topic, std::string_view payload,
                                std::chrono::milliseconds limit) const;
    [[nodiscard]] bool wait_for_count(std::size_t count, std::chrono::milliseconds limit) const;
    // How often the subscription was made: 1 + reconnects.
    [[nodiscard]] bool wait_for_subscriptions(int count, std::chrono::milliseconds limit) const;

  private:
    void on_line(std::string_view line);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Received> messages_;
    int subscriptions_ = 0;
    std::unique_ptr<Process> process_;  // last: its thread uses the above
};

struct PublishOptions {
    int qos = 1;
    bool retain = false;
    std::string response_topic;
    std::string correlation;
    std::vector<std::pair<std::string, std::string>> user_properties;
    std::optional<int> expiry;  // s
    bool version_5 = true;
};
// Publishes one message and returns when the broker has it; throws if it does not take it.
void publish(const Broker& broker, const std::string& topic, const std::string& payload,
             const PublishOptions& options = {});

}  // namespace hi6gw::test
