#include "app/application.h"

#include "app/systemd.h"
#include "app/topics.h"
#include "hi6/http_client.h"
#include "mqtt/paho_session.h"
#include "mqtt/payload.h"
#include "version.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace hi6gw::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kLaneRestart = 1s;
constexpr auto kWatchInterval = 1s;
constexpr auto kDiskPatience = 400ms;  // of a shutdown, with a disk that hangs
constexpr auto kWindUpTime = 1s;       // of exchanges under way, at a shutdown
constexpr auto kReleaseTime = 1500ms;  // of the pulses, after that; more than a connect interval
constexpr auto kFlushTime = 500ms;     // of the last events, after that
constexpr auto kRefusalReminder = 1h;
constexpr std::size_t kMostTroubles = 20;  // different ones, said within an hour

std::string status_payload(std::string_view state, std::int64_t now_ms,
                           std::string_view reason = {}) {
    std::string payload;
    mqtt::append_gateway_status(payload, state, now_ms, kVersion, reason);
    return payload;
}

mqtt::TlsFiles tls_files(const config::Tls& tls) {
    return {.ca_file = tls.ca_file, .cert_file = tls.cert_file, .key_file = tls.key_file};
}

mqtt::PahoOptions session_options(const config::Config& config, std::int64_t now_ms) {
    mqtt::PahoOptions options;
    options.host = config.mqtt.host;
    options.port = config.mqtt.port;
    if (config.mqtt.tls_enabled) {
        mqtt::PahoTls tls;
        tls.files = tls_files(config.mqtt.tls);
        tls.server_name = config.mqtt.tls.server_name;
        options.tls = std::move(tls);
    }
    options.version = config.mqtt.version;
    options.client_id = config.mqtt.client_id;
    options.username = config.mqtt.username;
    options.password = config.mqtt.password.reveal();
    options.keep_alive = config.mqtt.keep_alive;
    options.window = config.mqtt.window;
    mqtt::PahoWill will;
    will.topic = gateway_topic(config);
    will.payload = status_payload("offline", now_ms);
    options.will = std::move(will);
    return options;
}

bool is_writable(const config::Controller& controller) {
    return std::any_of(controller.signals.begin(), controller.signals.end(),
                       [](const config::Signal& signal) { return signal.options->writable; });
}

}  // namespace

Application::Application(const asio::any_io_executor& executor, config::Config config)
    : executor_(executor),
      stop_signals_(executor, SIGTERM, SIGINT),
      shared_config_(std::make_shared<const config::Config>(std::move(config))),
      config_(*shared_config_),
      time_(make_real_time(executor)),
      gateway_status_(gateway_topic(config_)),
      session_(mqtt::make_paho_session(executor, *time_,
                                       session_options(config_, unix_ms(time_->wall())))),
      lanes_(executor),
      services_(executor) {
    mqtt::Handlers handlers;
    handlers.connected = [this](const mqtt::Connected& connected) { on_connected(connected); };
    handlers.lost = [this](const std::string& why) { on_lost(why); };
    handlers.message = [this](mqtt::Inbound&& message) { commands_->receive(message); };
    handlers.subscription_refused = [this](const std::string& filter, const std::string& why) {
        mqtt_log_.error("the broker refuses the subscription to {}: {}; no commands from there",
                        filter, why);
    };
    handlers.connect_failed = [this](const std::string& why, bool refused) {
        on_connect_failed(why, refused);
    };
    handlers.publish_refused = [this](const std::string& topic, const std::string& why) {
        on_publish_refused(topic, why);
    };
    session_->set_handlers(std::move(handlers));
    watch_tls();
    open_state();
    session_->add(gateway_status_, mqtt::Priority::control);
    if (events_) {
        session_->add(*events_, mqtt::Priority::event);
    }
    for (std::size_t i = 0; i < config_.controllers.size(); ++i) {
        const config::Controller& controller = config_.controllers[i];
        auto station = std::make_unique<Station>();
        station->metrics = metrics_.controller(controller.name);
        station->client = hi6::make_http_client(executor, controller.host, controller.port);
        poll::Wire::Parts wire;
        wire.client = station->client.get();
        wire.time = time_.get();
        wire.metrics = station->metrics.get();
        wire.pulses = pulses_.get();
        wire.finished = [this](const command::Command& command, command::CommandResult result) {
            commands_->finished(command, std::move(result));
        };
        wire.released = [this](const command::OpenPulse& pulse, command::Release::End how) {
            on_released(pulse, how);
        };
        station->wire =
            std::make_unique<poll::Wire>(controller.name, controller.timeout, std::move(wire));
        poll::Lane::Parts parts;
        parts.wire = station->wire.get();
        parts.time = time_.get();
        parts.metrics = station->metrics.get();
        parts.news = [this] { session_->wake(); };
        parts.events = has_events(controller) ? &events_->sink(controller.name) : nullptr;
        const double phase =
            static_cast<double>(i) / static_cast<double>(config_.controllers.size());
        station->lane = std::make_unique<poll::Lane>(config_.controllers.share(i),
                                                     lane_topics(config_, controller),
                                                     config_.payload, phase, std::move(parts));
        session_->add(station->lane->status(), mqtt::Priority::control);
        session_->add(station->lane->states(), mqtt::Priority::state);
        stations_.push_back(std::move(station));
    }
    commands_ =
        std::make_unique<Commands>(shared_config_, stations_, *time_, [this] { session_->wake(); });
    session_->add(commands_->results(), mqtt::Priority::result);
    session_->set_subscriptions(commands_->filters());
    recover_pulses();
    if (config_.http.enabled) {
        ops::Pages pages{[this] { return metrics_.text(); }, [this] { return readiness(); }};
        server_ = std::make_unique<ops::Server>(executor, config_.http.host, config_.http.port,
                                                std::move(pages));
    }
}

