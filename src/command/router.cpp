#include "command/router.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hi6gw::command {
namespace {

const std::vector<std::string> kPlaceholders{"prefix", "gateway", "controller", "signal", "client"};

// Validated by the loader: an error here is a programmer's mistake and throws.
mqtt::TopicTemplate parsed(const std::string& text) {
    return mqtt::TopicTemplate::parse(text, kPlaceholders).value();
}

// The start and end of level `index`, counted from 0.
std::optional<std::pair<std::size_t, std::size_t>> level(std::string_view topic,
                                                         std::size_t index) {
    std::size_t begin = 0;
    for (; index > 0; --index) {
        const auto slash = topic.find('/', begin);
        if (slash == std::string_view::npos) {
            return std::nullopt;
        }
        begin = slash + 1;
    }
    return std::pair(begin, std::min(topic.find('/', begin), topic.size()));
}

// before + name + after, with the client in the place of its wildcard, of which there is at most
// one.
std::string result_topic(const mqtt::TopicTemplate::Ends& ends, std::string_view name,
                         std::string_view client) {
    std::string topic = ends.before;
    topic.append(name).append(ends.after);
    const auto plus = topic.find('+');  // no name of ours, nor one that arrived in a topic, has one
    return plus == std::string::npos ? topic : topic.replace(plus, 1, client);
}

// The name rules of the configuration; topic_fault() has seen to wildcards and UTF-8.
bool may_be_name(std::string_view name) {
    return !name.empty() && name.size() <= Router::kLongestName &&
           name.find('$') == std::string_view::npos && !mqtt::has_control_character(name);
}

}  // namespace

Router::Router(const config::Config& config)
    : config_(config), reply_prefix_(config.topics.prefix + "/reply/") {
    const auto set = parsed(config.topics.set);
    const auto result = parsed(config.topics.result);
    const config::Topics& topics = config.topics;
    std::vector<std::string> published;  // what our own topics begin with
    has_client_ = set.uses("client");
    for (const auto& controller : config.controllers) {
        const mqtt::TopicTemplate::Values values{
            topics.prefix, config.gateway.id, controller.name, {}, "+"};
        set_.push_back(set.ends(values));
        result_.push_back(result.ends(values));
        for (const auto& text :
             {topics.state, topics.event, topics.result, topics.status, topics.gateway}) {
            published.push_back(parsed(text).ends(values).before);
        }
    }
    for (std::size_t c = 0; c < config.controllers.size(); ++c) {
        const auto& signals = config.controllers[c].signals;
        std::vector<std::uint32_t>& order = by_name_.emplace_back(signals.size());
        std::iota(order.begin(), order.end(), 0U);
        std::ranges::sort(order, {},
                          [&](std::uint32_t s) { return std::string_view(signals[s].name); });
        for (std::size_t s = 0; has_client_ && s < signals.size(); ++s) {
            const std::string key = set_[c].before + signals[s].name + set_[c].after;
            const auto plus = key.find('+');
            const auto at = std::count(key.begin(), key.begin() + static_cast<long>(plus), '/');
            client_levels_.push_back(static_cast<std::size_t>(at));
        }
        std::sort(client_levels_.begin(), client_levels_.end());
        client_levels_.erase(std::unique(client_levels_.begin(), client_levels_.end()),
                             client_levels_.end());
        add_filters(c, published);
    }
}

void Router::add_filters(std::size_t controller, const std::vector<std::string>& published) {
    const Ends& ends = set_[controller];
    const std::string fixed = ends.before.substr(0, ends.before.find('+'));
    const bool ours = std::any_of(published.begin(), published.end(), [&](const auto& start) {
        return start.starts_with(fixed) || fixed.starts_with(start);
    });
    if (ends.after.empty() && ends.before.ends_with('/') && !ours) {
        filters_.push_back(ends.before + "#");
        return;
    }
    for (const auto& signal : config_.controllers[controller].signals) {
        filters_.push_back(ends.before + signal.name + ends.after);
    }
}

Match Router::match(std::string_view topic) const {
    if (mqtt::topic_fault(topic)) {
        return {};
    }
    if (!has_client_) {
        return match_key(topic, {});
    }
    Match unknown;
    for (const std::size_t index : client_levels_) {
        const auto found = level(topic, index);
        if (!found) {
            continue;
        }
        const auto client = topic.substr(found->first, found->second - found->first);
        if (client.empty() || client.size() > kLongestClient ||
            mqtt::has_control_character(client)) {
            continue;
        }
        std::string key(topic);
        key.replace(found->first, client.size(), "+");
        Match match = match_key(key, client);
        if (match.target) {
            return match;
        }
        if (unknown.result_topic.empty()) {
            unknown = std::move(match);
        }
    }
    return unknown;
}

Match Router::match_key(std::string_view key, std::string_view client) const {
    Match unknown;
    for (std::size_t c = 0; c < set_.size(); ++c) {
        const Ends& ends = set_[c];
        if (key.size() <= ends.before.size() + ends.after.size() || !key.starts_with(ends.before) ||
            !key.ends_with(ends.after)) {
            continue;
        }
        const auto name =
            key.substr(ends.before.size(), key.size() - ends.before.size() - ends.after.size());
        if (const auto signal = find(c, name)) {
            return {Target{c, *signal}, result_topic(result_[c], name, client),
                    std::string(client)};
        }
        if (unknown.result_topic.empty() && may_be_name(name)) {
            unknown = {std::nullopt, result_topic(result_[c], name, client), std::string(client)};
        }
    }
    return unknown;
}

std::optional<std::size_t> Router::find(std::size_t controller, std::string_view name) const {
    const auto& signals = config_.controllers[controller].signals;
    const std::vector<std::uint32_t>& order = by_name_[controller];
    const auto name_of = [&](std::uint32_t s) { return std::string_view(signals[s].name); };
    const auto at = std::ranges::lower_bound(order, name, {}, name_of);
    if (at == order.end() || name_of(*at) != name) {
        return std::nullopt;
    }
    return *at;
}

std::optional<Target> Router::find_writable(std::string_view controller,
                                            const hi6::Address& address,
                                            std::string_view signal) const {
    for (std::size_t c = 0; c < config_.controllers.size(); ++c) {
        if (config_.controllers[c].name != controller) {
            continue;
        }
        const auto& signals = config_.controllers[c].signals;
        for (std::size_t s = 0; s < signals.size(); ++s) {
            if (signals[s].address == address && signals[s].options->writable &&
                (signal.empty() || signals[s].name == signal)) {
                return Target{c, s};
            }
        }
    }
    return std::nullopt;
}

}  // namespace hi6gw::command
