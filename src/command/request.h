#pragma once
// The payload of a set-command as its sender wrote it: a bare scalar or a JSON object. Pure; takes
// any bytes, holds no more than a copy of them. Strict: duplicate and unknown keys, other types,
// nesting, trailing bytes, comments and trailing commas are errors (RFC 8259; contract section 5).

#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace hi6gw::command {

inline constexpr std::size_t kLongestPayload = 4096;
inline constexpr std::size_t kLongestId = 128;
inline constexpr std::chrono::milliseconds kLongestTtl{600'000};
inline constexpr std::chrono::milliseconds kLongestPulse{60'000};

// What was asked for, before the signal says what it means. A string (or a bare word) may be an
// enum text, on, off, true, false, or a hexadecimal number: encode.h decides. Never NaN or
// infinite.
using Scalar = std::variant<bool, std::int64_t, double, std::string>;

struct Request {
    Scalar value;
    std::optional<Scalar> expect;
    std::optional<std::chrono::milliseconds> ttl;    // 1..kLongestTtl
    std::optional<std::chrono::milliseconds> pulse;  // 1..kLongestPulse
    std::string id;                                  // 1..kLongestId bytes; empty: none was given

    bool operator==(const Request&) const = default;
};

// `id`, when not null, receives the id as soon as it has been read, so that a refusal of what
// follows can name it.
[[nodiscard]] Result<Request> parse_request(std::string_view payload, std::string* id = nullptr);

// A number in JSON's grammar, or nullopt (other text, or too large for a double). Integers beyond
// 64 bits become doubles. Correctly rounded.
[[nodiscard]] std::optional<std::variant<std::int64_t, double>> parse_number(std::string_view text);

}  // namespace hi6gw::command
