#include "mqtt/payload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>
#include <variant>

namespace hi6gw::mqtt {
namespace {

constexpr std::ptrdiff_t kMostDigits = 17;

void append_integer(std::string& out, std::int64_t number) {
    std::array<char, 24> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    out.append(buffer.data(), end.ptr);
}

// std::to_chars finds the shortest digits that read back to the same number of this very type,
// whatever the locale.
template <class Real>
void append_real(std::string& out, Real number) {
    if (!std::isfinite(number)) {
        out += "null";  // JSON has no word for it; a Value never holds one
        return;
    }
    // A sign, "0.", and as many zeros as the smallest denormal has before its digits.
    constexpr std::size_t kLongest =
        static_cast<std::size_t>(-std::numeric_limits<Real>::min_exponent10) + 40;
    std::array<char, std::max<std::size_t>(kLongest, std::numeric_limits<Real>::max_exponent10 + 4)>
        buffer{};
    char* const begin = buffer.data();
    char* const limit = begin + buffer.size();

    const char* end = std::to_chars(begin, limit, number, std::chars_format::fixed).ptr;
    const std::ptrdiff_t digits =
        std::count_if(static_cast<const char*>(begin), end, [](char c) { return c >= '0'; });
    const bool leading_zero = std::abs(number) < Real{1};
    if (digits - (leading_zero ? 1 : 0) > kMostDigits) {
        end = std::to_chars(begin, limit, number, std::chars_format::scientific).ptr;
    }
    const std::string_view text(begin, static_cast<std::size_t>(end - begin));
    const std::size_t mantissa = std::min(text.find('e'), text.size());
    out += text.substr(0, mantissa);
    if (text.find('.') == std::string_view::npos) {
        out += ".0";
    }
    out += text.substr(mantissa);
}

// Length of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table 3-7), 0 if
// there is none.
std::size_t utf8_sequence(std::string_view text) {
    const auto at = [text](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto continues = [&at](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
    const unsigned lead = at(0);
    const unsigned second = at(1);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return continues(1) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool overlong = lead == 0xE0 && second < 0xA0;
        const bool surrogate = lead == 0xED && second > 0x9F;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool overlong = lead == 0xF0 && second < 0x90;
        const bool beyond = lead == 0xF4 && second > 0x8F;
        return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

void append_ascii(std::string& out, char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
    } else if (byte < 0x20) {
        out += "\\u00";
        out += kHex[byte >> 4U];
        out += kHex[byte & 0xFU];
    } else {
        out += c;
    }
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
    out += ",\"";
    out += key;
    out += "\":";
    append_json_string(out, text);
}

}  // namespace

void append_value(std::string& out, const domain::Value& value) {
    std::visit(
        [&out](auto held) {
            using Held = decltype(held);
            if constexpr (std::is_same_v<Held, std::monostate>) {
                out += "null";
            } else if constexpr (std::is_same_v<Held, std::int64_t>) {
                append_integer(out, held);
            } else {
                append_real(out, held);
            }
        },
        value);
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        if (length == 0) {
            out += "\xEF\xBF\xBD";
        } else if (length == 1) {
            append_ascii(out, text.front());
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    out += '"';
}

void append_state(std::string& out, const domain::Value& value, std::int64_t timestamp_ms,
                  domain::Quality quality, const std::string* text) {
    out += R"({"value":)";
    append_value(out, value);
    out += R"(,"timestamp":)";
    append_integer(out, timestamp_ms);
    out += R"(,"quality":)";
    append_integer(out, static_cast<std::int64_t>(quality));
    if (text != nullptr) {
        append_member(out, "text", *text);
    }
    out += '}';
}

void append_status(std::string& out, const ControllerStatus& status) {
    out += R"({"state":)";
    append_json_string(out, status.state);
    out += R"(,"timestamp":)";
    append_integer(out, status.timestamp_ms);
    append_member(out, "reason", status.reason);
    append_member(out, "read_mode", status.read_mode);
    out += '}';
}

void append_gateway_status(std::string& out, std::string_view state, std::int64_t timestamp_ms,
                           std::string_view version, std::string_view reason, bool time_sync) {
    out += R"({"state":)";
    append_json_string(out, state);
    out += R"(,"timestamp":)";
    append_integer(out, timestamp_ms);
    append_member(out, "version", version);
    if (!reason.empty()) {
        append_member(out, "reason", reason);
    }
    out += time_sync ? "}" : R"(,"time_sync":false})";
}

}  // namespace hi6gw::mqtt
