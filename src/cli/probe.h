#pragma once
// hi6gw probe: what a controller is and can do. Reads only, and leaves it time to rest.

#include "cli/visit.h"

#include <iosfwd>
#include <string>

namespace hi6gw::cli {

struct ProbeOptions {
    VisitOptions visit;
    std::string url;  // as given, for the suggested configuration
};

// The report on `out`; what is in the way on `err`. 0: the controller answers; 1: it does not.
[[nodiscard]] int probe(const ProbeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace hi6gw::cli
