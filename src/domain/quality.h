#pragma once
// How far a published value can be trusted. The numbers are OPC DA quality codes, as in the
// payload.

#include <cstdint>

namespace hi6gw::domain {

enum class Quality : std::uint8_t {
    refused = 4,    // the controller answered that it has no such signal
    bad_data = 12,  // the controller answered, but not with a value of this signal
    unreachable =
        24,  // no answer from the controller for longer than the signal's value may be trusted
    not_read = 32,  // configured, not read yet
    good = 192,
};

}  // namespace hi6gw::domain
