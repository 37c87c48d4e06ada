#pragma once
// When to ask the broker for an answer, so that commands are heard at once. Paho's receive thread,
// having waited a second for a packet in vain, sleeps 0.1 s and hears nothing meanwhile; so it is
// given one before that second is over. One question at a time: a broker that does not answer is
// asked no more on this connection, and one that hangs up on being asked, no more at all. Pure.

#include <chrono>

namespace hi6gw::mqtt {

class Awake {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds kPause{700};

    void connected(TimePoint now) {
        due_ = now + kPause;
        open_ = false;
        answered_ = false;
    }
    void lost() {
        hung_up_ += open_ && !answered_ ? 1 : 0;
        due_ = TimePoint::max();
    }
    // When to ask next; TimePoint::max(): not before the answer, or never.
    [[nodiscard]] TimePoint due() const {
        return open_ || hung_up_ >= kGiveUp ? TimePoint::max() : due_;
    }
    void asked(TimePoint now) {
        open_ = true;
        due_ = now + kPause;
    }
    void answered() {
        open_ = false;
        answered_ = true;
        hung_up_ = 0;
    }

  private:
    static constexpr int kGiveUp = 2;  // once, it may have been the network

    TimePoint due_ = TimePoint::max();
    bool open_ = false;
    bool answered_ = false;  // on this connection
    int hung_up_ = 0;        // connections in a row that were lost on their first question
};

}  // namespace hi6gw::mqtt
