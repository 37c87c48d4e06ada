#include "command/id_memory.h"

#include <algorithm>
#include <utility>

namespace hi6gw::command {

IdMemory::Seen IdMemory::look(const std::string& key, const Content& content,
                              Clock::time_point now) {
    // Oldest first, so this stops at the first young one; a running one is passed over.
    for (auto it = entries_.begin(); it != entries_.end() && now - it->begun >= kKept;) {
        const auto next = std::next(it);
        if (it->result) {
            erase(it);
        }
        it = next;
    }
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        return Seen::fresh;
    }
    const Entry& entry = *found->second;
    if (!(entry.content == content)) {
        return Seen::reused;
    }
    return entry.result ? Seen::ended : Seen::running;
}

void IdMemory::begin(const std::string& key, Content content, Clock::time_point now) {
    if (entries_.size() >= capacity_) {
        const auto oldest = std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
            return entry.result.has_value();
        });
        if (oldest != entries_.end()) {
            erase(oldest);
        }
    }
    entries_.push_back({key, std::move(content), now, std::nullopt, {}});
    by_key_[key] = std::prev(entries_.end());
}

bool IdMemory::wait(const std::string& key, ReplyTo reply) {
    auto& waiting = by_key_.at(key)->waiting;
    if (waiting.size() >= kWaiting) {
        return false;
    }
    waiting.push_back(std::move(reply));
    return true;
}

const CommandResult& IdMemory::ended(const std::string& key) const {
    return by_key_.at(key)->result.value();
}

std::vector<ReplyTo> IdMemory::end(const std::string& key, const CommandResult& result) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        return {};
    }
    found->second->result = result;
    return std::exchange(found->second->waiting, {});
}

std::vector<ReplyTo> IdMemory::forget(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        return {};
    }
    auto waiting = std::move(found->second->waiting);
    erase(found->second);
    return waiting;
}

void IdMemory::erase(Entries::iterator entry) {
    by_key_.erase(entry->key);
    entries_.erase(entry);
}

}  // namespace hi6gw::command
