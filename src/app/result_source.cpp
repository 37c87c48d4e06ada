#include "app/result_source.h"

#include <algorithm>
#include <utility>

namespace hi6gw::app {

bool ResultSource::add(std::string topic, std::string payload, std::string correlation) {
    const bool room = messages_.size() < kCapacity;
    if (!room) {
        messages_.pop_front();
    }
    messages_.push_back(
        {next_id_++, false, std::move(topic), std::move(payload), std::move(correlation)});
    return room;
}

bool ResultSource::next(mqtt::Publication& out) {
    const auto message = std::find_if(messages_.begin(), messages_.end(),
                                      [](const Message& waiting) { return !waiting.sent; });
    if (message == messages_.end()) {
        return false;
    }
    message->sent = true;
    out.topic = message->topic;
    out.payload = message->payload;
    out.correlation = message->correlation;
    out.qos = 1;
    out.retain = false;
    out.ticket = {message->id, {}};
    return true;
}

void ResultSource::settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) {
    const auto message = std::lower_bound(
        messages_.begin(), messages_.end(), ticket.id,
        [](const Message& candidate, std::uint64_t id) { return candidate.id < id; });
    if (message == messages_.end() || message->id != ticket.id) {
        return;
    }
    if (arrived || !why.empty()) {
        messages_.erase(message);
    } else {
        message->sent = false;
    }
}

}  // namespace hi6gw::app
