#include "mqtt/topics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hi6gw::mqtt {

namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`; 0: there is none. The bounds of
// the second byte are Unicode's table 3-7: they exclude long forms, surrogates and what lies above
// U+10FFFF.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const auto first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                               : first >= 0xe0 && first <= 0xef ? 3
                               : first >= 0xf0 && first <= 0xf4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) {
        return 0;
    }
    const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) {
        return 0;
    }
    for (std::size_t at = 2; at < length; ++at) {
        if ((byte(at) & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

std::string braced_list(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) {
        out += (out.empty() ? "{" : " {") + name + "}";
    }
    return out;
}

std::string_view value_of(const TopicTemplate::Values& values, std::string_view placeholder) {
    return placeholder == "prefix"       ? values.prefix
           : placeholder == "gateway"    ? values.gateway
           : placeholder == "controller" ? values.controller
           : placeholder == "signal"     ? values.signal
                                         : values.client;
}

}  // namespace

std::size_t utf8_prefix(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto length = sequence_length(text.substr(at));
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

bool is_utf8(std::string_view text) {
    return utf8_prefix(text) == text.size();
}

bool has_control_character(std::string_view utf8) {
    for (std::size_t at = 0; at < utf8.size(); ++at) {
        const auto byte = static_cast<std::uint8_t>(utf8[at]);
        const bool c1 =
            byte == 0xc2 && at + 1 < utf8.size() && static_cast<std::uint8_t>(utf8[at + 1]) < 0xa0;
        if (byte < 0x20 || byte == 0x7f || c1) {
            return true;
        }
    }
    return false;
}

std::optional<std::string> topic_fault(std::string_view topic) {
    if (topic.empty()) {
        return "is empty";
    }
    if (topic.size() > kMaxTopicBytes) {
        return "is " + std::to_string(topic.size()) + " bytes long; at most 65535 are allowed";
    }
    if (!is_utf8(topic)) {
        return "is not valid UTF-8";
    }
    if (has_control_character(topic)) {
        return "contains a control character";
    }
    if (topic.find_first_of("+#") != std::string_view::npos) {
        return "contains + or #, which are wildcards of subscriptions";
    }
    if (topic.front() == '$') {
        return "starts with $, which is reserved for the broker";
    }
    return std::nullopt;
}

Result<TopicTemplate> TopicTemplate::parse(std::string_view text,
                                           const std::vector<std::string>& allowed) {
    if (const auto fault = topic_fault(text)) {
        return Fault{"the topic template " + *fault};
    }
    TopicTemplate result;
    while (!text.empty()) {
        const auto brace = std::min(text.find_first_of("{}"), text.size());
        if (brace > 0) {
            result.parts_.push_back({false, std::string(text.substr(0, brace))});
            text.remove_prefix(brace);
            continue;
        }
        const auto close = text.find('}', 1);
        if (text.front() == '}' || close == std::string_view::npos) {
            return Fault{text.front() == '}' ? "} without {" : "{ without }"};
        }
        std::string name(text.substr(1, close - 1));
        if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
            return Fault{"unknown placeholder {" + name +
                         "}; allowed here: " + braced_list(allowed)};
        }
        result.parts_.push_back({true, std::move(name)});
        text.remove_prefix(close + 1);
    }
    if (auto fault = result.fault()) {
        return *std::move(fault);
    }
    return result;
}

std::optional<Fault> TopicTemplate::fault() const {
    for (const std::string_view once : {"signal", "client"}) {
        if (std::count_if(parts_.begin(), parts_.end(), [&](const Part& part) {
                return part.placeholder && part.text == once;
            }) > 1) {
            return Fault{"{" + std::string(once) + "} may appear once only"};
        }
    }
    for (std::size_t at = 0; at < parts_.size(); ++at) {
        if (!parts_[at].placeholder || parts_[at].text != "client") {
            continue;
        }
        const bool starts =
            at == 0 || (!parts_[at - 1].placeholder && parts_[at - 1].text.back() == '/');
        const bool ends = at + 1 == parts_.size() ||
                          (!parts_[at + 1].placeholder && parts_[at + 1].text.front() == '/');
        if (!starts || !ends) {
            return Fault{"{client} must be a whole topic level, as in .../{client}/..."};
        }
    }
    return std::nullopt;
}

std::string TopicTemplate::expand(const Values& values) const {
    std::string topic;
    for (const auto& part : parts_) {
        topic += part.placeholder ? value_of(values, part.text) : std::string_view(part.text);
    }
    return topic;
}

TopicTemplate::Ends TopicTemplate::ends(const Values& values) const {
    Ends ends;
    std::string* end = &ends.before;
    for (const auto& part : parts_) {
        if (part.placeholder && part.text == "signal") {
            end = &ends.after;
        } else {
            *end += part.placeholder ? value_of(values, part.text) : std::string_view(part.text);
        }
    }
    return ends;
}

std::string TopicTemplate::filter(const Values& values) const {
    Values with_wildcard = values;
    with_wildcard.client = "+";
    return expand(with_wildcard);
}

bool TopicTemplate::uses(std::string_view placeholder) const {
    return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
        return part.placeholder && part.text == placeholder;
    });
}

}  // namespace hi6gw::mqtt
