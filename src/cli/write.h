#pragma once
// hi6gw write: sets one output or relay and looks whether it holds, for commissioning. The same
// decisions and the same requests as for a set-command of the daemon.

#include "cli/visit.h"

#include <iosfwd>
#include <optional>
#include <string>

namespace hi6gw::cli {

struct WriteOptions {
    VisitOptions visit;
    std::string address;
    std::string value;                  // as in a command's payload
    std::optional<std::string> expect;  // write only if it reads so before
    bool verify = true;
};

// "fb2.do3: 0 -> 1, verified" on `out`. 0: verified (or accepted, without verification); 1:
// anything else, said on `err`; 64: address or value are wrong, and nothing was sent.
[[nodiscard]] int write(const WriteOptions& options, std::ostream& out, std::ostream& err);

}  // namespace hi6gw::cli
