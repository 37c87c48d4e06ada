#pragma once
// One controller's lane: owns its connection's use, and nobody else talks to that controller.
// Connects (rate limited), has the block API proven, sweeps on the schedule, lets commands go
// between any two requests, and keeps the signal table true: what cannot be read in time stops
// being good. Runs until cancelled; no fault of the controller ends it. Thread: the event loop's.

#include "base/backoff.h"
#include "base/line_budget.h"
#include "base/log.h"
#include "base/time.h"
#include "config/config.h"
#include "mqtt/topics.h"
#include "poll/block_prover.h"
#include "poll/commands_first.h"
#include "poll/link_state.h"
#include "poll/publisher.h"
#include "poll/restless_areas.h"
#include "poll/schedule.h"
#include "poll/signal_table.h"
#include "poll/sweep_plan.h"
#include "poll/wire.h"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace hi6gw::poll {

struct LaneTopics {
    mqtt::TopicTemplate::Ends state;
    std::string status;
};

class Lane final : private Wire::User {
  public:
    struct Parts {  // all outlive the lane
        Wire* wire = nullptr;
        Time* time = nullptr;
        ops::ControllerMetrics* metrics = nullptr;
        std::function<void()> news;           // states() or status() has something to publish
        outbox::EventSink* events = nullptr;  // null where no signal has events
        std::string session;                  // of the gateway, for the status
    };
    // `phase`: [0, 1), see Schedule. `before`: the lane on the same wire that this one takes over
    // from after a reload, its run() having ended; what it knew of signals that are still there is
    // known, and its connection goes on. Null: there was none.
    Lane(std::shared_ptr<const config::Controller> config, const LaneTopics& topics,
         config::PayloadFormat format, double phase, Parts parts, const Lane* before = nullptr);
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;
    ~Lane() override;

    boost::asio::awaitable<void> run();

    // A command, in the sense of command::Supervisor.
    void submit(command::Command command);
    // Lets the exchange under way come to its end, and begins no other: so that the controller is
    // not left with a request whose connection is gone. Until then at the latest; run() is to be
    // cancelled after it.
    boost::asio::awaitable<void> wind_up(Steady::time_point until) { return polls_.wind_up(until); }

    // What a signal was when it was last read well; monostate before.
    [[nodiscard]] domain::Value value(std::uint32_t signal) const {
        return table_.state(signal).value;
    }

    // The broker may have forgotten everything: all states and the status once more.
    void publish_all();
    void publish_status() { status_.publish_again(); }
    // While run() runs: when it will have gone on at the latest. Long past: it is stuck.
    [[nodiscard]] Steady::time_point due() const {
        return std::min(std::max(sleep_until_, client_.due()), keeper_until_);
    }
    // After run() has ended: what the last messages say. Nothing is known of the controller from
    // here on.
    void farewell();

    [[nodiscard]] mqtt::Source& states() { return states_; }
    [[nodiscard]] mqtt::Source& status() { return status_; }
    [[nodiscard]] const LinkState& link() const { return link_; }
    [[nodiscard]] const config::Controller& config() const { return *config_; }

  private:
    // What a request left for its sweep to do.
    enum class Step : std::uint8_t {
        next,       // on to the next request
        abandon,    // the rest of the sweep later: errors, or the plan has changed
        reconnect,  // the connection is gone
    };

    // A request unanswered for longer: offline.
    static constexpr std::chrono::seconds kSilence{2};
    // Of a signal or area that the controller says it does not have.
    static constexpr std::chrono::seconds kRefusedRetry{60};

    // The course of things: lane.cpp.
    boost::asio::awaitable<void> poll_loop();
    boost::asio::awaitable<void> connect();
    boost::asio::awaitable<bool> identify();
    boost::asio::awaitable<bool> prove();
    boost::asio::awaitable<void> sweep_while_connected();
    boost::asio::awaitable<Step> sweep(GroupMask groups);
    boost::asio::awaitable<Step> perform(ReadItem item);
    boost::asio::awaitable<Step> idle_probe();
    boost::asio::awaitable<Step> ask_again();
    boost::asio::awaitable<Step> retry_blocks();
    boost::asio::awaitable<hi6::Reply> request(const ReadItem& item);
    boost::asio::awaitable<void> housekeeping();

