#pragma once
// The running gateway: owns every part, starts them, applies a configuration that is read again,
// and stops them in order. The only place that names them all.
//
// Shutdown: polling stops, exchanges under way end -> pulses released -> the last word on every
// signal and controller (unreachable, offline) -> the last events written -> the gateway's own
// status offline -> drained to the broker, DISCONNECT -> what has arrived deleted -> the operations
// server. At most kShutdownTime in all. Thread: the event loop's.

#include "app/broker.h"
#include "app/commands.h"
#include "app/config_reader.h"
#include "app/events.h"
#include "app/owners.h"
#include "app/reload.h"
#include "app/retained.h"
#include "app/stations.h"
#include "base/line_budget.h"
#include "base/log.h"
#include "base/task_group.h"
#include "base/time.h"
#include "base/wall_watch.h"
#include "base/worker.h"
#include "config/config.h"
#include "config/loader.h"
#include "ops/metrics.h"
#include "ops/server.h"
#include "poll/publisher.h"
#include "store/pulse_file.h"
#include "store/state_dir.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>

namespace hi6gw::app {

// 5 s are promised in all: what is left is for threads that hang in a library (Worker).
inline constexpr std::chrono::milliseconds kShutdownTime{4000};

class Application {
  public:
    // `config` has been validated; `file` is where it came from, to be read again. Throws when the
    // operations server's address cannot be bound, and when another process uses the state
    // directory. May wait for the disk.
    Application(const boost::asio::any_io_executor& executor, config::Config config,
                std::filesystem::path file);
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    ~Application();

    // Until SIGTERM or SIGINT, whatever is away; all that it started has ended when it returns.
    // SIGHUP: the configuration is read again.
    boost::asio::awaitable<void> run();

  private:
    boost::asio::awaitable<void> serve_signals();
    boost::asio::awaitable<void> watch();
    boost::asio::awaitable<void> stop();

    boost::asio::awaitable<void> reload_on_demand();
    boost::asio::awaitable<void> reload();
    boost::asio::awaitable<void> apply(std::shared_ptr<const Reload> plan);
    [[nodiscard]] std::shared_ptr<const Reload> plan_from(config::Loaded loaded);
    void refuse(const config::Loaded& loaded);
    void change_broker(bool farewell);

    [[nodiscard]] Stations::Parts station_parts();
    [[nodiscard]] Broker::Hooks broker_hooks();
    [[nodiscard]] mqtt::PahoWill will() const;
    Events& events();  // made by the first call
    void open_state();
    void recover_pulses();
    void subscribe();
    void on_connected(const mqtt::Connected& connected);
    void on_message(const mqtt::Inbound& message);
    void on_released(const command::OpenPulse& pulse, command::Release::End how) const;
    void mind_the_clock();
    void mind_what_others_left();
    void mind_what_is_wrong();
    void say_gateway_status(std::string state);
    [[nodiscard]] std::string stalled() const;
    [[nodiscard]] std::string metrics_text();
    [[nodiscard]] ops::Readiness readiness() const;
    [[nodiscard]] std::string summary() const;

    boost::asio::any_io_executor executor_;
    // Caught from the start: whoever reads READY may send one at once.
    boost::asio::signal_set signals_;
    std::shared_ptr<const config::Config> config_;
    log::Logger log_{"gateway"};
    std::unique_ptr<Time> time_;
    ops::Metrics metrics_;
    ConfigReader reader_;
    Owners owners_;
    std::shared_ptr<store::StateDir> state_dir_;
    Worker disk_;
    std::unique_ptr<store::PulseFile> pulses_;
    std::unique_ptr<Events> events_;  // once some signal has them, or had
    std::set<std::uint64_t> late_;    // pulses that an earlier run left open
    std::unique_ptr<poll::RetainedSource> gateway_status_;
    Retained retained_;
    Stations stations_;
    Commands commands_;
    std::unique_ptr<Broker> broker_;  // after its sources, which outlive it
    std::unique_ptr<ops::Server> server_;
    TaskGroup reloads_;
    TaskGroup services_;
    std::unique_ptr<Alarm> reload_alarm_;
    bool reload_wanted_ = false;
    bool stopping_ = false;
    std::string refused_;  // why the last reload was; empty: it was not
    WallWatch clock_;
    LineBudget clock_lines_;
    LineBudget owner_lines_;
    std::uint64_t log_lines_dropped_ = 0;  // that have been counted
    bool stall_said_ = false;
    std::string gateway_state_;  // as published last
    std::string last_summary_;
    std::string gateway_reason_;  // likewise
};

}  // namespace hi6gw::app
