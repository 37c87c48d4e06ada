#include "app/owners.h"

#include "app/topics.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <utility>

namespace hi6gw::app {

void Owners::configure(const config::Config& config) {
    std::map<std::string, Controller, std::less<>> fresh;
    for (const config::Controller& one : config.controllers) {
        std::string topic = lane_topics(config, one).status;
        const auto known = controllers_.find(topic);
        Controller controller = known == controllers_.end() ? Controller(one.name) : known->second;
        fresh.emplace(std::move(topic), std::move(controller));
    }
    controllers_ = std::move(fresh);
}

std::vector<std::string> Owners::filters() const {
    std::vector<std::string> out;
    out.reserve(controllers_.size());
    for (const auto& [topic, controller] : controllers_) {
        out.push_back(topic);
    }
    return out;
}

std::optional<Owners::Seen> Owners::look(std::string_view topic, std::string_view payload,
                                         bool stored, Steady::time_point now) {
    const auto found = controllers_.find(topic);
    if (found == controllers_.end() || stored) {
        return std::nullopt;
    }
    Controller& controller = found->second;
    if (payload.empty()) {  // not ours: what we delete, we do not listen to
        controller.left = now;
        controller.deleted = true;
        return std::nullopt;
    }
    boost::system::error_code ec;
    const boost::json::value parsed = boost::json::parse(payload, ec);
    const auto* object = ec ? nullptr : parsed.if_object();
    const auto* session = object == nullptr ? nullptr : object->if_contains("session");
    if (session == nullptr || !session->is_string() || session->get_string() == session_) {
        return std::nullopt;  // ours, or no gateway's
    }
    const auto* const state = object->if_contains("state");
    if (state != nullptr && state->is_string() && state->get_string() == "offline") {
        controller.left = now;
    }
    Seen out{controller.name, !controller.seen || now - *controller.seen >= kRemembered,
             !controller.answered || now - *controller.answered >= kAnswer};
    controller.seen = now;
    if (out.answer) {
        controller.answered = now;
    }
    return out;
}

std::vector<Owners::Left> Owners::take_left(Steady::time_point now) {
    std::vector<Left> out;
    for (auto& [topic, controller] : controllers_) {
        const bool often =
            !controller.deleted && controller.repaired && now - *controller.repaired < kAnswer;
        if (controller.left && now - *controller.left >= kFarewell && !often) {
            out.push_back({controller.name, controller.deleted});
            controller.left.reset();
            controller.deleted = false;
            controller.repaired = now;
        }
    }
    return out;
}

std::string Owners::shared(Steady::time_point now) const {
    std::string out;
    for (const auto& [topic, controller] : controllers_) {
        if (controller.seen && now - *controller.seen < kRemembered) {
            out += (out.empty() ? "" : ", ") + controller.name;
        }
    }
    return out;
}

}  // namespace hi6gw::app
