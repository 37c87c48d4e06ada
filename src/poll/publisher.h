#pragma once
// Hands one controller's states and status to the MQTT session, message by message, as the session
// asks for them: what is sent is the state of that moment. Sources in the sense of mqtt/session.h.
// Thread: the event loop's.

#include "base/clock.h"
#include "config/config.h"
#include "mqtt/payload.h"
#include "mqtt/session.h"
#include "mqtt/topics.h"
#include "poll/signal_table.h"

#include <chrono>
#include <functional>
#include <string>

namespace hi6gw::poll {

class StateSource final : public mqtt::Source {
  public:
    using Published = std::function<void(
        Steady::duration read_to_acknowledged)>;  // a good value arrived at the broker

    // `table` outlives the source. `ends`: the state topic around the signal's name.
    StateSource(SignalTable& table, mqtt::TopicTemplate::Ends ends, config::PayloadFormat format,
                Published published);

    bool next(mqtt::Publication& out) override;
    // What was lost with the connection is said again after the reconnect, with everything else
    // (publish_all); what the broker refused is not repeated until it changes.
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;

  private:
    SignalTable& table_;
    mqtt::TopicTemplate::Ends ends_;
    config::PayloadFormat format_;
    Published published_;
};

// The latest payload of one retained topic, such as a status.
class RetainedSource final : public mqtt::Source {
  public:
    explicit RetainedSource(std::string topic) : topic_(std::move(topic)) {}

    void set(std::string payload) {
        payload_ = std::move(payload);
        pending_ = true;
    }
    void publish_again() { pending_ = !payload_.empty(); }
    [[nodiscard]] const std::string& topic() const { return topic_; }

    bool next(mqtt::Publication& out) override;
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;

  private:
    std::string topic_;
    std::string payload_;
    bool pending_ = false;
};

}  // namespace hi6gw::poll
