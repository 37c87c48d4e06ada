#pragma once
// Results on their way to the broker: each is said until the broker has it, in order, also across
// a reconnect. A Source in the sense of mqtt/session.h. Thread: the event loop's.

#include "mqtt/session.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace hi6gw::app {

class ResultSource final : public mqtt::Source {
  public:
    // Messages; while the broker is away no commands come, so what waits are the last ones of
    // before.
    static constexpr std::size_t kCapacity = 4096;

    // QoS 1, not retained. False: the oldest message had to go for it.
    bool add(std::string topic, std::string payload, std::string correlation);

    bool next(mqtt::Publication& out) override;
    // What the broker refuses is given up: it would be refused again.
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;

  private:
    struct Message {
        std::uint64_t id = 0;
        bool sent = false;
        std::string topic;
        std::string payload;
        std::string correlation;
    };
    std::deque<Message> messages_;  // oldest first, by ascending id
    std::uint64_t next_id_ = 1;
};

}  // namespace hi6gw::app
