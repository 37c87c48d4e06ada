#include "app/application.h"

#include "app/file_limit.h"
#include "app/systemd.h"
#include "app/topics.h"
#include "mqtt/payload.h"
#include "version.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <utility>

namespace hi6gw::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kWatchInterval = 1s;
constexpr auto kDiskPatience = 400ms;  // of a shutdown, with a disk that hangs
constexpr auto kWindUpTime = 1s;       // of exchanges under way, at a shutdown
constexpr auto kReleaseTime = 1500ms;  // of the pulses, after that; more than a connect interval
constexpr auto kFlushTime = 500ms;     // of the last events, after that
// A part that is this late with what it has set itself is stuck: the watchdog is not fed.
constexpr auto kStall = 10s;
// Broker, operations server and its clients, state, logs, libraries. Controllers: a connection, and
// a name look-up.
constexpr std::size_t kOwnFiles = 64;

std::string status_payload(std::string_view state, Wall::time_point now,
                           std::string_view reason = {}) {
    std::string payload;
    mqtt::append_gateway_status(payload, state, unix_ms(now), kVersion, reason,
                                WallWatch::is_set(now));
    return payload;
}

bool is_writable(const config::Controller& controller) {
    return std::any_of(controller.signals.begin(), controller.signals.end(),
                       [](const config::Signal& signal) { return signal.options->writable; });
}

std::string new_session() {
    std::random_device random;
    return fmt::format("{:08x}", random());
}

}  // namespace

Application::Application(const asio::any_io_executor& executor, config::Config config,
                         std::filesystem::path file)
    : executor_(executor),
      signals_(executor, SIGTERM, SIGINT, SIGHUP),
      config_(std::make_shared<const config::Config>(std::move(config))),
      time_(make_real_time(executor)),
      reader_(executor, *time_, std::move(file)),
      owners_(new_session()),
      state_dir_(std::make_shared<store::StateDir>(config_->gateway.state_dir)),
      disk_(kDiskPatience),
      gateway_status_(std::make_unique<poll::RetainedSource>(gateway_topic(*config_))),
      retained_(executor, *time_, state_dir_),
      stations_(executor, station_parts()),
      commands_(config_, stations_, *time_, [this] { broker_->session().wake(); }),
      broker_(std::make_unique<Broker>(executor, *time_, metrics_, config_->mqtt, will(),
                                       broker_hooks())),
      reloads_(executor),
      services_(executor),
      reload_alarm_(time_->alarm()) {
    open_state();
    retained_.begin(config_);
    broker_->session().add(*gateway_status_, mqtt::Priority::control);
    broker_->session().add(retained_.source(), mqtt::Priority::control);
    broker_->session().add(commands_.results(), mqtt::Priority::result);
    stations_.build(*config_);
    owners_.configure(*config_);
    subscribe();
    recover_pulses();
    if (config_->http.enabled) {
        ops::Pages pages{[this] { return metrics_text(); }, [this] { return readiness(); }};
        server_ = std::make_unique<ops::Server>(executor, config_->http.host, config_->http.port,
                                                std::move(pages));
    }
}

// Whatever has not been reported by now is, while there is somebody to report to.
Application::~Application() {
    stations_.cut_off_commands();
}

Stations::Parts Application::station_parts() {
    Stations::Parts parts;
    parts.time = time_.get();
    parts.metrics = &metrics_;
    parts.session_name = owners_.session();
    parts.session = [this]() -> mqtt::Session& { return broker_->session(); };
    parts.pulses = [this]() -> command::PulseStore& { return *pulses_; };
    parts.events = [this]() -> Events& { return events(); };
    parts.finished = [this](const command::Command& command, command::CommandResult result) {
        commands_.finished(command, std::move(result));
    };
    parts.released = [this](const command::OpenPulse& pulse, command::Release::End how) {
        on_released(pulse, how);
    };
    parts.refusal = [this](const command::Command& command) { return commands_.refusal(command); };
    return parts;
}

Broker::Hooks Application::broker_hooks() {
    Broker::Hooks hooks;
    hooks.connected = [this](const mqtt::Connected& connected) { on_connected(connected); };
    hooks.message = [this](const mqtt::Inbound& message) { on_message(message); };
    return hooks;
}

mqtt::PahoWill Application::will() const {
    mqtt::PahoWill will;
    will.topic = gateway_topic(*config_);
    will.payload = status_payload("offline", time_->wall());
    return will;
}

