#pragma once
// What the simulator's JSON bodies have in common: bounded parsing, members by kind, numbers to
// bits.

#include "sim/memory.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hi6gw::sim {

// nullopt: not JSON (nested deeper than 32 counts as that).
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);
[[nodiscard]] std::optional<boost::json::object> parse_object(std::string_view text);

// nullopt: absent or of another kind.
[[nodiscard]] std::optional<std::int64_t> integer_member(const boost::json::object& object,
                                                         std::string_view key);
[[nodiscard]] std::optional<std::string> string_member(const boost::json::object& object,
                                                       std::string_view key);
[[nodiscard]] std::optional<bool> bool_member(const boost::json::object& object,
                                              std::string_view key);

// The bits for a JSON number, or a string that holds one, as memory.h's encode().
[[nodiscard]] std::optional<std::uint32_t> encode(View view, const boost::json::value& value);

void append_json_string(std::string& out, std::string_view text);

}  // namespace hi6gw::sim
