#pragma once
// The configured topic templates, filled in for this gateway.

#include "config/config.h"
#include "poll/lane.h"

#include <string>
#include <vector>

namespace hi6gw::app {

[[nodiscard]] poll::LaneTopics lane_topics(const config::Config& config,
                                           const config::Controller& controller);
struct EventTopics {
    mqtt::TopicTemplate::Ends event;
    std::string gap;
};
// Also of a controller that the configuration does not have any more.
[[nodiscard]] EventTopics event_topics(const config::Config& config, const std::string& controller);
// Of its signals' states where these are retained, and of its status. That comes last: who listens
// to it (owners.h) and sees it deleted has seen the others go.
[[nodiscard]] std::vector<std::string> retained_topics(const config::Config& config,
                                                       const config::Controller& controller);
[[nodiscard]] std::string gateway_topic(const config::Config& config);

}  // namespace hi6gw::app
