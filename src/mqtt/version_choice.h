#pragma once
// Which MQTT version the next connect should speak. Pure. A broker without MQTT 5 either says so in
// its CONNACK, or simply closes the connection. The latter also looks like a broker that is just
// going down, so it is believed only after 5 was closed, 3.1.1 worked, and 5 was closed once more.

#include <chrono>

namespace hi6gw::mqtt {

enum class ConnectAnswer {
    accepted,
    unsupported_version,  // CONNACK 0x84, or return code 1
    closed,               // the connection was made, and closed in answer to CONNECT
    other,                // anything that says nothing about the version
};

class VersionChoice {
  public:
    using Clock = std::chrono::steady_clock;
    // How long 3.1.1 is kept before a reconnect tries 5 again: brokers get upgraded.
    static constexpr std::chrono::hours kKeep{1};

    explicit VersionChoice(int wanted) : state_(wanted == 5 ? State::five : State::only_three) {}

    [[nodiscard]] int next(Clock::time_point now) {
        if (state_ == State::three && now >= until_) {
            state_ = State::five;
        }
        return state_ == State::five || state_ == State::confirm_five ? 5 : 3;
    }

    enum class Then {
        go_on,    // keep the connection, or back off
        at_once,  // drop it and connect again without delay
    };
    // What came of a connect with the version that next() said.
    [[nodiscard]] Then answered(ConnectAnswer answer, Clock::time_point now) {
        switch (state_) {
            case State::only_three:
                return Then::go_on;
            case State::five:
                if (answer == ConnectAnswer::unsupported_version) {
                    return settle_for_three(now);
                }
                state_ = answer == ConnectAnswer::closed ? State::ask_three : State::five;
                return Then::go_on;
            case State::ask_three:
                state_ = answer == ConnectAnswer::accepted ? State::confirm_five : State::five;
                return answer == ConnectAnswer::accepted ? Then::at_once : Then::go_on;
            case State::confirm_five:
                if (answer == ConnectAnswer::closed ||
                    answer == ConnectAnswer::unsupported_version) {
                    return settle_for_three(now);
                }
                state_ = State::five;
                return Then::go_on;
            case State::three:
                if (answer == ConnectAnswer::unsupported_version) {
                    state_ = State::five;
                }
                return Then::go_on;
        }
        return Then::go_on;
    }

  private:
    enum class State {
        five,          // so far nothing speaks against it
        ask_three,     // 5 was closed without an answer: does 3.1.1 work?
        confirm_five,  // it does; was it chance that 5 did not?
        three,         // no MQTT 5 here, until `until_`
        only_three,    // configured
    };
    Then settle_for_three(Clock::time_point now) {
        state_ = State::three;
        until_ = now + kKeep;
        return Then::at_once;
    }

    State state_;
    Clock::time_point until_;
};

}  // namespace hi6gw::mqtt
