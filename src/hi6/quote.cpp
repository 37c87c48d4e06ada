#include "hi6/quote.h"

#include <fmt/format.h>

#include <iterator>

namespace hi6gw::hi6 {

std::string quoted(std::string_view bytes, std::size_t limit) {
    std::string out = "'";
    for (const char c : bytes.substr(0, limit)) {
        if (c >= ' ' && c <= '~' && c != '\'' && c != '\\') {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    out += bytes.size() > limit ? "'..." : "'";
    return out;
}

}  // namespace hi6gw::hi6
