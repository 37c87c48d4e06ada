#include "app/topics.h"

#include "mqtt/topics.h"

namespace hi6gw::app {
namespace {

mqtt::TopicTemplate parsed(const std::string& text) {
    // The loader has accepted the template with the placeholders that its key allows.
    return mqtt::TopicTemplate::parse(text, {"prefix", "gateway", "controller", "signal", "client"})
        .value();
}

mqtt::TopicTemplate::Values values(const config::Config& config) {
    mqtt::TopicTemplate::Values values;
    values.prefix = config.topics.prefix;
    values.gateway = config.gateway.id;
    return values;
}

}  // namespace

poll::LaneTopics lane_topics(const config::Config& config, const config::Controller& controller) {
    mqtt::TopicTemplate::Values of_controller = values(config);
    of_controller.controller = controller.name;
    return {parsed(config.topics.state).ends(of_controller),
            parsed(config.topics.status).expand(of_controller)};
}

EventTopics event_topics(const config::Config& config, const std::string& controller) {
    mqtt::TopicTemplate::Values of_controller = values(config);
    of_controller.controller = controller;
    return {parsed(config.topics.event).ends(of_controller),
            parsed(config.topics.gap).expand(of_controller)};
}

std::vector<std::string> retained_topics(const config::Config& config,
                                         const config::Controller& controller) {
    const poll::LaneTopics topics = lane_topics(config, controller);
    std::vector<std::string> out;
    for (const config::Signal& signal : controller.signals) {
        if (signal.options->retain) {
            out.push_back(topics.state.before + signal.name + topics.state.after);
        }
    }
    out.push_back(topics.status);
    return out;
}

std::string gateway_topic(const config::Config& config) {
    return parsed(config.topics.gateway).expand(values(config));
}

}  // namespace hi6gw::app
