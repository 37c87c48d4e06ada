#pragma once
// What hi6sim can be told on its command line; `hi6sim --help` explains each.

#include "sim/api.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace hi6gw::sim {

struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;          // 0: any free one
    std::uint16_t control_port = 0;  // likewise
    std::chrono::nanoseconds get_time = std::chrono::milliseconds(4);
    std::chrono::nanoseconds post_time = std::chrono::milliseconds(4);
    ApiOptions api;
    bool split_writes = false;
    bool chunked = false;
    bool close_each = false;
    bool http10 = false;
    std::uint64_t keep_alive_max = 0;  // 0: no limit
    std::size_t max_connections = 8;
    std::vector<std::string> windows;  // "3=fb2.do:0:16"
    std::string scenario_file;         // empty: nothing happens by itself
    std::uint64_t seed = 1;
    bool quiet = false;
};

// What argv says, or the exit code with which to leave at once (0 after --help, 64 after a mistake,
// both explained on the terminal).
struct CommandLine {
    Options options;
    int exit_code = -1;  // -1: go on
};
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

// "3=fb2.do:0:16" into `memory`; false: not of this form, or out of range.
bool add_window(Memory& memory, const std::string& text);

}  // namespace hi6gw::sim
