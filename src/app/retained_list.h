#pragma once
// The list of the retained topics that the gateway fills, as it is kept in the state directory: a
// line that names the broker, then a topic a line. Pure; thread: any.

#include "config/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::app {

// What `config` fills, and what is still to be deleted.
[[nodiscard]] std::string retained_list(const config::Config& config,
                                        const std::vector<std::string>& left_over);

struct LeftOver {
    std::string broker;               // HOST:PORT; empty: this is no list of ours
    std::vector<std::string> topics;  // of the list, that `config` does not fill
    bool elsewhere = false;           // the broker of `config` is another one
};
// Takes any bytes: lines that are no topic names (MQTT 5.0, 4.7) are skipped.
[[nodiscard]] LeftOver left_over(std::string_view list, const config::Config& config);

}  // namespace hi6gw::app
