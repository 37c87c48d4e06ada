#include "app/sweeper.h"

#include "app/retained_list.h"

#include <algorithm>

namespace hi6gw::app {

void Sweeper::sweep(const std::vector<std::string>& unused, const std::vector<std::string>& used) {
    for (const std::string& topic : used) {
        if (const auto found = by_topic_.find(topic); found != by_topic_.end()) {
            const std::uint64_t id = found->second;
            by_topic_.erase(found);
            items_.erase(id);
        }
    }
    for (const std::string& topic : unused) {
        if (!by_topic_.contains(topic)) {
            const auto item = items_.emplace(next_id_, Item{topic, false}).first;
            by_topic_.emplace(item->second.topic, next_id_++);
        }
    }
}

void Sweeper::clear() {
    by_topic_.clear();
    items_.clear();
    deleted_.clear();
}

bool Sweeper::next(mqtt::Publication& out) {
    auto item = items_.lower_bound(unsent_from_);
    item = std::find_if(item, items_.end(), [](const auto& one) { return !one.second.sent; });
    if (item == items_.end()) {
        unsent_from_ = next_id_;
        return false;
    }
    unsent_from_ = item->first + 1;
    item->second.sent = true;
    out.topic = item->second.topic;
    out.payload.clear();
    out.correlation.clear();
    out.qos = 1;
    out.retain = true;
    out.ticket = {item->first, {}};
    return true;
}

// What the broker refuses is given up: it would be refused again.
void Sweeper::settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) {
    const auto item = items_.find(ticket.id);
    if (item == items_.end()) {
        return;
    }
    if (arrived || !why.empty()) {
        deleted_.push_back(topic_hash(item->second.topic));
        by_topic_.erase(item->second.topic);
        items_.erase(item);
    } else {
        item->second.sent = false;
        unsent_from_ = std::min(unsent_from_, ticket.id);
    }
}

}  // namespace hi6gw::app
