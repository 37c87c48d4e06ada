#pragma once
// The controllers: one station each, made from the configuration, run, replaced by a reload and
// stopped in order. Thread: the event loop's.

#include "app/events.h"
#include "base/log.h"
#include "base/task_group.h"
#include "base/time.h"
#include "config/config.h"
#include "hi6/controller_client.h"
#include "mqtt/session.h"
#include "ops/metrics.h"
#include "poll/lane.h"
#include "poll/wire.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace hi6gw::app {

// All that belongs to one configured controller.
struct Station {
    std::shared_ptr<const config::Controller> config;
    double phase = 0;
    std::unique_ptr<ops::ControllerMetrics> metrics;
    std::unique_ptr<hi6::ControllerClient> client;
    std::unique_ptr<poll::Wire> wire;
    std::unique_ptr<poll::Lane> lane;
    std::unique_ptr<TaskGroup> tasks;  // the lane's
};

class Stations {
  public:
    struct Parts {  // all outlive the stations
        Time* time = nullptr;
        ops::Metrics* metrics = nullptr;
        std::function<mqtt::Session&()> session;
        std::function<command::PulseStore&()> pulses;
        std::string session_name;         // of the gateway, for the status
        std::function<Events&()> events;  // asked where a signal has events
        std::function<void(const command::Command&, command::CommandResult)> finished;
        std::function<void(const command::OpenPulse&, command::Release::End)> released;
        // Asked of each queued command after a reload.
        command::Supervisor::Revision refusal;
    };
    Stations(boost::asio::any_io_executor executor, Parts parts)
        : executor_(std::move(executor)), parts_(std::move(parts)) {}
    Stations(const Stations&) = delete;
    Stations& operator=(const Stations&) = delete;
    ~Stations() = default;

    // Makes one for each controller; what runs is `start`ed.
    void build(const config::Config& config);
    void start();
    // A reload. Controllers that `after` shares with the configuration before keep everything,
    // those that are different get a new lane, on the same wire where host and port are the same,
    // and those that are gone end; pulses on a wire that goes are released. `all`: every lane is
    // made anew (topics or payloads have changed). `swapped` is called when the new order of
    // stations is in force, before anything else can happen.
    boost::asio::awaitable<void> replace(std::shared_ptr<const config::Config> after, bool all,
                                         std::function<void()> swapped);

    // --- in the order of a shutdown
    void shut_down_commands();
    boost::asio::awaitable<void> stop_lanes(Steady::time_point until);
    boost::asio::awaitable<void> release_pulses(Steady::time_point until);
    void farewell();
    void cut_off_commands();  // whatever has not been reported by now is

    void publish_all();
    [[nodiscard]] std::size_t size() const { return list_.size(); }
    [[nodiscard]] std::size_t online() const;
    // In the order of the configuration.
    [[nodiscard]] Station& operator[](std::size_t at) const { return *list_[at]; }
    [[nodiscard]] Station* find(std::string_view controller) const;

  private:
    using List = std::vector<std::unique_ptr<Station>>;

    std::unique_ptr<Station> make(const config::Config& config, std::size_t at);
    void give_lane(Station& station, const config::Config& config, std::size_t at);
    void take_lane_off(Station& station);
    void run(Station& station);
    boost::asio::awaitable<void> supervise(Station& station);
    boost::asio::awaitable<void> halt(Station& station, bool for_good);

    boost::asio::any_io_executor executor_;
    Parts parts_;
    List list_;
    log::Logger log_{"gateway"};
};

}  // namespace hi6gw::app
