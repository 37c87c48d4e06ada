#pragma once
// What must hold whatever happened, told from outside the gateway: from the requests that the
// controllers logged and the messages that a subscriber got. I1, I2, ... are the invariants of the
// fault matrix (tests/README.md).

#include "support/commanded.h"
#include "support/mqtt_probe.h"
#include "support/proxy.h"
#include "support/rig.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::test {

// A signal as it is configured.
struct WatchedSignal {
    std::string name;
    std::string relay;  // fb2.do3, as hi6sim's control interface calls it
    bool writable = false;
    double scale = 1;  // its value is the relay's times this; a SentCommand's is the relay's
};

class Invariants {
  public:
    explicit Invariants(const Broker& broker) { moves(broker); }

    // To be called before the gateway is told to speak somewhere else: at another broker, under
    // another prefix. What it says where it was counts as well, but I5 is asked at the new place.
    void moves(const Broker& broker, const std::string& prefix = "hi6");
    // `proxy`: where the gateway's connections to it are counted instead, because the controller is
    // made to be slow to notice that one has ended.
    void watch(const std::string& controller, const Simulator& simulator,
               std::vector<WatchedSignal> signals, const Proxy* proxy = nullptr);
    // To be told of each command, before it is published.
    void sent(SentCommand command);
    // The gateway has ended: what has no result by now gets none, and the next one connects when it
    // likes.
    void died();
    // The gateway and the subscriber cannot have heard all of the broker: what has no result by now
    // may get none.
    void cut_off();
    // The gateway's wall clock has been set to this offset from the real one, between `since_us`
    // and now.
    void stepped(std::chrono::nanoseconds offset, std::int64_t since_us);
    // Another process is this controller now: its log begins anew.
    void replaced(const std::string& controller) { controllers_.at(controller).seen = 0; }
    // Robots' programs, restarts and the like change outputs too.
    void others_write() { others_write_ = true; }
    // Commands come that are not told of, none of them a pulse: each is known by its result alone,
    // whose attempts have to account for the POSTs (I4). To a signal that has commands of both
    // kinds their order does not matter only if those not told of are not carried out.
    void others_command() { others_command_ = true; }
    // So many gateways are at this controller, each with a connection of its own.
    void shared(const std::string& controller, std::int64_t gateways) {
        controllers_.at(controller).gateways = gateways;
    }
    // From `begin` to `end` nothing from this controller can have reached the gateway, while the
    // broker was well.
    void silent(const std::string& controller, std::int64_t begin_us, std::int64_t end_us) {
        silences_.push_back({controller, begin_us, end_us});
    }

    // Waits until all that the brokers have passed on by now is here, and it is subscribed again
    // where a broker was restarted.
    [[nodiscard]] bool hears();
    // Takes in what there is so far. In a long run to be called every few seconds: the simulators
    // keep the last requests only.
    void look();
    [[nodiscard]] std::size_t results() const { return results_; }
    // Every command sent has its result, or its gateway died.
    [[nodiscard]] bool all_answered();
    // Commands that are still to get a result, as of the last look().
    [[nodiscard]] std::size_t unanswered() const;
    // I5: all signals are good and what their controllers hold, with retained messages as a new
    // subscriber gets them. False after `limit`; then `why` says which is not.
    [[nodiscard]] bool state_is_true(std::chrono::milliseconds limit, std::string& why);
    // All that can be told at the end of a run: what does not hold, or "". The first word of each
    // line is the invariant.
    [[nodiscard]] std::string broken();

    struct Tally {
        std::map<std::string, int> states;   // of results
        std::map<std::string, int> reasons;  // of results
        std::size_t posts = 0;
        std::size_t requests = 0;
        std::size_t connects = 0;
        std::size_t messages = 0;  // that the subscriber got
    };
    [[nodiscard]] Tally tally() const;
    // When this controller was asked, in us since the epoch.
    [[nodiscard]] const std::vector<std::int64_t>& polls(const std::string& controller) const {
        return controllers_.at(controller).polls;
    }

  private:
    struct Controller {
        const Simulator* simulator = nullptr;
        const Proxy* proxy = nullptr;
        std::vector<WatchedSignal> signals;
        std::set<std::string> writable;                  // relays
        std::map<std::string, WatchedSignal> known;      // by name, with those of before
        std::map<std::string, std::vector<Post>> posts;  // by relay
        std::vector<std::int64_t> polls;
        std::int64_t seen = 0;  // of the log
        std::int64_t gateways = 1;
    };
    struct Place {  // where the gateway speaks
        const Broker* broker;
        std::string prefix;
        std::unique_ptr<MqttProbe> probe;
    };
    struct Shown {  // one signal: what the subscriber was told and when
        std::int64_t timestamp = 0;
        std::int64_t good_since_us = -1;                          // -1: not good
        std::vector<std::pair<std::int64_t, std::int64_t>> good;  // us, of the past
    };
    struct Silence {
        std::string controller;
        std::int64_t begin_us;
        std::int64_t end_us;
    };

    void look_at(Controller& controller, const std::string& name, const LoggedRequest& request);
    void look_at(const Received& message, const std::string& prefix);
    void look_at_state(const std::string& signal, const Received& message);
    void look_at_result(const std::string& controller, const std::string& signal,
                        const Received& message);
    // The id of a command that is known by its result alone; "": it cannot have done anything.
    std::string untold(const std::string& controller, const std::string& signal,
                       const Received& message);
    void check_commands();
    void check_posts(const std::string& place, const std::vector<Commanded>& commands,
                     const std::vector<Post>& posts);
    void check_times(const std::vector<Post>& posts, const Commanded& one);
    // What the output was when the result was made: nobody but the gateway writes here.
    void check_verified(const std::vector<Post>& posts, const Commanded& one,
                        const std::vector<Commanded>& all);
    void check_connections();
    void check_silences();
    [[nodiscard]] std::int64_t real_us(std::int64_t gateway_us, std::int64_t from_us,
                                       std::int64_t to_us) const;
    void breaks(std::string what);

    std::vector<Place> places_;
    std::map<std::string, Controller> controllers_;
    std::vector<SentCommand> sent_;
    std::map<std::string, std::int64_t> sent_us_;  // by id
    std::set<std::string> orphans_;                // ids of commands whose gateway died
    std::vector<std::int64_t> deaths_us_;
    std::map<std::string, std::vector<Outcome>> outcomes_;
    std::size_t results_ = 0;
    std::size_t messages_ = 0;
    std::size_t requests_ = 0;
    std::map<std::string, Shown> shown_;  // by controller/signal
    std::vector<Silence> silences_;
    struct Offset {           // of the gateway's clock; us
        std::int64_t since;   // it was set at this real time at the earliest,
        std::int64_t surely;  // and at this one at the latest
        std::int64_t by;
    };
    std::vector<Offset> offsets_{{0, 0, 0}};
    bool others_write_ = false;
    bool others_command_ = false;
    std::set<std::string> untold_;  // payloads
    std::vector<std::string> broken_;
    std::size_t more_broken_ = 0;
};

// How late polls on a grid of `period` were, in ms, between two times: the given share of them was
// not later (0.5: the median, 1: the worst).
[[nodiscard]] double lateness_ms(const std::vector<std::int64_t>& polls,
                                 std::chrono::milliseconds period, std::int64_t begin_us,
                                 std::int64_t end_us, double share);
[[nodiscard]] std::int64_t wall_now_us();

}  // namespace hi6gw::test
