#pragma once
// A broker, a simulated controller, a gateway between them and somebody who listens: the usual
// set-up of a system test.

#include "support/mqtt_probe.h"
#include "support/rig.h"

#include <boost/json.hpp>

#include <csignal>
#include <string>
#include <vector>

namespace hi6gw::test {

inline constexpr auto kPatience = std::chrono::seconds(10);

inline std::string controller_yaml(const Simulator& simulator, const std::string& signals,
                                   const std::string& more = "") {
    return "controllers:\n  - name: r1\n    url: " + simulator.url() + "\n" + more +
           "    signals:\n" + signals;
}
inline std::string base_yaml(const Broker& broker) {
    return "gateway: {id: line1}\nmqtt: {url: \"" + broker.url() + "\"}\ndefaults: {poll: 20ms}\n";
}

struct Plant {
    explicit Plant(const std::string& signals, std::vector<std::string> simulator_arguments = {},
                   const std::string& controller_keys = "")
        : simulator(std::move(simulator_arguments)),
          probe(broker),
          gateway(base_yaml(broker) + controller_yaml(simulator, signals, controller_keys)) {}

    Broker broker;
    Simulator simulator;
    MqttProbe probe;
    Gateway gateway;
};

// A state or status payload, or null when the topic has none yet, or none any more.
inline boost::json::value latest(const MqttProbe& probe, const std::string& topic) {
    const auto all = probe.latest();
    const auto found = all.find(topic);
    return found == all.end() || found->second.payload.empty()
               ? boost::json::value()
               : boost::json::parse(found->second.payload);
}
inline boost::json::value state(const MqttProbe& probe, const std::string& signal) {
    return latest(probe, "hi6/r1/state/" + signal);
}
// Waits for a state with this value (as JSON text) and quality.
inline bool becomes(const MqttProbe& probe, const std::string& signal, const std::string& value,
                    int quality = 192, std::chrono::milliseconds limit = kPatience) {
    return eventually(
        [&] {
            const auto now = state(probe, signal);
            return now.is_object() && now.at("value") == boost::json::parse(value) &&
                   now.at("quality") == quality;
        },
        limit);
}
inline bool status_becomes(const MqttProbe& probe, const std::string& state,
                           std::chrono::milliseconds limit = kPatience) {
    return eventually(
        [&] {
            const auto now = latest(probe, "hi6/r1/status");
            return now.is_object() && now.at("state") == boost::json::value(state);
        },
        limit);
}

// The configuration is read again: "applied" or "refused", as the metrics tell it.
inline bool reloads(Gateway& gateway, const std::string& yaml,
                    const std::string& result = "applied") {
    const auto count = [&] { return gateway.metric("hi6gw_config_reloads_total", result); };
    const double before = count();
    gateway.rewrite(yaml);
    gateway.process().signal(SIGHUP);
    return eventually([&] { return count() > before; }, kPatience);
}

inline bool gateway_becomes(const MqttProbe& probe, const std::string& state,
                            std::chrono::milliseconds limit = kPatience) {
    return eventually(
        [&] {
            const auto now = latest(probe, "hi6/gateway/line1/status");
            return now.is_object() && now.at("state") == boost::json::value(state);
        },
        limit);
}

}  // namespace hi6gw::test
