#pragma once
// Set-commands between the broker and the lanes: what comes in is checked (command/intake), handed
// to its controller's lane, and answered: one result and one audit line each. Decides nothing about
// a command itself. Thread: the event loop's.

#include "app/result_source.h"
#include "app/stations.h"
#include "base/line_budget.h"
#include "base/log.h"
#include "base/time.h"
#include "command/intake.h"
#include "config/config.h"
#include "mqtt/session.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::app {

class Commands {
  public:
    // All outlive this. `stations` are those of `config`. `news`: results() has something to
    // publish.
    Commands(std::shared_ptr<const config::Config> config, const Stations& stations, Time& time,
             std::function<void()> news);
    // After a reload; filters() are new then.
    void configure(std::shared_ptr<const config::Config> config);

    // What to subscribe to.
    [[nodiscard]] const std::vector<std::string>& filters() const {
        return intake_.router().filters();
    }
    void receive(const mqtt::Inbound& message);
    // Why one that was accepted under another configuration, and still waits, must not be carried
    // out under this one.
    [[nodiscard]] std::optional<command::Reason> refusal(const command::Command& command) const;
    // A command that was submitted to a lane has ended. Must not throw.
    void finished(const command::Command& command, command::CommandResult result);

    // The lanes take no more: what still comes is rejected for that, not for the controller.
    void shut_down() { stopping_ = true; }

    [[nodiscard]] mqtt::Source& results() { return results_; }
    [[nodiscard]] const command::Router& router() const { return intake_.router(); }

  private:
    struct Whose {  // names; empty where the topic names no signal
        std::string controller;
        std::string signal;
    };
    [[nodiscard]] static Whose whose(const command::Command& command);
    void answer(const command::Answer& answer, const Whose& whose, const domain::Value& before);
    void dropped(command::Dropped::Why why, const std::string& topic);

    std::shared_ptr<const config::Config> config_;
    const Stations& stations_;
    Time& time_;
    std::function<void()> news_;
    command::Intake intake_;
    ResultSource results_;
    bool stopping_ = false;
    log::Logger log_{"commands"};
    LineBudget flood_lines_;
    LineBudget lost_lines_;
};

}  // namespace hi6gw::app