// Whatever has not been reported by now is, while there is somebody to report to.
Application::~Application() {
    for (const auto& station : stations_) {
        station->wire->commands().cut_off(time_->now());
    }
}

asio::awaitable<void> Application::run() {
    say_gateway_status("online");
    services_.spawn(session_->run());
    services_.spawn(watch());
    if (events_) {
        services_.spawn(events_->run());
    }
    if (tls_watch_) {
        services_.spawn(tls_watch_->run());
    }
    if (server_) {
        services_.spawn(server_->run());
        log_.info("metrics and health on http://{}:{}", config_.http.host, server_->port());
    }
    for (const auto& station : stations_) {
        lanes_.spawn(supervise(*station));
    }
    log_.info("hi6gw {} runs: {} controllers, broker {}:{}", kVersion, stations_.size(),
              config_.mqtt.host, config_.mqtt.port);
    systemd::ready();
    co_await wait_for_stop_signal();
    co_await stop();
}

asio::awaitable<void> Application::wait_for_stop_signal() {
    const auto [error, number] =
        co_await stop_signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    log_.info("stopping{}", error ? "" : number == SIGTERM ? " on SIGTERM" : " on SIGINT");
}

asio::awaitable<void> Application::stop() {
    const auto deadline = time_->now() + kShutdownTime;
    systemd::stopping();
    commands_->shut_down();
    for (const auto& station : stations_) {
        station->wire->commands().shutdown(time_->now());
    }
    const auto wound_up = time_->now() + kWindUpTime;
    TaskGroup windings(executor_);
    for (const auto& station : stations_) {
        windings.spawn(station->lane->wind_up(wound_up));
    }
    co_await windings.join();
    lanes_.cancel();
    co_await lanes_.join();
    const auto released = wound_up + kReleaseTime;
    TaskGroup releases(executor_);
    for (const auto& station : stations_) {
        releases.spawn(station->wire->release_pulses(released));
    }
    co_await releases.join();
    for (const auto& station : stations_) {
        station->lane->farewell();
    }
    if (events_) {
        const auto flushed = time_->now() + kFlushTime;
        co_await events_->flush(flushed);
        events_->stop_reading();
    }
    say_gateway_status("offline");
    co_await session_->stop(deadline);
    if (events_) {
        co_await events_->flush(deadline);
    }
    services_.cancel();
    co_await services_.join();
    log_.info("stopped");
}

