#pragma once
// Raw bits to engineering values. Pure; exact for every bit pattern.

#include "base/result.h"
#include "domain/signal_options.h"
#include "domain/value.h"
#include "hi6/address.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hi6gw::hi6 {

// The raw bits of a value of `width`, zero-extended: a bit is 0 or 1, a byte 0..255, a word
// 0..65535, a float its IEEE 754 pattern. `bytes` starts at the value's first byte and holds at
// least width_bytes(width).
[[nodiscard]] std::uint32_t extract(std::span<const std::byte> bytes, Width width,
                                    std::uint32_t bit_in_byte);

// What is published for these raw bits: sign or `is_unsigned`, `invert`, scale and offset. Scaling
// is done on the decimal digits that raw value, scale and offset are written with, and rounded once
// to the nearest double: raw 3 at scale 0.1 is 0.3, not 0.30000000000000004. nullopt: a float that
// is NaN or infinite, or a scaled result that is not finite: quality bad_data.
[[nodiscard]] std::optional<domain::Value> decode(std::uint32_t raw, Width width,
                                                  const domain::SignalOptions& options);

// The number that `values:` texts are keyed by: the integer before scaling, signed or unsigned as
// configured; for bits after invert. Meaningless for floats.
[[nodiscard]] std::int64_t enum_key(std::uint32_t raw, Width width,
                                    const domain::SignalOptions& options);

// Signed and unsigned range of an integer width.
struct IntegerRange {
    std::int64_t low = 0;
    std::int64_t high = 0;
};
[[nodiscard]] IntegerRange signed_range(Width width);
[[nodiscard]] IntegerRange unsigned_range(Width width);

}  // namespace hi6gw::hi6
