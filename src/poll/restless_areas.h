#pragma once
// Areas whose data change so fast that nothing holds still for as long as the proof of the block
// read takes. After a while they are better read one by one than not at all. Pure.

#include "base/clock.h"
#include "hi6/address.h"

#include <chrono>
#include <map>
#include <set>
#include <string>

namespace hi6gw::poll {

class RestlessAreas {
  public:
    static constexpr std::chrono::seconds kPatience{2};

    // An answer could not be used, because what it means is still open. True: that has gone on for
    // too long.
    bool unsettled(const hi6::Area& area, Steady::time_point now) {
        const auto [since, first] = since_.try_emplace(area, now);
        return now >= since->second + kPatience;
    }
    void settled(const hi6::Area& area) { since_.erase(area); }

    // To be read one by one until the proof is there, or the connection another one.
    void give_up(const hi6::Area& area) { given_up_.insert(area); }
    [[nodiscard]] bool contains(const hi6::Area& area) const { return given_up_.contains(area); }
    [[nodiscard]] bool any() const { return !given_up_.empty(); }
    [[nodiscard]] std::string why() const {
        return "block read of " + to_string(*given_up_.begin()) +
               " not proven: its data do not hold still, so it is read one by one";
    }
    void clear() {
        since_.clear();
        given_up_.clear();
    }

  private:
    std::map<hi6::Area, Steady::time_point> since_;
    std::set<hi6::Area> given_up_;
};

}  // namespace hi6gw::poll
