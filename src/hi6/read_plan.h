#pragma once
// Which requests cover the due signals. Pure.

#include "hi6/address.h"
#include "hi6/open_api.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hi6gw::hi6 {

// Bytes that one signal needs, all of them in the same reply.
struct Extent {
    Area area;
    std::uint32_t first = 0;  // byte offset in the area
    std::uint32_t bytes = 0;  // 1, 2 or 4

    auto operator<=>(const Extent&) const = default;
};

inline constexpr std::uint32_t kDefaultBlockWords =
    30;  // a whole 960-bit block; the manual's largest example

// The fewest block reads of at most `max_words` words each that cover every extent whole (no value
// is torn between two replies). Areas are never read past their end. Sorted by area and start.
// Optimal: a window that starts at the leftmost uncovered extent covers all that any other window
// over that extent could cover. A window starts at byte 0 where that costs no further request,
// because byte 0 means the same in every reading of `st`; any other window ends with the last byte
// needed, since an fn window may be smaller than its area. The extents lie within areas that have a
// block read; max_words is at least 1.
[[nodiscard]] std::vector<BlockRead> cover(std::span<const Extent> extents,
                                           std::uint32_t max_words);

}  // namespace hi6gw::hi6