void Application::watch_tls() {
    if (config_.mqtt.tls_enabled) {
        tls_watch_ =
            std::make_unique<TlsWatch>(executor_, *time_, metrics_, tls_files(config_.mqtt.tls),
                                       [this](const std::string& why) { session_->renew(why); });
    }
}

void Application::open_state() {
    const auto& controllers = config_.controllers;
    const bool pulses = std::any_of(controllers.begin(), controllers.end(), is_writable);
    const bool events = std::any_of(controllers.begin(), controllers.end(), config::has_events);
    if (!pulses && !events) {
        return;
    }
    auto directory = std::make_shared<store::StateDir>(config_.gateway.state_dir);
    const auto acquired = directory->acquire();
    if (!acquired && acquired.error().trouble == store::StateDir::Trouble::in_use) {
        throw std::runtime_error(acquired.error().what);
    }
    if (!acquired) {
        log_.error("{}; until that works pulses are refused and events wait in memory",
                   acquired.error().what);
    }
    if (events) {
        events_ = std::make_unique<Events>(executor_, *time_, config_, directory,
                                           [this] { session_->wake(); });
    }
    if (pulses) {
        disk_ = std::make_unique<Worker>(kDiskPatience);
        pulses_ =
            std::make_unique<store::PulseFile>(executor_, *time_, *disk_, std::move(directory));
    }
}

// What an earlier run left pulsed is released, where commands may still write today.
void Application::recover_pulses() {
    if (!pulses_) {
        return;
    }
    for (const command::OpenPulse& pulse : pulses_->open_pulses()) {
        const auto target = commands_->router().find_writable(pulse.controller, pulse.address);
        if (!target) {
            log_.error(
                "an earlier run left {} of {} pulsed, but the configuration does not allow "
                "to write it any more: see to it",
                to_string(pulse.address), pulse.controller);
            pulses_->end(pulse.number);
            continue;
        }
        const config::Signal& signal =
            config_.controllers[target->controller].signals[target->signal];
        late_.insert(pulse.number);
        stations_[target->controller]->wire->commands().recover(pulse, signal.options->verify,
                                                                time_->now());
    }
}

void Application::on_released(const command::OpenPulse& pulse, command::Release::End how) const {
    const log::Logger log(pulse.controller);
    switch (how) {
        case command::Release::End::released:
            if (late_.contains(pulse.number)) {
                log.warn("late release: {} is {}, which an earlier run had pulsed",
                         to_string(pulse.address), pulse.released);
            }
            break;
        case command::Release::End::gave_up:
            log.error("{} could not be released to {}: see to it", to_string(pulse.address),
                      pulse.released);
            break;
        case command::Release::End::cut_off:
            log.error("{} is not released yet: the next start makes up for it",
                      to_string(pulse.address));
            break;
        case command::Release::End::open:
            break;
    }
}

// A lane ends only when it is cancelled. Should a fault of ours end it, its signals must not stand
// as good, and it is started anew: nothing gives up for good.
asio::awaitable<void> Application::supervise(Station& station) {
    const auto alarm = time_->alarm();
    for (;;) {
        std::string fault;
        try {
            co_await station.lane->run();
        } catch (const std::exception& error) {
            fault = error.what();
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            co_return;
        }
        log_.error("internal error in the lane of {}: {}; starting it anew",
                   station.lane->config().name, fault);
        station.lane->farewell();
        const auto restart = time_->now() + kLaneRestart;
        co_await alarm->wait_until(restart);
    }
}

// Once a second: feeds the watchdog and tells the service manager how things stand.
asio::awaitable<void> Application::watch() {
    const auto alarm = time_->alarm();
    auto next = time_->now();
    for (;;) {
        metrics_.event_loop_lag(time_->now() - next);
        systemd::watchdog();
        metrics_.mqtt_in_flight(session_->in_flight());
        watch_events();
        std::string now = summary();
        if (now != last_summary_) {
            systemd::status(now);
            last_summary_ = std::move(now);
        }
        next = time_->now() + kWatchInterval;
        co_await alarm->wait_until(next);
    }
}

