#pragma once
// Whether lost connections look like a second client with our client id. Pure. MQTT lets the newer
// one win, so two that both come back at once throw each other out for ever. A broker may say so
// (DISCONNECT 0x8E; mosquitto from 2.0.15); others just close, as a dying broker does. But that one
// does not accept the next connection at once, and not several times within minutes.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace hi6gw::mqtt {

class TakeoverWatch {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::minutes kWindow{5};
    static constexpr std::size_t kMany =
        5;  // a broker that was restarted in haste is not suspected

    // A connection that the broker had accepted ended without a word. True: the last kMany did,
    // within kWindow, and nothing else explains it.
    [[nodiscard]] bool closed(Clock::time_point now) {
        losses_.push_back(now);
        std::erase_if(losses_, [now](Clock::time_point each) { return now - each > kWindow; });
        losses_.erase(losses_.begin(),
                      losses_.end() - static_cast<std::ptrdiff_t>(std::min(losses_.size(), kMany)));
        return losses_.size() == kMany;
    }
    // The broker could not be reached, or did not answer: it is the broker or the network.
    void explained() { losses_.clear(); }

  private:
    std::vector<Clock::time_point> losses_;  // the last kMany at most
};

}  // namespace hi6gw::mqtt
