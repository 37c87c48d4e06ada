#pragma once
// hi6gw run: loads the configuration and runs the gateway until SIGTERM or SIGINT.

#include <filesystem>

namespace hi6gw::cli {

struct RunOptions {
    std::filesystem::path config_file;
};

// The exit code: cli/exit_codes.h.
[[nodiscard]] int run(const RunOptions& options);

}  // namespace hi6gw::cli
