#pragma once
// `hi6gw check`: loads what `run` would and says everything that is wrong with it.

#include "cli/exit_codes.h"
#include "config/loader.h"

#include <filesystem>
#include <iosfwd>

namespace hi6gw::cli {

struct CheckOptions {
    std::filesystem::path file;
    config::Environment environment = config::process_environment();
};

// Each problem on a line of `out`, then a summary. 0, or 78 when `run` would refuse; warnings do
// not count.
int check(const CheckOptions& options, std::ostream& out, std::ostream& err);

}  // namespace hi6gw::cli
