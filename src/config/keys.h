#pragma once
// Every key of the configuration: what the loader accepts, what config/README.md must document (a
// test compares the two), and where suggestions for misspelt keys come from.

#include <span>
#include <string_view>

namespace hi6gw::config {

// The sections are named by their path; [] stands for any element of a list.
inline constexpr std::string_view kRootSection;
inline constexpr std::string_view kControllerSection = "controllers[]";
inline constexpr std::string_view kSignalSection = "controllers[].signals[]";
inline constexpr std::string_view kDefaultsSection = "defaults";

struct Key {
    std::string_view section;
    std::string_view name;
};
[[nodiscard]] std::span<const Key> keys();

}  // namespace hi6gw::config
