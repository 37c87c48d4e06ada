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
#include <set>
#include <string>
#include <utility>

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
    // (publish_all); what the broker refused is not repeated until it changes, or
    // say_refused_again() is called.
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;
    void say_refused_again();

  private:
    SignalTable& table_;
    std::set<std::uint32_t> refused_;
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
    // As StateSource does.
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;
    void say_refused_again() { pending_ |= std::exchange(refused_, false); }
    [[nodiscard]] bool pending() const { return pending_; }

  private:
    std::string topic_;
    std::string payload_;
    bool pending_ = false;
    bool refused_ = false;
};

}  // namespace hi6gw::poll
