#pragma once
// The broker, and what is said of it: the session with its options, the certificates' watch, log
// lines and metrics of the connection. Thread: the event loop's.

#include "app/tls_watch.h"
#include "base/line_budget.h"
#include "base/log.h"
#include "base/time.h"
#include "config/config.h"
#include "mqtt/paho_session.h"
#include "ops/metrics.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace hi6gw::app {

class Broker {
  public:
    struct Hooks {
        std::function<void(const mqtt::Connected&)> connected;
        std::function<void(const mqtt::Inbound&)> message;
    };
    // What is referred to outlives this. `will`: what the broker publishes when the gateway dies.
    Broker(const boost::asio::any_io_executor& executor, Time& time, ops::Metrics& metrics,
           const config::Mqtt& config, mqtt::PahoWill will, Hooks hooks);

    [[nodiscard]] mqtt::Session& session() { return *session_; }
    [[nodiscard]] const mqtt::Session& session() const { return *session_; }

    // Until cancelled; the session ends with session().stop().
    boost::asio::awaitable<void> run();
    // After a reload: connects anew, once what there is to say has been said.
    void configure(const config::Mqtt& config, mqtt::PahoWill will);

    void watch();                               // once a second
    [[nodiscard]] std::string summary() const;  // "connected", "away (why)"
    // Why it is away; empty: it is not, or nobody knows yet.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

  private:
    [[nodiscard]] mqtt::Handlers handlers();
    boost::asio::awaitable<void> supervise();
    void on_connected(const mqtt::Connected& connected);
    void on_connect_failed(const std::string& why, bool refused);
    void on_publish_refused(const std::string& topic, const std::string& why);

    Time& time_;
    ops::Metrics& metrics_;
    Hooks hooks_;
    config::Mqtt config_;
    log::Logger log_{"mqtt"};
    std::unique_ptr<mqtt::BrokerSession> session_;
    TlsWatch tls_watch_;
    std::string trouble_;
    std::set<std::string> troubles_said_;
    Steady::time_point next_trouble_log_;
    Steady::time_point next_refusal_log_;
    std::uint64_t inbound_dropped_ = 0;  // that have been told
    LineBudget dropped_lines_;
};

}  // namespace hi6gw::app
