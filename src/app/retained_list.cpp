#include "app/retained_list.h"

#include "app/topics.h"
#include "mqtt/topics.h"

#include <algorithm>
#include <unordered_set>

namespace hi6gw::app {
namespace {

constexpr std::string_view kHead = "hi6gw 1, retained at ";

std::string broker_of(const config::Config& config) {
    return config.mqtt.host + ':' + std::to_string(config.mqtt.port);
}

// Up to the next end of line, which is taken off `text` with it.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

}  // namespace

std::string retained_list(const config::Config& config, const std::vector<std::string>& left_over) {
    std::string text(kHead);
    text += broker_of(config) + '\n' + gateway_topic(config) + '\n';
    for (const config::Controller& controller : config.controllers) {
        for (const std::string& topic : retained_topics(config, controller)) {
            text += topic + '\n';
        }
    }
    for (const std::string& topic : left_over) {
        text += topic + '\n';
    }
    return text;
}

LeftOver left_over(std::string_view list, const config::Config& config) {
    LeftOver out;
    const std::string_view head = take_line(list);
    if (!head.starts_with(kHead)) {
        return out;
    }
    out.broker = head.substr(kHead.size());
    out.elsewhere = out.broker != broker_of(config);
    const std::string now = retained_list(config, {});
    std::unordered_set<std::string_view> seen;
    for (std::string_view rest = now; !rest.empty();) {
        seen.insert(take_line(rest));
    }
    while (!list.empty()) {
        const std::string_view line = take_line(list);
        if (!mqtt::topic_fault(line) && seen.insert(line).second) {
            out.topics.emplace_back(line);
        }
    }
    return out;
}

}  // namespace hi6gw::app
