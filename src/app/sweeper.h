#pragma once
// Deletes retained messages of topics that another configuration has left without an owner: an
// empty retained message each (MQTT 5.0, 3.3.1.3), said until the broker has it. A Source in the
// sense of mqtt/session.h. Thread: the event loop's.

#include "mqtt/session.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hi6gw::app {

class Sweeper final : public mqtt::Source {
  public:
    // `unused` are to be deleted; `used` are not, should they wait here.
    void sweep(const std::vector<std::string>& unused, const std::vector<std::string>& used);
    [[nodiscard]] std::size_t waiting() const { return by_topic_.size(); }
    // Hashes (retained_list.h) of those that have gone since the last call.
    [[nodiscard]] std::vector<std::uint64_t> take_deleted() { return std::exchange(deleted_, {}); }
    void clear();  // none is to be deleted any more

    bool next(mqtt::Publication& out) override;
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;

  private:
    struct Item {
        std::string topic;
        bool sent = false;
    };
    std::map<std::uint64_t, Item> items_;  // no more than the topics of the configurations before
    std::unordered_map<std::string_view, std::uint64_t> by_topic_;  // of items_
    std::vector<std::uint64_t> deleted_;                            // taken once a second
    std::uint64_t next_id_ = 1;
    std::uint64_t unsent_from_ = 1;  // none before this one is unsent
};

}  // namespace hi6gw::app
