// Any bytes as a configuration: no crash, bounded, every problem has its place, and a file without
// errors gives a configuration.

#include "config/loader.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const hi6gw::config::Environment environment{
        [](const std::string& name) {
            return name == "SET" ? std::optional<std::string>("value") : std::nullopt;
        },
        "host"};
    const auto loaded = hi6gw::config::load_text(text, "/nonexistent/fuzz/hi6gw.yaml", environment);
    bool failed = false;
    for (const auto& problem : loaded.problems) {
        failed = failed || !problem.warning;
        if (to_string(problem).find('\n') != std::string::npos || problem.text.empty()) {
            std::abort();
        }
    }
    if (failed == loaded.config.has_value()) {
        std::abort();
    }
    return 0;
}
