#pragma once
// The command line of hi6gw: subcommands, options, help; what is called for it is in one file per
// subcommand.

namespace hi6gw::cli {

// Parses, dispatches, returns the exit code.
[[nodiscard]] int main(int argc, const char* const* argv);

}  // namespace hi6gw::cli
