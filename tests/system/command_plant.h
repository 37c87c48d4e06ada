#pragma once
// A plant with outputs of every kind, and somebody who gives commands to them.

#include "system/judged.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hi6gw::test {

inline const std::string kCommandSignals = R"(
      - {name: clamp/close, address: fb2.do3, access: rw}
      - {name: lamp, address: fb2.do4, access: rw}
      - {name: trusted, address: fb2.do5, access: rw, verify: false}
      - {name: limited, address: fb1.dob9, access: rw, min: 0, max: 100}
      - {name: speed, address: fb1.dow20, access: rw, scale: 0.1}
      - {name: relay, address: m5, access: rw}
      - {name: part, address: fb2.di3}
)";

// kCommandSignals, for the judge.
inline std::vector<WatchedSignal> watched_signals() {
    return {{"clamp/close", "fb2.do3", true},  {"lamp", "fb2.do4", true},
            {"trusted", "fb2.do5", true},      {"limited", "fb1.dob9", true},
            {"speed", "fb1.dow20", true, 0.1}, {"relay", "m5", true},
            {"part", "fb2.di3", false}};
}

inline std::vector<boost::json::value> results(const MqttProbe& probe, const std::string& signal) {
    std::vector<boost::json::value> out;
    for (const Received& message : probe.messages("hi6/r1/result/" + signal)) {
        EXPECT_FALSE(message.retain);
        EXPECT_EQ(message.qos, 1);
        out.push_back(boost::json::parse(message.payload));
    }
    return out;
}

struct CommandPlant : JudgedPlant {
    explicit CommandPlant(const std::string& controller_keys = "",
                          const std::vector<std::string>& simulator_arguments = {})
        : JudgedPlant(kCommandSignals, watched_signals(), simulator_arguments, controller_keys) {
        invariants.others_command();
        online();
    }
    void online() {
        EXPECT_TRUE(becomes(probe, "clamp/close", "0"));
        EXPECT_TRUE(status_becomes(probe, "online"));
        EXPECT_TRUE(broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    }
    void restart() {
        invariants.died();
        gateway.start();
        ready();
    }
    // After a restart of the gateway: what is retained does not tell.
    void ready() {
        EXPECT_TRUE(eventually([&] { return gateway.get("/readyz").status == 200; }, kPatience));
    }
    void send(const std::string& signal, const std::string& payload,
              const PublishOptions& options = {}) {
        publish(broker, "hi6/r1/set/" + signal, payload, options);
    }
    // The result of this one command.
    boost::json::object command(const std::string& signal, const std::string& payload,
                                const PublishOptions& options = {}) {
        const std::size_t before = results(probe, signal).size();
        send(signal, payload, options);
        if (!eventually([&] { return results(probe, signal).size() > before; }, kPatience)) {
            ADD_FAILURE() << "no result for " << payload;
            return {{"state", "none"}, {"reason", "none"}, {"attempts", -1}};
        }
        return results(probe, signal)[before].as_object();
    }
};

inline std::string summary(const boost::json::object& result) {
    return std::string(result.at("state").as_string()) + ' ' +
           std::string(result.at("reason").as_string()) + ' ' +
           boost::json::serialize(result.at("attempts"));
}

}  // namespace hi6gw::test
