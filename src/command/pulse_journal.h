#pragma once
// The record of pulses under way, so that an output is released after a crash: a line is appended
// (and synced) before the first post of a pulse, another when its release is settled. Pure text;
// the file is somebody else's. One line a record:
//   p1 begin NUMBER CONTROLLER ADDRESS RELEASED CHECKSUM
//   p1 end NUMBER CHECKSUM
// CHECKSUM: CRC-32 of what stands before it, 8 hexadecimal digits. A line that is torn, of another
// version or otherwise not understood is skipped.

#include "hi6/address.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::command {

struct OpenPulse {
    std::uint64_t number = 0;    // counts up; unique in a journal
    std::string controller;      // its name: [A-Za-z0-9_-]
    hi6::Address address;        // of a bit
    std::uint32_t released = 0;  // raw bit to write, 0 or 1

    bool operator==(const OpenPulse&) const = default;
};

[[nodiscard]] std::string begin_line(const OpenPulse& pulse);  // with its newline
[[nodiscard]] std::string end_line(std::uint64_t number);

struct Journal {
    std::vector<OpenPulse> open;    // begun and not ended, in order of their beginning
    std::uint64_t next_number = 1;  // above every number in the text
    std::size_t skipped = 0;        // lines not understood
};
[[nodiscard]] Journal read_journal(std::string_view text);

}  // namespace hi6gw::command
