#include "sim/faults.h"

#include "sim/json.h"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hi6gw::sim {
namespace {

struct ActionTraits {
    std::string_view name;
    bool applies;  // whether a write takes effect unless the rule says otherwise
};
constexpr std::array<ActionTraits, 12> kActions = {{{"delay", true},
                                                    {"hang", false},
                                                    {"reset_before", false},
                                                    {"reset_after", true},
                                                    {"close_before", false},
                                                    {"close_after", true},
                                                    {"status", false},
                                                    {"garbage", true},
                                                    {"body", true},
                                                    {"raw", true},
                                                    {"dribble", true},
                                                    {"stall_body", true}}};
constexpr std::array<std::string_view, 10> kKeys = {"path", "method", "count", "skip",  "action",
                                                    "ms",   "status", "body",  "apply", "close"};
constexpr std::int64_t kLongest = 3'600'000;  // ms

// Strings in JSON are UTF-8; bytes on the wire are not. U+0080-U+00FF become one byte each.
std::string to_bytes(std::string_view utf8) {
    std::string bytes;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto lead = std::uint8_t(utf8[i]);
        if ((lead == 0xC2 || lead == 0xC3) && i + 1 < utf8.size()) {
            bytes += char((lead & 3U) << 6 | (std::uint8_t(utf8[++i]) & 0x3FU));
        } else {
            bytes += utf8[i];
        }
    }
    return bytes;
}

std::string parse(const boost::json::object& json, Fault& fault) {
    for (const auto& member : json) {
        if (std::find(kKeys.begin(), kKeys.end(),
                      std::string_view(member.key().data(), member.key().size())) == kKeys.end()) {
            return fmt::format("unknown key {}; known: {}",
                               std::string_view(member.key().data(), member.key().size()),
                               fmt::join(kKeys, " "));
        }
    }
    const auto name = string_member(json, "action").value_or("");
    const auto* const found = std::find_if(kActions.begin(), kActions.end(),
                                           [&](const auto& each) { return each.name == name; });
    if (found == kActions.end()) {
        return fmt::format(
            "action: one of delay hang reset_before reset_after close_before "
            "close_after status garbage body raw dribble stall_body");
    }
    const auto ms = integer_member(json, "ms").value_or(0);
    const auto status = integer_member(json, "status").value_or(500);
    fault.path = string_member(json, "path").value_or("*");
    fault.method = string_member(json, "method").value_or("*");
    fault.count = integer_member(json, "count").value_or(1);
    fault.skip = integer_member(json, "skip").value_or(0);
    if (ms < 0 || ms > kLongest || status < 200 || status > 599 || fault.count < -1 ||
        fault.skip < 0) {
        return "ms: 0-3600000, status: 200-599, count: from -1, skip: from 0";
    }
    fault.action = Action(found - kActions.begin());
    fault.ms = std::chrono::milliseconds(ms);
    fault.status = unsigned(status);
    fault.body = string_member(json, "body");
    if (fault.body && fault.action == Action::raw) {
        fault.body = to_bytes(*fault.body);
    }
    if (!fault.body && (fault.action == Action::body || fault.action == Action::raw)) {
        return fmt::format("body: missing, {} sends it", name);
    }
    fault.apply = bool_member(json, "apply").value_or(found->applies);
    fault.close = bool_member(json, "close").value_or(false);
    return {};
}

}  // namespace

std::string_view to_string(Action action) {
    return kActions[std::size_t(action)].name;
}

std::string Faults::add(const boost::json::value& json) {
    std::vector<Fault> added;
    const auto add_one = [&](const boost::json::value& each) -> std::string {
        return each.is_object() ? parse(each.get_object(), added.emplace_back())
                                : "a fault is a JSON object";
    };
    if (json.is_array()) {
        for (const auto& each : json.get_array()) {
            if (auto error = add_one(each); !error.empty()) {
                return error;
            }
        }
    } else if (auto error = add_one(json); !error.empty()) {
        return error;
    }
    if (faults_.size() + added.size() > kMost) {
        return "too many faults";
    }
    faults_.insert(faults_.end(), added.begin(), added.end());
    return {};
}

std::optional<Fault> Faults::match(std::string_view method, std::string_view target) {
    for (auto& fault : faults_) {
        if (fault.count == 0 || (fault.method != "*" && fault.method != method) ||
            (fault.path != "*" && target.find(fault.path) == std::string_view::npos)) {
            continue;
        }
        if (fault.skip > 0) {
            --fault.skip;
            continue;
        }
        fault.count -= fault.count > 0 ? 1 : 0;
        ++fault.hits;
        return fault;
    }
    return std::nullopt;
}

std::string Faults::to_json() const {
    std::string out = "[";
    for (const auto& fault : faults_) {
        out += out.size() > 1 ? ",\n" : "";
        out += R"({"path":)";
        append_json_string(out, fault.path);
        out += R"(,"method":)";
        append_json_string(out, fault.method);
        out += fmt::format(R"(,"action":"{}","count":{},"skip":{},"hits":{}}})",
                           to_string(fault.action), fault.count, fault.skip, fault.hits);
    }
    return out + "]";
}

}  // namespace hi6gw::sim
