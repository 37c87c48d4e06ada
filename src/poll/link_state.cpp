#include "poll/link_state.h"

#include <utility>

namespace hi6gw::poll {

void LinkState::online() {
    online_ = true;
    offline_why_.clear();
}

void LinkState::offline(std::string why) {
    online_ = false;
    offline_why_ = std::move(why);
}

void LinkState::keep_alive_refused(bool refused) {
    keep_alive_refused_ = refused;
}

void LinkState::unauthorised(bool refused) {
    unauthorised_ = refused;
}

void LinkState::server_errors(bool failing, std::string why) {
    server_errors_ = failing ? std::move(why) : std::string();
}

void LinkState::block_reads(AreaMode mode, bool degraded, std::string why) {
    mode_ = mode;
    block_degraded_ = degraded;
    block_why_ = std::move(why);
}

bool LinkState::is_degraded() const {
    return online_ &&
           (keep_alive_refused_ || unauthorised_ || block_degraded_ || !server_errors_.empty());
}

std::string_view LinkState::state() const {
    if (!online_) {
        return "offline";
    }
    return is_degraded() ? "degraded" : "online";
}

std::string LinkState::reason() const {
    if (!online_) {
        return offline_why_;
    }
    std::string text;
    const auto add = [&text](std::string_view part) {
        if (!part.empty()) {
            text += text.empty() ? "" : "; ";
            text += part;
        }
    };
    add(unauthorised_ ? "unauthorised: the controller refuses access (401/403)" : "");
    add(keep_alive_refused_ ? "keepalive_refused: the controller closes the connection after each "
                              "answer, so it is asked at "
                              "most once a second"
                            : "");
    add(server_errors_);
    add(block_why_);
    return text;
}

}  // namespace hi6gw::poll
