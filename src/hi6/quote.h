#pragma once
// Bytes from outside, made safe for an error text. Pure rooms do not link the logger, hence this
// small relative of log::printable.

#include <string>
#include <string_view>

namespace hi6gw::hi6 {

// Printable ASCII stays, anything else (and quotes and backslashes) becomes \xNN; at most `limit`
// bytes of the input, then "...". In single quotes.
[[nodiscard]] std::string quoted(std::string_view bytes, std::size_t limit = 64);

}  // namespace hi6gw::hi6
