#pragma once
// Outgoing payloads as text (design contract section 4). Pure; appends to a caller's buffer so that
// the publish path allocates nothing. Numbers never depend on the locale; never NaN or Infinity.

#include "domain/quality.h"
#include "domain/value.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hi6gw::mqtt {

// "1", "-56", "2.718", "12.3", "1.0" (floats and scaled always with a decimal point, an exponent
// only where the digits would be more than 17), "null". A float has the shortest digits that read
// back to the same float.
void append_value(std::string& out, const domain::Value& value);

// JSON string with quotes; any bytes: invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// {"value":1,"timestamp":1763900000123,"quality":192} and ,"text":"closed" when `text` is not null.
void append_state(std::string& out, const domain::Value& value, std::int64_t timestamp_ms,
                  domain::Quality quality, const std::string* text);

struct ControllerStatus {
    std::string_view state;  // online degraded offline
    std::int64_t timestamp_ms = 0;
    std::string_view reason;
    std::string_view read_mode;  // block single
};
void append_status(std::string& out, const ControllerStatus& status);

// {"state":"online","timestamp":...,"version":"0.1.0"}, and ,"reason":"..." when there is one: what
// does not work. `time_sync`: false is told: the timestamps are those of a clock that has not been
// set.
void append_gateway_status(std::string& out, std::string_view state, std::int64_t timestamp_ms,
                           std::string_view version, std::string_view reason = {},
                           bool time_sync = true);

}  // namespace hi6gw::mqtt
