// Address notation: any bytes; what is accepted must be written back the same.
#include "hi6/address.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hi6gw::hi6;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const IndexUnit unit : {IndexUnit::byte, IndexUnit::element}) {
        const auto address = parse_address(text, unit);
        if (!address) {
            continue;
        }
        const BitRange range = bit_range(*address, unit);
        const auto again = parse_address(to_string(*address), unit);
        if (range.first + range.count > 8 * area_bytes(address->area) || !again ||
            *again != *address) {
            std::abort();
        }
    }
    return 0;
}
