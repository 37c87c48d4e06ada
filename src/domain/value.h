#pragma once
// A signal's value in engineering terms.

#include <cstdint>
#include <variant>

namespace hi6gw::domain {

// monostate: never read (null). int64: bits and unscaled integers. float: an unscaled IEEE 754
// 32-bit signal, kept as float so that it prints with its own shortest digits. double: anything
// scaled. Never NaN or infinite.
using Value = std::variant<std::monostate, std::int64_t, float, double>;

}  // namespace hi6gw::domain
