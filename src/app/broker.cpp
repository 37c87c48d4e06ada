#include "app/broker.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace hi6gw::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kReminder = 1h;
constexpr auto kRestart = 1s;
constexpr std::size_t kMostTroubles = 20;  // different ones, said within an hour

std::optional<mqtt::TlsFiles> tls_files(const config::Mqtt& config) {
    if (!config.tls_enabled) {
        return std::nullopt;
    }
    return mqtt::TlsFiles{.ca_file = config.tls.ca_file,
                          .cert_file = config.tls.cert_file,
                          .key_file = config.tls.key_file};
}

mqtt::PahoOptions options_of(const config::Mqtt& config, mqtt::PahoWill will) {
    mqtt::PahoOptions options;
    options.host = config.host;
    options.port = config.port;
    if (auto files = tls_files(config)) {
        options.tls = mqtt::PahoTls{*std::move(files), config.tls.server_name};
    }
    options.version = config.version;
    options.client_id = config.client_id;
    options.username = config.username;
    options.password = config.password.reveal();
    options.keep_alive = config.keep_alive;
    options.window = config.window;
    options.will = std::move(will);
    return options;
}

}  // namespace

Broker::Broker(const asio::any_io_executor& executor, Time& time, ops::Metrics& metrics,
               const config::Mqtt& config, mqtt::PahoWill will, Hooks hooks)
    : time_(time),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      config_(config),
      session_(mqtt::make_paho_session(executor, time, options_of(config, std::move(will)))),
      tls_watch_(executor, time, metrics,
                 [this](const std::string& why) { session_->renew(why); }) {
    session_->set_handlers(handlers());
    tls_watch_.configure(tls_files(config_));
}

mqtt::Handlers Broker::handlers() {
    mqtt::Handlers out;
    out.connected = [this](const mqtt::Connected& connected) { on_connected(connected); };
    out.lost = [this](const std::string& why) {
        log_.warn("connection lost: {}", why);
        trouble_ = why;
        metrics_.mqtt_connected(false);
    };
    out.message = [this](mqtt::Inbound&& message) { hooks_.message(message); };
    out.connect_failed = [this](const std::string& why, bool refused) {
        on_connect_failed(why, refused);
    };
    out.subscription_refused = [this](const std::string& filter, const std::string& why) {
        log_.error("the broker refuses the subscription to {}: {}; nothing is heard from there",
                   filter, why);
    };
    out.publish_refused = [this](const std::string& topic, const std::string& why) {
        on_publish_refused(topic, why);
    };
    return out;
}

asio::awaitable<void> Broker::run() {
    using namespace asio::experimental::awaitable_operators;
    co_await (supervise() && tls_watch_.run());
}

// The session ends when it is stopped. A fault of ours does not end it for good.
asio::awaitable<void> Broker::supervise() {
    const auto alarm = time_.alarm();
    for (;;) {
        std::string fault;
        try {
            co_await session_->run();
            co_return;
        } catch (const std::exception& error) {
            fault = error.what();
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            co_return;
        }
        log_.error("internal error in the session: {}; starting it anew", fault);
        const auto restart = time_.now() + kRestart;
        co_await alarm->wait_until(restart);
    }
}

void Broker::configure(const config::Mqtt& config, mqtt::PahoWill will) {
    config_ = config;
    tls_watch_.configure(tls_files(config_));
    session_->configure(options_of(config_, std::move(will)),
                        "closed by the gateway, for a new configuration");
}

void Broker::on_connected(const mqtt::Connected& connected) {
    log_.info("connected to {}:{}, MQTT {}, window {}", config_.host, config_.port,
              connected.version == 5 ? "5" : "3.1.1", connected.window);
    if (!connected.retain_available) {
        log_.warn(
            "the broker keeps no retained messages: who subscribes learns of a value when "
            "it changes");
    }
    if (connected.version != 5 && config_.version == 5) {
        log_.warn(
            "the broker does not speak MQTT 5: commands have no expiry and no response topic, and "
            "retained ones are told apart only when they come with the subscription");
    }
    trouble_.clear();
    troubles_said_.clear();
    if (connected.certificate_expiry) {
        tls_watch_.broker_certificate(*connected.certificate_expiry);
    }
    metrics_.mqtt_connects();
    metrics_.mqtt_connected(true);
    hooks_.connected(connected);
}

// Each reason once, and once an hour again.
void Broker::on_connect_failed(const std::string& why, bool refused) {
    trouble_ = why;
    if (time_.now() >= next_trouble_log_ || troubles_said_.size() >= kMostTroubles) {
        troubles_said_.clear();
        next_trouble_log_ = time_.now() + kReminder;
    }
    if (troubles_said_.insert(why).second) {
        log_.warn("cannot connect: {}; {}", why,
                  refused ? "trying again every 30 s" : "trying again until it works");
    }
}

// One topic stands for all: access rules refuse many at once, with every change.
void Broker::on_publish_refused(const std::string& topic, const std::string& why) {
    metrics_.mqtt_publish_refused();
    if (time_.now() >= next_refusal_log_) {
        log_.warn("the broker refuses {}: {}; further ones are counted, not logged", topic, why);
        next_refusal_log_ = time_.now() + kReminder;
    }
}

void Broker::watch() {
    metrics_.mqtt_in_flight(session_->in_flight());
    const std::uint64_t dropped = session_->counters().inbound_dropped;
    const std::uint64_t more = dropped - std::exchange(inbound_dropped_, dropped);
    if (more == 0) {
        return;
    }
    metrics_.mqtt_inbound_dropped(more);
    if (dropped_lines_.take(time_.now())) {
        log_.error(
            "{} commands came faster than they could be looked at and are dropped: "
            "they get no result",
            more);
    }
}

std::string Broker::summary() const {
    return session_->connected() ? "connected"
           : trouble_.empty()    ? "away"
                                 : "away (" + trouble_ + ')';
}

}  // namespace hi6gw::app
