// Whether the controller is there, and who is told: its status topic, the log, the session.

#include "poll/lane.h"

#include <fmt/format.h>

#include <algorithm>

namespace hi6gw::poll {
namespace {

using domain::Quality;
using namespace std::chrono_literals;

constexpr auto kOfflineReminder = 1h;
constexpr auto kKeptAlive = 10s;  // without a "Connection: close": the controller keeps connections

}  // namespace

// The controller has answered something.
void Lane::answered() {
    last_answer_ = time_.now();
    // A controller that closes now and then is one that closes: its state must not flicker.
    if (client_.keep_alive_refused()) {
        kept_alive_from_ = last_answer_ + kKeptAlive;
    }
    link_.keep_alive_refused(client_.keep_alive_refused() || last_answer_ < kept_alive_from_);
}

// The connection is gone. Values stay good until they are too old: a reconnect in time is nobody's
// business.
void Lane::lost(const std::string& why) {
    log_.debug("connection lost: {}", why);
    if (polls_.renewed()) {
        return;
    }
    client_.close();
    trouble_ = why;
    trouble_since_ = std::min(trouble_since_, client_.began());
    if (!link_.is_online() || time_.now() >= trouble_since_ + kSilence) {
        go_offline(why);
    }
}

void Lane::go_offline(const std::string& why) {
    // The first reason stands for an hour: attempts fail in many ways, and no way is news.
    const bool said = said_offline_ && !link_.is_online();
    if (said && time_.now() >= next_offline_log_) {
        log_.warn("still offline: {}", why);
        next_offline_log_ = time_.now() + kOfflineReminder;
        link_.offline(why);
    } else if (!said) {
        link_.offline(why);
    }
    table_.mark_all(Quality::unreachable, moment().wall_ms);
    commands_.controller_offline(time_.now());
    update_status();
    say_news();
}

// Publishes the status when it says something new, and logs the transition.
void Lane::update_status() {
    if (published_link_ == link_) {
        return;
    }
    const std::string reason = link_.reason();
    if (published_link_ && (link_.is_online() || !said_offline_)) {
        log_transition(reason);
    }
    published_link_ = link_;
    metrics_.up(link_.is_online());
    metrics_.degraded(link_.is_degraded());
    std::string payload;
    mqtt::append_status(payload,
                        {link_.state(), moment().wall_ms, reason, link_.read_mode(), session_});
    status_.set(std::move(payload));
    news_();
}

void Lane::log_transition(const std::string& reason) {
    const std::string line = std::string(link_.state()) + (reason.empty() ? "" : ": ") + reason;
    say(transition_lines_, link_.state() == "online", line);
    said_offline_ = !link_.is_online();
    next_offline_log_ = time_.now() + kOfflineReminder;
}

void Lane::say(LineBudget& budget, bool fine, const std::string& line) {
    const auto left_out = budget.take(time_.now());
    if (!left_out) {
        return;
    }
    const std::string more =
        *left_out > 0 ? fmt::format(" ({} lines like this were left out)", *left_out) : "";
    if (fine) {
        log_.info("{}{}", line, more);
    } else {
        log_.warn("{}{}", line, more);
    }
}

// Wakes who has something to do: the broker's session, and the housekeeper when a deadline came
// nearer.
void Lane::say_news() {
    if (table_.has_news() || status_.pending()) {
        news_();
    }
    if (table_.next_deadline() < keeper_until_) {
        keeper_->wake();
    }
}

}  // namespace hi6gw::poll
