#pragma once
// Is another gateway at work on one of our controllers (fault B11)? Each gateway's controller
// status names its session, and we listen to those topics: one that names another session is not
// ours. Pure.

#include "base/clock.h"
#include "config/config.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hi6gw::app {

class Owners {
  public:
    // How long after its last status a second owner is still reported.
    static constexpr std::chrono::hours kRemembered{1};
    // Our own status is said again for the other one to see, this often at most: it does the same.
    static constexpr std::chrono::minutes kAnswer{1};
    // A gateway that stops has said all that it will by then: it has no longer for a shutdown. And
    // what it deletes ends with the status. Statuses overtake states, so it is not at once.
    static constexpr std::chrono::seconds kFarewell{5};

    explicit Owners(std::string session) : session_(std::move(session)) {}

    void configure(const config::Config& config);
    // The status topics to listen to.
    [[nodiscard]] std::vector<std::string> filters() const;

    struct Seen {
        std::string controller;
        bool news = false;    // it was not known to have a second owner
        bool answer = false;  // say our own status again
    };
    // A message: nullopt, when it is none of another owner. `stored`: what a broker had kept.
    [[nodiscard]] std::optional<Seen> look(std::string_view topic, std::string_view payload,
                                           bool stored, Steady::time_point now);
    [[nodiscard]] bool concerns(std::string_view topic) const {
        return controllers_.contains(topic);
    }
    struct Left {
        std::string controller;
        bool deleted = false;  // else it was said to be offline
    };
    // Controllers over whose topics another owner's last word stands: all of them is to be said
    // again, where we know better. Each once, and after "offline" not more often than kAnswer: that
    // is also what the other one says while it cannot reach the controller.
    [[nodiscard]] std::vector<Left> take_left(Steady::time_point now);
    // "r1, r2", or empty.
    [[nodiscard]] std::string shared(Steady::time_point now) const;
    [[nodiscard]] const std::string& session() const { return session_; }

  private:
    struct Controller {
        explicit Controller(std::string its_name) : name(std::move(its_name)) {}
        std::string name;
        std::optional<Steady::time_point> seen;
        std::optional<Steady::time_point> answered;
        std::optional<Steady::time_point> left;  // the other one was offline, or deleted the topic
        bool deleted = false;
        std::optional<Steady::time_point> repaired;
    };
    std::string session_;
    std::map<std::string, Controller, std::less<>> controllers_;  // by status topic
};

}  // namespace hi6gw::app
