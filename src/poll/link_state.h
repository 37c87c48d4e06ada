#pragma once
// What is said of a controller in its status topic, and what is worth a log line. Pure.

#include "poll/sweep_plan.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hi6gw::poll {

class LinkState {
  public:
    // --- facts, as they become known
    void online();                          // connected and answering
    void offline(std::string why);          // no connection, or no answers
    void keep_alive_refused(bool refused);  // the controller closes after each answer (fault C9)
    void unauthorised(bool refused);        // 401, 403 (fault C11)
    void server_errors(bool failing, std::string why);  // 5xx (fault C13)
    // The block API: `why` empty: in use and proven. `degraded`: served by single reads because of
    // it; else only pending.
    void block_reads(AreaMode mode, bool degraded, std::string why);

    // --- what they add up to
    [[nodiscard]] bool is_online() const { return online_; }
    [[nodiscard]] bool failing() const {
        return !server_errors_.empty();
    }  // answers, but with errors
    [[nodiscard]] bool is_degraded() const;
    [[nodiscard]] std::string_view state() const;  // online degraded offline
    [[nodiscard]] std::string reason() const;
    [[nodiscard]] std::string_view read_mode() const {
        return mode_ == AreaMode::block ? "block" : "single";
    }

    bool operator==(const LinkState&) const = default;

  private:
    bool online_ = false;
    bool keep_alive_refused_ = false;
    bool unauthorised_ = false;
    bool block_degraded_ = false;
    AreaMode mode_ = AreaMode::block;
    std::string offline_why_ = "not connected yet";
    std::string server_errors_;
    std::string block_why_;
};

}  // namespace hi6gw::poll
