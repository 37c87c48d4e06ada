#pragma once
// The running gateway: owns every part, starts them, and stops them in order. The only place that
// names them all.
//
// Shutdown: polling stops, exchanges under way end -> pulses released -> the last word on every
// signal and controller (unreachable, offline) -> the last events written -> the gateway's own
// status offline -> drained to the broker, DISCONNECT -> what has arrived deleted -> the operations
// server. At most kShutdownTime in all. Thread: the event loop's.

#include "app/commands.h"
#include "app/events.h"
#include "app/station.h"
#include "app/tls_watch.h"
#include "base/log.h"
#include "base/task_group.h"
#include "base/time.h"
#include "base/worker.h"
#include "config/config.h"
#include "mqtt/session.h"
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
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace hi6gw::app {

// 5 s are promised in all: what is left is for threads that hang in a library (Worker).
inline constexpr std::chrono::milliseconds kShutdownTime{4000};

class Application {
  public:
    // `config` has been validated. Throws when the operations server's address cannot be bound, and
    // when another process uses the state directory. May wait for the disk.
    Application(const boost::asio::any_io_executor& executor, config::Config config);
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    ~Application();

    // Until SIGTERM or SIGINT, whatever is away; all that it started has ended when it returns.
    boost::asio::awaitable<void> run();

  private:
    boost::asio::awaitable<void> wait_for_stop_signal();
    boost::asio::awaitable<void> supervise(Station& station);
    boost::asio::awaitable<void> watch();
    boost::asio::awaitable<void> stop();
    void on_connected(const mqtt::Connected& connected);
    void on_lost(const std::string& why);
    void on_connect_failed(const std::string& why, bool refused);
    void open_state();
    void recover_pulses();
    void on_released(const command::OpenPulse& pulse, command::Release::End how) const;
    void on_publish_refused(const std::string& topic, const std::string& why);
    void watch_tls();
    void say_gateway_status(std::string_view state);
    void watch_events();
    [[nodiscard]] ops::Readiness readiness() const;
    [[nodiscard]] std::string summary() const;

    boost::asio::any_io_executor executor_;
    // Caught from the start: whoever reads READY may send one at once.
    boost::asio::signal_set stop_signals_;
    std::shared_ptr<const config::Config> shared_config_;
    const config::Config& config_;
    log::Logger log_{"gateway"};
    log::Logger mqtt_log_{"mqtt"};
    std::unique_ptr<Time> time_;
    ops::Metrics metrics_;
    poll::RetainedSource gateway_status_;
    std::unique_ptr<Worker> disk_;  // both only where something is writable
    std::unique_ptr<store::PulseFile> pulses_;
    std::unique_ptr<Events> events_;  // only where some signal has them
    std::set<std::uint64_t> late_;    // pulses that an earlier run left open
    Commands::Stations stations_;
    std::unique_ptr<Commands> commands_;
    std::unique_ptr<mqtt::Session> session_;  // after its sources, which outlive it
    std::unique_ptr<TlsWatch> tls_watch_;     // with mqtts:// only
    std::unique_ptr<ops::Server> server_;
    TaskGroup lanes_;
    TaskGroup services_;
    std::string broker_trouble_;  // why it is away; empty: it is not, or nobody knows yet
    std::set<std::string> broker_troubles_said_;
    Steady::time_point next_trouble_log_;
    Steady::time_point next_refusal_log_;
    std::string last_summary_;
    std::string gateway_state_;   // as published last
    std::string gateway_reason_;  // likewise
};

}  // namespace hi6gw::app
