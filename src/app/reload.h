#pragma once
// What a configuration that has been read again changes. Pure.

#include "config/config.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::app {

struct Reload {
    // In force afterwards; shares the controllers that have not changed.
    std::shared_ptr<const config::Config> config;
    bool nothing = false;  // all is as before
    bool session = false;  // the broker is to be connected anew,
    bool farewell =
        false;           // and what it has of us would stay behind: another broker, another topic
    bool lanes = false;  // every lane is to be made anew: topics or payload
    bool level = false;  // of the log
    std::vector<std::string> restart;  // changed keys that only a restart puts in force
    std::vector<std::string> unused;   // retained topics that nobody fills any more, and
    std::vector<std::string> used;     // those that somebody may fill now
    std::size_t added = 0;             // controllers
    std::size_t changed = 0;
    std::size_t removed = 0;
};
// The connection of the one can go on as that of the other.
[[nodiscard]] bool same_place(const config::Controller& a, const config::Controller& b);

[[nodiscard]] Reload plan_reload(const std::shared_ptr<const config::Config>& old,
                                 config::Config fresh);

}  // namespace hi6gw::app
