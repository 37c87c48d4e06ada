#include "sim/json.h"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <iterator>
#include <limits>

namespace hi6gw::sim {

namespace json = boost::json;

std::optional<json::value> parse_json(std::string_view text) {
    json::error_code error;
    auto value = json::parse({text.data(), text.size()}, error);
    return error ? std::nullopt : std::optional(std::move(value));
}

std::optional<json::object> parse_object(std::string_view text) {
    auto value = parse_json(text);
    if (!value || !value->is_object()) {
        return std::nullopt;
    }
    return std::move(value->get_object());
}

std::optional<std::int64_t> integer_member(const json::object& object, std::string_view key) {
    const auto* const member = object.if_contains({key.data(), key.size()});
    return member != nullptr && member->is_int64() ? std::optional(member->get_int64())
                                                   : std::nullopt;
}

std::optional<std::string> string_member(const json::object& object, std::string_view key) {
    const auto* const member = object.if_contains({key.data(), key.size()});
    if (member == nullptr || !member->is_string()) {
        return std::nullopt;
    }
    return std::string(member->get_string().data(), member->get_string().size());
}

std::optional<bool> bool_member(const json::object& object, std::string_view key) {
    const auto* const member = object.if_contains({key.data(), key.size()});
    return member != nullptr && member->is_bool() ? std::optional(member->get_bool())
                                                  : std::nullopt;
}

std::optional<std::uint32_t> encode(View view, const json::value& value) {
    if (value.is_int64()) {
        return encode(view, value.get_int64());
    }
    if (value.is_uint64()) {
        return encode(view, double(value.get_uint64()));
    }
    if (value.is_double()) {
        return encode(view, value.get_double());
    }
    if (value.is_string()) {
        return encode(view, std::string_view(value.get_string().data(), value.get_string().size()));
    }
    return std::nullopt;
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c >= ' ' && c <= '~') {
            out += c;
        } else {
            // Any byte is legal in what clients send; as Latin-1 it is always valid JSON.
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", unsigned(std::uint8_t(c)));
        }
    }
    out += '"';
}

}  // namespace hi6gw::sim
