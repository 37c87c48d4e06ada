#pragma once
// The configured topic templates, filled in for this gateway.

#include "config/config.h"
#include "poll/lane.h"

#include <string>

namespace hi6gw::app {

[[nodiscard]] poll::LaneTopics lane_topics(const config::Config& config,
                                           const config::Controller& controller);
[[nodiscard]] std::string gateway_topic(const config::Config& config);

}  // namespace hi6gw::app