    void command_news() override { alarm_->wake(); }
    void seen(const hi6::Address& address, const hi6::Reply& reply) override;
    boost::asio::awaitable<hi6::Reply> read_raw(hi6::Address address,
                                                Steady::time_point until) override;
    void take_over(const Lane& before);
    void mind_deadlines();
    Step unsettled(const ReadItem& item);
    [[nodiscard]] Steady::time_point silent_since() const;

    // What an answer means: lane_answers.cpp.
    void take_in(const ReadItem& item, const hi6::Reply& reply);
    Step fault(const ReadItem& item, const hi6::Reply& reply);
    Step refused(const ReadItem& item, const hi6::Reply& reply);
    Step server_error(const ReadItem& item, const hi6::Reply& reply);
    void hold(const ReadItem& item, Steady::time_point until);
    [[nodiscard]] bool held(const ReadItem& item) const;
    void cleared(const ReadItem& item);
    [[nodiscard]] bool hangs_on_proof(const ReadItem& item, const hi6::Reply& reply);
    [[nodiscard]] std::vector<hi6::Area> proving_areas() const;
    [[nodiscard]] AreaMode area_mode(const hi6::Area& area) const;
    void arrange();
    void arrange_status();

    // Whether the controller is there, and who is told: lane_status.cpp.
    void answered();
    void lost(const std::string& why);
    void go_offline(const std::string& why);
    void update_status();
    void log_transition(const std::string& reason);
    void say(LineBudget& budget, bool fine, const std::string& line);
    void say_news();

    [[nodiscard]] Moment moment() const;
    [[nodiscard]] Steady::time_point deadline() const { return time_.now() + config_->timeout; }

    std::shared_ptr<const config::Controller> config_;
    Wire& wire_;
    Time& time_;
    ops::ControllerMetrics& metrics_;
    std::function<void()> news_;
    std::string session_;
    log::Logger log_;
    LineBudget transition_lines_;  // of the link,
    LineBudget fault_lines_;       // of single reads: many of these must not hide one of those
    PacedClient& client_;
    std::multimap<hi6::Address, std::uint32_t> read_back_;  // signals that commands may read
    SweepPlan plan_;
    SignalTable table_;
    StateSource states_;
    RetainedSource status_;
    Schedule schedule_;
    std::unique_ptr<Alarm> alarm_;
    std::unique_ptr<Alarm> keeper_;
    command::Supervisor& commands_;
    CommandsFirst polls_;
    BlockProver prover_;
    LinkState link_;
    std::optional<LinkState> published_link_;
    bool said_offline_ = false;
    Steady::time_point next_offline_log_;

    RestlessAreas restless_;
    // Areas whose block read was refused on this connection, and the read that was.
    std::map<hi6::Area, hi6::BlockRead> no_block_;
    Steady::time_point retry_blocks_at_ = Steady::time_point::max();
    // By the item's image offset:
    std::unordered_map<std::uint32_t, Steady::time_point> held_;  // refused or failing: next try
    std::set<std::uint32_t> refused_;                             // last answered with 4xx,
    std::set<std::uint32_t> failing_;                             // with 5xx,
    std::set<std::uint32_t> garbled_;                             // with what was not understood
    int errors_in_row_ = 0;
    Steady::time_point retry_failing_at_ = Steady::time_point::max();
    Steady::time_point next_proof_;
    std::map<hi6::BlockRead, std::vector<std::byte>>
        harmless_;  // last content of each window that hangs on no open question

    Steady::time_point sleep_until_;   // of the poll loop, and
    Steady::time_point keeper_until_;  // of the housekeeping
    Steady::time_point say_refused_at_ = Steady::time_point::min();
    Backoff error_backoff_;
    Steady::time_point last_answer_;
    // Since when reads have failed for want of an answer; max(): they have not.
    Steady::time_point trouble_since_ = Steady::time_point::max();
    std::string trouble_;
    std::chrono::nanoseconds sweep_time_{0};
    Steady::time_point kept_alive_from_;  // see answered()
    int proofs_interrupted_ = 0;
    bool proof_moved_ = false;  // other than by the lane's own questions
    std::string api_version_;
    bool stranger_ = false;  // since the connection was lost another device has answered
    std::vector<std::byte> buffer_;
};

}  // namespace hi6gw::poll