asio::awaitable<void> Application::run() {
    say_gateway_status("online");
    services_.spawn(broker_->run());
    services_.spawn(watch());
    if (events_) {
        services_.spawn(events_->run());
    }
    if (server_) {
        services_.spawn(server_->run());
        log_.info("metrics and health on http://{}:{}", config_->http.host, server_->port());
    }
    stations_.start();
    reloads_.spawn(reload_on_demand());
    log_.info("hi6gw {} runs: {} controllers, broker {}:{}", kVersion, stations_.size(),
              config_->mqtt.host, config_->mqtt.port);
    const std::size_t files = kOwnFiles + 2 * config_->controllers.size();
    if (const auto allowed = allow_file_descriptors(files); !allowed) {
        log_.warn("{}", allowed.error().what);
    }
    if (!WallWatch::is_set(time_->wall())) {
        log_.warn("the wall clock has not been set yet: timestamps are what it says");
    }
    systemd::ready();
    co_await serve_signals();
    co_await stop();
}

// Signals stay caught until the end of stop(): a second one must not cut it short, with pulses to
// be released.
asio::awaitable<void> Application::serve_signals() {
    for (;;) {
        const auto [error, number] =
            co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
        if (!error && number == SIGHUP) {
            reload_wanted_ = true;
            reload_alarm_->wake();
            continue;
        }
        log_.info("stopping{}", error ? "" : number == SIGTERM ? " on SIGTERM" : " on SIGINT");
        co_return;
    }
}

asio::awaitable<void> Application::stop() {
    const auto deadline = time_->now() + kShutdownTime;
    systemd::stopping();
    stopping_ = true;
    reloads_.cancel();
    co_await reloads_.join();
    commands_.shut_down();
    stations_.shut_down_commands();
    const auto wound_up = time_->now() + kWindUpTime;
    co_await stations_.stop_lanes(wound_up);
    co_await stations_.release_pulses(wound_up + kReleaseTime);
    stations_.farewell();
    if (events_) {
        const auto flushed = time_->now() + kFlushTime;
        co_await events_->flush(flushed);
        events_->stop_reading();
    }
    say_gateway_status("offline");
    co_await broker_->session().stop(deadline);
    retained_.watch();
    if (events_) {
        co_await events_->flush(deadline);
    }
    services_.cancel();
    co_await services_.join();
    log_.info("stopped");
}

// ---- a configuration that is read again

asio::awaitable<void> Application::reload_on_demand() {
    for (;;) {
        while (!reload_wanted_) {
            co_await reload_alarm_->wait_until(Steady::time_point::max());
        }
        reload_wanted_ = false;
        systemd::reloading();
        std::string fault;
        try {
            co_await reload();
        } catch (const std::exception& error) {
            fault = error.what();
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            co_return;
        }
        if (!fault.empty()) {
            log_.error("internal error while the configuration was read again: {}", fault);
        }
        systemd::ready();
    }
}

asio::awaitable<void> Application::reload() {
    log_.info("reading {} again", reader_.file().string());
    config::Loaded loaded = co_await reader_.read();
    const std::shared_ptr<const Reload> plan = plan_from(std::move(loaded));
    if (plan) {
        co_await apply(plan);
    }
    malloc_trim(0);  // what the loader needed for its document is given back
}

// Null: the configuration is refused.
std::shared_ptr<const Reload> Application::plan_from(config::Loaded loaded) {
    if (!loaded.config) {
        refuse(loaded);
        return nullptr;
    }
    for (const config::Problem& problem : loaded.problems) {
        log_.warn("{}", config::to_string(problem));
    }
    auto plan = std::make_shared<const Reload>(plan_reload(config_, std::move(*loaded.config)));
    for (const std::string& key : plan->restart) {
        log_.warn("{} has changed: that takes a restart", key);
    }
    return plan;
}

void Application::refuse(const config::Loaded& loaded) {
    metrics_.reloaded(false);
    refused_.clear();
    for (const config::Problem& problem : loaded.problems) {
        if (problem.warning) {
            log_.warn("{}", config::to_string(problem));
        } else {
            log_.error("{}", config::to_string(problem));
            if (refused_.empty()) {
                refused_ = "config_error: " + config::to_string(problem);
            }
        }
    }
    log_.error("the configuration is refused; the one before stays in force");
    mind_what_is_wrong();
}

