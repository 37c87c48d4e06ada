#include "app/commands.h"

#include "mqtt/payload.h"

#include <chrono>
#include <utility>
#include <variant>

namespace hi6gw::app {
namespace {

using log::Field;

std::string value_text(const domain::Value& value) {
    std::string out;
    mqtt::append_value(out, value);
    return out;
}

}  // namespace

Commands::Commands(std::shared_ptr<const config::Config> config, const Stations& stations,
                   Time& time, std::function<void()> news)
    : config_(std::move(config)),
      stations_(stations),
      time_(time),
      news_(std::move(news)),
      intake_(config_, {}, time.now()) {}

void Commands::receive(const mqtt::Inbound& message) {
    const Steady::time_point now = time_.now();
    command::Incoming incoming;
    incoming.topic = message.topic;
    incoming.payload = message.payload;
    incoming.retained = message.retained;
    incoming.response_topic = message.response_topic;
    incoming.correlation = message.correlation;
    incoming.expiry = message.expiry;
    incoming.received = message.received;
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - message.received);
    incoming.received_ms = unix_ms(time_.wall()) - age.count();
    const auto online = [this](std::size_t controller) {
        return stopping_ || stations_[controller].lane->link().is_online();
    };
    command::Intake::Verdict verdict = intake_.receive(incoming, online, now);
    if (auto* command = std::get_if<command::Command>(&verdict)) {
        poll::Lane& lane = *stations_[command->controller].lane;
        command->before = lane.value(static_cast<std::uint32_t>(command->signal));
        lane.submit(std::move(*command));
    } else if (const auto* refusal = std::get_if<command::Answer>(&verdict)) {
        Whose whose;
        if (refusal->target) {
            const config::Controller& controller =
                config_->controllers[refusal->target->controller];
            whose = {controller.name, controller.signals[refusal->target->signal].name};
        }
        answer(*refusal, whose, {});
    } else {
        dropped(std::get<command::Dropped>(verdict).why, message.topic);
    }
}

// By names: a reload may have put others at the command's indices.
std::optional<command::Reason> Commands::refusal(const command::Command& command) const {
    const Whose names = whose(command);
    if (!router().find_writable(names.controller, command.address, names.signal)) {
        return command::Reason::read_only;
    }
    switch (config_->commands.mode) {
        case config::CommandMode::enabled:
            return std::nullopt;
        case config::CommandMode::dry_run:
            return command.dry_run ? std::nullopt : std::optional(command::Reason::disabled);
        case config::CommandMode::disabled:
            break;
    }
    return command::Reason::disabled;
}

Commands::Whose Commands::whose(const command::Command& command) {
    const std::size_t slash = command.name.find('/');
    return {command.name.substr(0, slash), command.name.substr(slash + 1)};
}

void Commands::finished(const command::Command& command, command::CommandResult result) {
    for (const command::Answer& one : intake_.ended(command.reply, std::move(result))) {
        answer(one, whose(command), command.before);
    }
}

void Commands::configure(std::shared_ptr<const config::Config> config) {
    config_ = std::move(config);
    intake_.configure(config_, time_.now());
}

// One result, one line, one count. A result said again is not counted again.
void Commands::answer(const command::Answer& answer, const Whose& whose,
                      const domain::Value& before) {
    const command::CommandResult& result = answer.result;
    std::string payload;
    command::append_result(payload, result);
    bool room = true;
    if (!answer.to.topic.empty()) {
        room = results_.add(answer.to.topic, payload, {});
    }
    if (!answer.to.response_topic.empty()) {
        room = results_.add(answer.to.response_topic, payload, answer.to.correlation) && room;
    }
    if (!room && lost_lines_.take(time_.now())) {
        log_.error("results that the broker has not taken are dropped: more than {} wait",
                   ResultSource::kCapacity);
    }
    news_();

    const std::int64_t took_ms = result.done_ms - result.received_ms;
    const std::string state(to_string(result.state));
    const Station* const station = stations_.find(whose.controller);
    if (station != nullptr && !result.duplicate) {
        station->metrics->command(state, std::chrono::milliseconds(took_ms));
    }
    const bool known = !whose.controller.empty();
    std::vector<Field> fields{{known ? "signal" : "topic", known ? whose.signal : answer.to.topic},
                              {"state", state},
                              {"reason", std::string(to_string(result.reason))},
                              {"value", value_text(result.value), false},
                              {"before", value_text(before), false},
                              {"readback", value_text(result.readback), false},
                              {"attempts", std::to_string(result.attempts), false},
                              {"took_ms", std::to_string(took_ms), false}};
    if (!result.id.empty()) {
        fields.push_back({"id", result.id});
    }
    if (!result.client.empty()) {
        fields.push_back({"client", result.client});
    }
    if (!answer.to.response_topic.empty()) {
        fields.push_back({"response_topic", answer.to.response_topic});
    } else if (answer.to.response_refused) {
        fields.push_back({"response_topic", "refused"});
    }
    if (result.duplicate) {
        fields.push_back({"duplicate", "true", false});
    }
    if (!answer.detail.empty()) {
        fields.push_back({"detail", answer.detail});
    }
    log::Logger(known ? whose.controller : "commands").record("command", fields);
}

void Commands::dropped(command::Dropped::Why why, const std::string& topic) {
    switch (why) {
        case command::Dropped::Why::foreign_topic:
            log_.debug("no set topic: {}", log::printable(topic, 256));
            break;
        case command::Dropped::Why::flood:
            if (flood_lines_.take(time_.now())) {
                log_.warn("too many commands are refused: some get no result");
            }
            break;
        case command::Dropped::Why::retained_clear:
        case command::Dropped::Why::waits:
            break;
    }
}

}  // namespace hi6gw::app
