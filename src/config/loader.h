#pragma once
// YAML to a validated Config, or every problem in it at once. Takes any bytes. The only yaml-cpp
// includes are in this room. Environment access (${NAME}, $STATE_DIRECTORY, $CREDENTIALS_DIRECTORY,
// host name) goes through Environment.

#include "config/config.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::config {

struct Problem {
    std::string file;
    int line = 0;          // 1-based; 0: the file as a whole
    int column = 0;        // 1-based
    std::string key;       // path in the document, e.g. controllers[0].signals[3].address
    std::string text;      // what is wrong, what is allowed
    bool warning = false;  // does not prevent the start
};
// "file:line:column: key: text"
[[nodiscard]] std::string to_string(const Problem& problem);

struct Environment {
    std::function<std::optional<std::string>(const std::string&)> variable;
    std::string host_name;
};
[[nodiscard]] Environment process_environment();

struct Loaded {
    std::optional<Config> config;   // empty when any problem is not a warning
    std::vector<Problem> problems;  // in order of file and position
};
// Relative paths inside: signal_map, password_file and the tls files count from the file that names
// them.
[[nodiscard]] Loaded load(const std::filesystem::path& file, const Environment& environment);
// The same for text that is not in a file; `file` is what problems call it.
[[nodiscard]] Loaded load_text(std::string_view yaml, const std::filesystem::path& file,
                               const Environment& environment);

}  // namespace hi6gw::config
