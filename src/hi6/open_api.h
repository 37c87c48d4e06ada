#pragma once
// Requests and replies of the Hi6 Open API (HTTP, default port 8888) as text. Pure: renders request
// targets and bodies, parses reply bodies of any bytes. Replies are JSON with one tolerance, the
// trailing comma that the vendor's manual prints (`{"val": -56,}`); everything else that is not the
// documented form is an error, never a guess: a string is not a number, 1.0 is not an integer, a
// duplicate "val" is an error.

#include "base/result.h"
#include "hi6/address.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::hi6 {

// One block read: `words` 32-bit little-endian words from byte `start` of `area`.
struct BlockRead {
    Area area;
    std::uint32_t start = 0;
    std::uint32_t words = 0;

    auto operator<=>(const BlockRead&) const = default;
};

inline constexpr std::string_view kApiVersionTarget = "/api_ver";
inline constexpr std::string_view kSystemVersionTarget = "/versions/sysver";

[[nodiscard]] std::string block_target(
    const BlockRead& read);  // /project/plc/fb2_do/val_s32?st=0&len=30
// /project/control/ios/dio/do_val?type=dob&blk_no=2&sig_no=3; the index goes out as written in the
// address. Precondition: has_single_read(area).
[[nodiscard]] std::string single_target(const Address& address);

struct WordsReply {
    std::size_t words = 0;  // how many of `out` were filled; fewer than asked: the rest is unknown
    bool surplus = false;   // more came than was asked for; ignored
    bool trailing_comma = false;
};
// A JSON array of integers, signed 32-bit (an unsigned 32-bit form is accepted as the same bits),
// written to `out` as little-endian bytes. `out.size()` is 4 * the number of words asked for.
// Nothing is written on error.
[[nodiscard]] Result<WordsReply> parse_words(std::string_view body, std::span<std::byte> out);

struct SingleReply {
    std::uint32_t raw = 0;  // zero-extended bits, as codec::extract gives them
    bool trailing_comma = false;
};
// {"_type":"JObject","val":-56} for a value of `width`. Integers in the signed or the unsigned
// range of the width; a real takes any finite number (rounded to float). Out of range, 1e400, NaN,
// a string: error. Other members are ignored.
[[nodiscard]] Result<SingleReply> parse_single(std::string_view body, Width width);

[[nodiscard]] Result<std::int64_t> parse_api_version(std::string_view body);  // a bare integer

// {"modules":[{"name":"com","ver":"V60.34-05",...}, ...]}: the versions of the controller (`com`)
// and its teach pendant (`tp`), as text whatever their JSON type; other members are ignored.
struct Module {
    std::string name;
    std::string version;
};
[[nodiscard]] Result<std::vector<Module>> parse_system_version(std::string_view body);

// Bodies of the two writes; `raw` as above (sent in its signed form; a real with the shortest
// digits that read back as the same float). A real must be finite.
[[nodiscard]] std::string do_val_body(const Address& address, std::uint32_t raw);
[[nodiscard]] std::string set_relay_body(const Address& address, std::uint32_t raw);
inline constexpr std::string_view kDoValTarget = "/project/control/ios/dio/do_val";
inline constexpr std::string_view kSetRelayTarget = "/project/plc/set_relay_value";

}  // namespace hi6gw::hi6
