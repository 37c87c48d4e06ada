#pragma once
// hi6gw read: what some addresses are, for commissioning.

#include "cli/visit.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace hi6gw::cli {

struct ReadOptions {
    VisitOptions visit;
    std::vector<std::string> addresses;
    bool is_unsigned = false;
};

// One line an address on `out`: "fb2.do3 = 1". What cannot be read is said on `err`. 0: all were
// read; 1: not all; 64: an address is wrong, and nothing was read.
[[nodiscard]] int read(const ReadOptions& options, std::ostream& out, std::ostream& err);

}  // namespace hi6gw::cli