// A journal that does not work is said where operators look.
void Application::watch_events() {
    if (!events_) {
        return;
    }
    metrics_.events(events_->metrics());
    std::string reason = events_->trouble().empty() ? "" : "event journal: " + events_->trouble();
    if (reason != gateway_reason_) {
        gateway_reason_ = std::move(reason);
        say_gateway_status(gateway_state_);
    }
}

void Application::on_connected(const mqtt::Connected& connected) {
    mqtt_log_.info("connected to {}:{}, MQTT {}, window {}{}", config_.mqtt.host, config_.mqtt.port,
                   connected.version == 5 ? "5" : "3.1.1", connected.window,
                   connected.retain_available ? "" : "; the broker keeps no retained messages");
    if (connected.version != 5 && config_.mqtt.version == 5) {
        mqtt_log_.warn(
            "the broker does not speak MQTT 5: commands have no expiry and no response topic, and "
            "retained ones are told apart only when they come with the subscription");
    }
    broker_trouble_.clear();
    broker_troubles_said_.clear();
    if (tls_watch_ && connected.certificate_expiry) {
        tls_watch_->broker_certificate(*connected.certificate_expiry);
    }
    metrics_.mqtt_connects();
    metrics_.mqtt_connected(true);
    if (events_) {
        events_->connected(connected.window);
    }
    gateway_status_.publish_again();
    for (const auto& station : stations_) {
        station->lane->publish_all();
    }
    session_->wake();
}

void Application::on_lost(const std::string& why) {
    mqtt_log_.warn("connection lost: {}", why);
    broker_trouble_ = why;
    metrics_.mqtt_connected(false);
}

// Each reason once, and once an hour again.
void Application::on_connect_failed(const std::string& why, bool refused) {
    broker_trouble_ = why;
    if (time_->now() >= next_trouble_log_ || broker_troubles_said_.size() >= kMostTroubles) {
        broker_troubles_said_.clear();
        next_trouble_log_ = time_->now() + kRefusalReminder;
    }
    if (broker_troubles_said_.insert(why).second) {
        mqtt_log_.warn("cannot connect: {}; {}", why,
                       refused ? "trying again every 30 s" : "trying again until it works");
    }
}

// One topic stands for all: access rules refuse many at once, with every change.
void Application::on_publish_refused(const std::string& topic, const std::string& why) {
    metrics_.mqtt_publish_refused();
    if (time_->now() >= next_refusal_log_) {
        mqtt_log_.warn("the broker refuses {}: {}; further ones are counted, not logged", topic,
                       why);
        next_refusal_log_ = time_->now() + kRefusalReminder;
    }
}

void Application::say_gateway_status(std::string_view state) {
    gateway_state_ = state;
    gateway_status_.set(status_payload(state, unix_ms(time_->wall()), gateway_reason_));
    session_->wake();
}

ops::Readiness Application::readiness() const {
    const auto online = std::count_if(stations_.begin(), stations_.end(), [](const auto& station) {
        return station->lane->link().is_online();
    });
    ops::Readiness result;
    result.ready = session_->connected() && online > 0;
    std::string reason;
    if (!session_->connected()) {
        reason =
            "not connected to the broker" + (broker_trouble_.empty() ? "" : ": " + broker_trouble_);
    } else if (!result.ready) {
        reason = "no controller is connected";
    }
    result.json = fmt::format(
        R"({{"ready":{},"reason":{},"mqtt":{},"controllers_online":{},"controllers":{}}})",
        result.ready, boost::json::serialize(boost::json::string_view(reason)),
        session_->connected(), online, stations_.size());
    return result;
}

std::string Application::summary() const {
    const auto online = std::count_if(stations_.begin(), stations_.end(), [](const auto& station) {
        return station->lane->link().is_online();
    });
    const std::string broker = session_->connected()     ? "connected"
                               : broker_trouble_.empty() ? "away"
                                                         : "away (" + broker_trouble_ + ')';
    return fmt::format("broker {}, {} of {} controllers online{}", broker, online, stations_.size(),
                       gateway_reason_.empty() ? "" : ", " + gateway_reason_);
}

}  // namespace hi6gw::app
