#pragma once
// The controller's notation for its memory ("relays"), as in HD Hyundai Robotics' HRScript and
// embedded PLC manuals:
//   [fbB.|fnN.]<relay><suffix><index>     fb2.do3  fb2.dob3  fb3.dow14  mw501  si12  do961 (=
//   fb1.do1)
// All widths are views of the same little-endian bytes. `b` counts bytes, no suffix counts bits;
// the manuals count w, l and f in bytes too, other vendor samples in elements (IndexUnit).

#include "base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace hi6gw::hi6 {

enum class Relay : std::uint8_t { di, do_, x, y, si, so, m, s, r, k };
enum class Scope : std::uint8_t { plain, fb, fn };  // plain: relays without blocks (si so m s r k)
enum class Width : std::uint8_t { bit, byte, word, dword, real };
enum class IndexUnit : std::uint8_t { byte, element };

// A contiguous piece of controller memory that the block API can read.
struct Area {
    Scope scope = Scope::plain;
    std::uint8_t number = 0;  // fb 0-9, fn 0-63, plain 0
    Relay relay = Relay::m;

    auto operator<=>(const Area&) const = default;
};

struct Address {
    Area area;
    Width width = Width::bit;
    std::uint32_t index = 0;  // as written: bits, bytes, or what IndexUnit says

    auto operator<=>(const Address&) const = default;
};

// Size of an area in bytes: 120 (960 bits), or 20000 for m and s. An fn window may be configured
// smaller.
[[nodiscard]] std::uint32_t area_bytes(const Area& area);
// Bytes that a value of this width occupies; a bit counts as the byte it lives in.
[[nodiscard]] std::uint32_t width_bytes(Width width);

// Offset of the first byte of the value within its area. Bits: index / 8.
[[nodiscard]] std::uint32_t first_byte(const Address& address, IndexUnit unit);
// Offset of a bit within its byte, 0-7; 0 for the other widths.
[[nodiscard]] std::uint32_t bit_in_byte(const Address& address);
// First bit and number of bits within the area: what a write to this address may change.
struct BitRange {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};
[[nodiscard]] BitRange bit_range(const Address& address, IndexUnit unit);

// Parses any bytes. Errors say what is wrong and what is allowed: unknown relay, block number, an
// index past the end of the area in the given unit ("fb2.di960: bit index 0-959"). Lower case only,
// as in the API; no spaces. `do961` and its relatives (di do x y without a block) become their fb
// form: the index runs through the ten fb blocks, 960 bits = 120 bytes = 60 words = 30 longs each,
// and w l f may not straddle two blocks. One spelling a number: no leading zeros.
[[nodiscard]] Result<Address> parse_address(std::string_view text, IndexUnit unit);
// The canonical notation; parse_address(to_string(a)) == a.
[[nodiscard]] std::string to_string(const Address& address);
[[nodiscard]] std::string to_string(const Area& area);  // "fb2.do", "m"

// Whether a set-command may ever go there: fb do (by do_val), and fn do, m, r, k (by
// set_relay_value). Not y and so, which the controller derives itself, nor s, the system's state.
[[nodiscard]] bool is_writable(const Area& area);
// Whether the single-value API covers the area (fb di/do, si, so).
[[nodiscard]] bool has_single_read(const Area& area);
// Whether the block API covers it (fb/fn di do x y; m s r k; not si/so).
[[nodiscard]] bool has_block_read(const Area& area);

}  // namespace hi6gw::hi6
