#include "app/reload.h"

#include "app/topics.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace hi6gw::app {
namespace {

// What a running gateway keeps, whatever the file says now (config/README.md, "restart").
void keep_for_a_restart(const config::Config& before, config::Config& fresh, Reload& out) {
    const auto keep = [&out](const char* key, const auto& old, auto& now) {
        if (now != old) {
            out.restart.emplace_back(key);
            now = old;
        }
    };
    if (fresh.mqtt.client_id == "hi6gw-" + fresh.gateway.id &&
        fresh.gateway.id != before.gateway.id) {  // by default
        fresh.mqtt.client_id = "hi6gw-" + before.gateway.id;
    }
    keep("gateway.id", before.gateway.id, fresh.gateway.id);
    keep("gateway.state_dir", before.gateway.state_dir, fresh.gateway.state_dir);
    keep("log.format", before.log.format, fresh.log.format);
    keep("http", before.http, fresh.http);
    keep("events", before.events, fresh.events);
}

void count(const config::Config& before, const config::Config& after, Reload& out) {
    std::unordered_map<std::string_view, const config::Controller*> known;
    for (const config::Controller& one : before.controllers) {
        known.emplace(one.name, &one);
    }
    for (const config::Controller& one : after.controllers) {
        const auto old = known.find(one.name);
        if (old == known.end()) {
            ++out.added;
            continue;
        }
        out.changed += old->second != &one ? 1U : 0U;
        known.erase(old);
    }
    out.removed = known.size();
}

// Of the controllers that are not the same object in both.
std::vector<std::string> retained_of(const config::Config& config, const config::Config& other,
                                     bool all) {
    std::unordered_set<const config::Controller*> same;
    for (const config::Controller& one : other.controllers) {
        same.insert(&one);
    }
    std::vector<std::string> out;
    for (const config::Controller& one : config.controllers) {
        if (all || !same.contains(&one)) {
            std::vector<std::string> topics = retained_topics(config, one);
            std::move(topics.begin(), topics.end(), std::back_inserter(out));
        }
    }
    return out;
}

}  // namespace

bool same_place(const config::Controller& a, const config::Controller& b) {
    return a.host == b.host && a.port == b.port;
}

Reload plan_reload(const std::shared_ptr<const config::Config>& old, config::Config fresh) {
    Reload out;
    const config::Config& before = *old;
    keep_for_a_restart(before, fresh, out);
    fresh.controllers.share_equal(before.controllers);
    out.nothing = fresh == before;
    out.config = std::make_shared<const config::Config>(std::move(fresh));
    const config::Config& after = *out.config;
    out.lanes = after.topics != before.topics || after.payload != before.payload;
    out.level = after.log.level != before.log.level;
    const bool other_topic = gateway_topic(after) != gateway_topic(before);
    out.session = after.mqtt != before.mqtt || other_topic;
    out.farewell =
        other_topic || after.mqtt.host != before.mqtt.host || after.mqtt.port != before.mqtt.port;
    count(before, after, out);
    out.used = retained_of(after, before, out.lanes);
    if (other_topic) {
        out.used.push_back(gateway_topic(after));
    }
    const std::unordered_set<std::string_view> used(out.used.begin(), out.used.end());
    out.unused = retained_of(before, after, out.lanes);
    if (other_topic) {
        out.unused.push_back(gateway_topic(before));
    }
    std::erase_if(out.unused, [&used](const std::string& topic) { return used.contains(topic); });
    return out;
}

}  // namespace hi6gw::app
