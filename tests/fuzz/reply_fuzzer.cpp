// Controller replies: any bytes, for every parser of open_api.h.
#include "hi6/open_api.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hi6gw::hi6;
    constexpr std::byte kUntouched{0xee};
    const std::string_view body(reinterpret_cast<const char*>(data), size);

    std::array<std::byte, 32> out{};
    out.fill(kUntouched);
    const auto words = parse_words(body, out);
    const std::size_t written = words ? 4 * words->words : 0;
    if (written > out.size() ||
        !std::all_of(out.begin() + static_cast<std::ptrdiff_t>(written), out.end(),
                     [](std::byte b) { return b == std::byte{0xee}; })) {
        std::abort();
    }
    for (const Width width : {Width::bit, Width::byte, Width::word, Width::dword, Width::real}) {
        const auto single = parse_single(body, width);
        if (single && (words || (width == Width::bit && single->raw > 1) ||
                       (width == Width::byte && single->raw > 0xff) ||
                       (width == Width::word && single->raw > 0xffff))) {
            std::abort();
        }
    }
    static_cast<void>(parse_api_version(body));
    static_cast<void>(parse_system_version(body));
    return 0;
}