asio::awaitable<void> Application::apply(std::shared_ptr<const Reload> plan) {
    if (plan->level) {
        log::set_level(plan->config->log.level);
    }
    if (events_) {
        events_->configure(plan->config);
    }
    if (!plan->nothing) {
        std::function<void()> swapped = [this, plan] {
            config_ = plan->config;
            commands_.configure(config_);
            owners_.configure(*config_);
            subscribe();
            retained_.in_force(*plan);
            broker_->session().wake();
        };
        co_await retained_.announce(plan);
        co_await stations_.replace(plan->config, plan->lanes, std::move(swapped));
    }
    if (plan->session) {
        change_broker(plan->farewell);
    }
    refused_.clear();
    metrics_.reloaded(true);
    mind_what_is_wrong();
    if (plan->nothing) {
        log_.info("the configuration has not changed");
    } else {
        log_.info("configuration applied: {} controllers: {} added, {} changed, {} removed{}",
                  stations_.size(), plan->added, plan->changed, plan->removed,
                  plan->session ? "; the broker is connected anew" : "");
    }
}

// What hears of us no more is told so; "online" is said when the next connection stands.
void Application::change_broker(bool farewell) {
    const std::string topic = gateway_topic(*config_);
    if (farewell) {
        say_gateway_status("offline");
    }
    broker_->configure(config_->mqtt, will());
    if (topic != gateway_status_->topic()) {  // the old one is swept
        broker_->session().remove(*gateway_status_);
        gateway_status_ = std::make_unique<poll::RetainedSource>(topic);
        broker_->session().add(*gateway_status_, mqtt::Priority::control);
    }
}

// ---- what is needed

void Application::open_state() {
    const auto& controllers = config_->controllers;
    const bool needed = std::any_of(controllers.begin(), controllers.end(), [](const auto& one) {
        return is_writable(one) || config::has_events(one);
    });
    const auto acquired = state_dir_->acquire();
    if (!acquired && acquired.error().trouble == store::StateDir::Trouble::in_use) {
        throw std::runtime_error(acquired.error().what);
    }
    if (!acquired && needed) {
        log_.error("{}; until that works pulses are refused and events wait in memory",
                   acquired.error().what);
    }
    pulses_ = std::make_unique<store::PulseFile>(executor_, *time_, disk_, state_dir_);
    if (store::EventDb::is_there(config_->gateway.state_dir)) {
        events();  // what an earlier configuration left is still sent
    }
}

// Made when the first signal has some; it outlives the last one, with what waits.
Events& Application::events() {
    if (!events_) {
        events_ = std::make_unique<Events>(executor_, *time_, config_, state_dir_,
                                           [this] { broker_->session().wake(); });
        broker_->session().add(*events_, mqtt::Priority::event);
        if (!gateway_state_.empty()) {  // else run() does
            services_.spawn(events_->run());
        }
    }
    return *events_;
}

// What an earlier run left pulsed is released, where commands may still write today.
void Application::recover_pulses() {
    for (const command::OpenPulse& pulse : pulses_->open_pulses()) {
        const auto target = commands_.router().find_writable(pulse.controller, pulse.address);
        if (!target) {
            log_.error(
                "an earlier run left {} of {} pulsed, but the configuration does not allow "
                "to write it any more: see to it",
                to_string(pulse.address), pulse.controller);
            pulses_->end(pulse.number);
            continue;
        }
        Station& station = stations_[target->controller];
        const config::Signal& signal = station.config->signals[target->signal];
        late_.insert(pulse.number);
        station.wire->commands().recover(pulse, signal.options->verify, time_->now());
    }
}

void Application::subscribe() {
    std::vector<std::string> filters = commands_.filters();
    const bool commands = !filters.empty();
    for (std::string& filter : owners_.filters()) {
        filters.push_back(std::move(filter));
    }
    broker_->session().set_subscriptions(std::move(filters), commands);
}

// ---- what happens

void Application::on_connected(const mqtt::Connected& connected) {
    retained_.connected();
    if (events_) {
        events_->connected(connected.window);
    }
    if (!stopping_) {
        say_gateway_status("online");
    }
    stations_.publish_all();
    broker_->session().wake();
}

