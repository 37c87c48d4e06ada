#include "app/retained_list.h"

#include "app/topics.h"
#include "mqtt/topics.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace hi6gw::app {
namespace {

// No topic has a #.
constexpr std::string_view kHead = "# hi6gw 1, retained at ";

// Up to the next end of line, which is taken off `text` with it.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

// What `config` fills, into `text`; the hashes of it.
std::vector<std::uint64_t> append_filled(std::string& text, const config::Config& config) {
    std::vector<std::uint64_t> hashes;
    const auto append = [&](const std::string& topic) {
        text.append(topic).push_back('\n');
        hashes.push_back(topic_hash(topic));
    };
    append(gateway_topic(config));
    for (const config::Controller& controller : config.controllers) {
        const std::vector<std::string> topics = retained_topics(config, controller);
        std::for_each(topics.begin(), topics.end(), append);
    }
    return hashes;
}

}  // namespace

std::uint64_t topic_hash(std::string_view topic) {
    return std::hash<std::string_view>()(topic);
}

std::string broker_name(const config::Config& config) {
    return config.mqtt.host + ':' + std::to_string(config.mqtt.port);
}

RetainedList retained_list(std::string_view before, const config::Config& config,
                           std::vector<std::uint64_t> deleted, std::size_t most) {
    RetainedList out;
    const std::string present = broker_name(config);
    out.text.append(kHead).append(present).push_back('\n');
    // Neither what is filled nor what is deleted is left over.
    std::vector<std::uint64_t> known = append_filled(out.text, config);
    known.insert(known.end(), deleted.begin(), deleted.end());
    std::sort(known.begin(), known.end());
    out.foreign = !before.empty() && !before.starts_with(kHead);
    std::string others;
    bool here = false;
    while (!before.empty() && !out.foreign) {
        const std::string_view line = take_line(before);
        if (line.starts_with(kHead)) {
            const std::string_view broker = line.substr(kHead.size());
            here = broker == present;
            if (!here && out.elsewhere.size() == RetainedList::kMostOthers) {
                break;
            }
            if (!here) {
                out.elsewhere.emplace_back(broker);
                others.append(line).push_back('\n');
            }
        } else if (mqtt::topic_fault(line)) {
            continue;
        } else if (!here) {
            others.append(line).push_back('\n');
        } else if (!std::binary_search(known.begin(), known.end(), topic_hash(line))) {
            out.text.append(line).push_back('\n');
            if (++out.left_over <= most) {
                out.first.emplace_back(line);
            }
        }
    }
    out.text += others;
    return out;
}

}  // namespace hi6gw::app