void Application::on_message(const mqtt::Inbound& message) {
    if (!owners_.concerns(message.topic)) {
        commands_.receive(message);
        return;
    }
    const auto seen = owners_.look(message.topic, message.payload, message.stored, time_->now());
    if (!seen) {
        return;
    }
    if (seen->news && owner_lines_.take(time_->now())) {
        log_.error(
            "duplicate_owner: another gateway serves {} too: each polls it and may write to it",
            seen->controller);
    }
    if (Station* const station = stations_.find(seen->controller);
        station != nullptr && seen->answer) {
        station->lane->publish_status();
        broker_->session().wake();
    }
    mind_what_is_wrong();
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

// Once a second: feeds the watchdog, while all that should go on goes on, and tells the service
// manager how things stand.
asio::awaitable<void> Application::watch() {
    const auto alarm = time_->alarm();
    auto next = time_->now();
    for (;;) {
        metrics_.event_loop_lag(time_->now() - next);
        const std::string stuck = stalled();
        if (stuck.empty()) {
            stall_said_ = false;
            systemd::watchdog();
        } else if (!std::exchange(stall_said_, true)) {
            log_.error("{} makes no progress: the watchdog is not fed any more", stuck);
        }
        broker_->watch();
        retained_.watch();
        mind_the_clock();
        mind_what_others_left();
        mind_what_is_wrong();
        const std::uint64_t unread = log::dropped();
        metrics_.log_lines_dropped(unread - std::exchange(log_lines_dropped_, unread));
        std::string now = summary();
        if (now != last_summary_) {
            systemd::status(now);
            last_summary_ = std::move(now);
        }
        next = time_->now() + kWatchInterval;
        co_await alarm->wait_until(next);
    }
}

// The part that is stuck, or nothing.
std::string Application::stalled() const {
    const Steady::time_point late = time_->now() - kStall;
    if (broker_->session().due() < late) {
        return "the session with the broker";
    }
    for (std::size_t i = 0; i < stations_.size(); ++i) {
        if (stations_[i].lane->due() < late) {
            return "the polling of " + stations_[i].config->name;
        }
    }
    return {};
}

// Deadlines and schedules do not see it; timestamps follow, but never back.
void Application::mind_the_clock() {
    const Wall::time_point wall = time_->wall();
    const auto step = clock_.look(time_->now(), wall);
    if (!step) {
        return;
    }
    metrics_.clock_steps();
    say_gateway_status(gateway_state_);
    if (clock_lines_.take(time_->now())) {
        log_.warn(
            "the wall clock was set {} by {} s{}", step->count() > 0 ? "forward" : "back",
            std::abs(step->count()) / 1000,
            step->count() > 0 ? "" : ": timestamps of signals stand still until it has caught up");
    }
}

// Another gateway's goodbye marks the signals of a controller that we go on reading.
void Application::mind_what_others_left() {
    for (const Owners::Left& left : owners_.take_left(time_->now())) {
        Station* const station = stations_.find(left.controller);
        // Where we are offline, too, there is nothing better to say.
        if (station != nullptr && (left.deleted || station->lane->link().is_online())) {
            station->lane->publish_all();
        }
    }
}

// What does not work is said where operators look.
void Application::mind_what_is_wrong() {
    const std::string shared = owners_.shared(time_->now());
    metrics_.second_owner(!shared.empty());
    std::string reason = refused_;
    const auto add = [&reason](const std::string& what) {
        reason += (reason.empty() ? "" : "; ") + what;
    };
    if (!shared.empty()) {
        add("duplicate_owner: another gateway serves " + shared);
    }
    if (events_ && !events_->trouble().empty()) {
        add("event journal: " + events_->trouble());
    }
    if (reason != gateway_reason_) {
        gateway_reason_ = std::move(reason);
        say_gateway_status(gateway_state_);
    }
}

void Application::say_gateway_status(std::string state) {
    gateway_state_ = std::move(state);
    gateway_status_->set(status_payload(gateway_state_, time_->wall(), gateway_reason_));
    broker_->session().wake();
}

std::string Application::metrics_text() {
    broker_->session().look();
    if (events_) {
        metrics_.events(events_->metrics());
    }
    return metrics_.text();
}

ops::Readiness Application::readiness() const {
    const std::size_t online = stations_.online();
    const bool connected = broker_->session().connected();
    ops::Readiness result;
    result.ready = connected && online > 0;
    std::string reason;
    if (!connected) {
        reason = "not connected to the broker" +
                 (broker_->trouble().empty() ? "" : ": " + broker_->trouble());
    } else if (!result.ready) {
        reason = "no controller is connected";
    }
    result.json = fmt::format(
        R"({{"ready":{},"reason":{},"mqtt":{},"controllers_online":{},"controllers":{}}})",
        result.ready, boost::json::serialize(boost::json::string_view(reason)), connected, online,
        stations_.size());
    return result;
}

std::string Application::summary() const {
    return fmt::format("broker {}, {} of {} controllers online{}", broker_->summary(),
                       stations_.online(), stations_.size(),
                       gateway_reason_.empty() ? "" : ", " + gateway_reason_);
}

}  // namespace hi6gw::app
