#include "app/stations.h"

#include "app/reload.h"
#include "app/topics.h"
#include "hi6/http_client.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace hi6gw::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kLaneRestart = 1s;
constexpr auto kWindUpTime = 1s;       // of an exchange under way, at a reload
constexpr auto kReleaseTime = 1500ms;  // of the pulses of a controller that goes, after that

}  // namespace

void Stations::build(const config::Config& config) {
    for (std::size_t i = 0; i < config.controllers.size(); ++i) {
        list_.push_back(make(config, i));
    }
}

void Stations::start() {
    for (const auto& station : list_) {
        run(*station);
    }
}

std::unique_ptr<Station> Stations::make(const config::Config& config, std::size_t at) {
    const config::Controller& controller = config.controllers[at];
    auto station = std::make_unique<Station>();
    station->phase = static_cast<double>(at) / static_cast<double>(config.controllers.size());
    station->metrics = parts_.metrics->controller(controller.name);
    station->client = hi6::make_http_client(executor_, controller.host, controller.port);
    poll::Wire::Parts wire;
    wire.client = station->client.get();
    wire.time = parts_.time;
    wire.metrics = station->metrics.get();
    wire.pulses = &parts_.pulses();
    wire.finished = parts_.finished;
    wire.released = parts_.released;
    station->wire =
        std::make_unique<poll::Wire>(controller.name, controller.timeout, std::move(wire));
    give_lane(*station, config, at);
    return station;
}

// The lane that was there before has been taken off, and is taken over from.
void Stations::give_lane(Station& station, const config::Config& config, std::size_t at) {
    const std::unique_ptr<poll::Lane> before = std::move(station.lane);
    station.config = config.controllers.share(at);
    poll::Lane::Parts parts;
    parts.wire = station.wire.get();
    parts.time = parts_.time;
    parts.metrics = station.metrics.get();
    parts.news = [this] { parts_.session().wake(); };
    parts.session = parts_.session_name;
    parts.events =
        has_events(*station.config) ? &parts_.events().sink(station.config->name) : nullptr;
    station.lane =
        std::make_unique<poll::Lane>(station.config, lane_topics(config, *station.config),
                                     config.payload, station.phase, std::move(parts), before.get());
    parts_.session().add(station.lane->status(), mqtt::Priority::control);
    parts_.session().add(station.lane->states(), mqtt::Priority::state);
}

void Stations::take_lane_off(Station& station) {
    parts_.session().remove(station.lane->status());
    parts_.session().remove(station.lane->states());
}

void Stations::run(Station& station) {
    station.tasks = std::make_unique<TaskGroup>(executor_);
    station.tasks->spawn(supervise(station));
}

// A lane ends only when it is cancelled. Should a fault of ours end it, its signals must not stand
// as good, and it is started anew: nothing gives up for good.
asio::awaitable<void> Stations::supervise(Station& station) {
    const auto alarm = parts_.time->alarm();
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
        log_.error("internal error in the lane of {}: {}; starting it anew", station.config->name,
                   fault);
        station.lane->farewell();
        const auto restart = parts_.time->now() + kLaneRestart;
        co_await alarm->wait_until(restart);
    }
}

asio::awaitable<void> Stations::halt(Station& station, bool for_good) {
    const auto wound_up = parts_.time->now() + kWindUpTime;
    if (for_good) {
        station.wire->commands().shutdown(parts_.time->now());
    }
    co_await station.lane->wind_up(wound_up);
    station.tasks->cancel();
    co_await station.tasks->join();
    if (for_good) {
        co_await station.wire->release_pulses(wound_up + kReleaseTime);
        station.wire->client().close();
    }
}

asio::awaitable<void> Stations::replace(std::shared_ptr<const config::Config> after, bool all,
                                        std::function<void()> swapped) {
    const config::Controllers& wanted = after->controllers;
    const auto fate_of = [&](const Station& station) -> const config::Controller* {
        const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const auto& one) {
            return one.name == station.config->name && same_place(one, *station.config);
        });
        return found == wanted.end() ? nullptr : &*found;
    };
    TaskGroup halts(executor_);
    // Those that go for good first, while all others go on: what one of them has pulsed may take
    // its time to be released, and its controller may be dead.
    for (const auto& station : list_) {
        if (fate_of(*station) == nullptr) {
            halts.spawn(halt(*station, true));
        }
    }
    co_await halts.join();
    for (const auto& station : list_) {
        const config::Controller* const next = fate_of(*station);
        if (next != nullptr && (all || next != station->config.get())) {
            halts.spawn(halt(*station, false));
        }
    }
    co_await halts.join();
    // From here on without a wait.
    List before = std::exchange(list_, {});
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto same = std::find_if(before.begin(), before.end(), [&](const auto& station) {
            return station && station->config->name == wanted[i].name &&
                   same_place(*station->config, wanted[i]);
        });
        if (same == before.end()) {
            run(*list_.emplace_back(make(*after, i)));
            continue;
        }
        Station& station = *list_.emplace_back(std::move(*same));
        if (all || &wanted[i] != station.config.get()) {
            take_lane_off(station);
            station.wire->set_timeout(wanted[i].timeout);
            give_lane(station, *after, i);
            run(station);
        }
    }
    for (const auto& gone : before) {
        if (gone) {
            take_lane_off(*gone);
        }
    }
    swapped();
    for (const auto& station : list_) {
        station->wire->commands().revise(parts_.refusal, parts_.time->now());
    }
}

void Stations::shut_down_commands() {
    for (const auto& station : list_) {
        station->wire->commands().shutdown(parts_.time->now());
    }
}

asio::awaitable<void> Stations::stop_lanes(Steady::time_point until) {
    TaskGroup windings(executor_);
    for (const auto& station : list_) {
        windings.spawn(station->lane->wind_up(until));
    }
    co_await windings.join();
    for (const auto& station : list_) {
        station->tasks->cancel();
    }
    for (const auto& station : list_) {
        co_await station->tasks->join();
    }
}

asio::awaitable<void> Stations::release_pulses(Steady::time_point until) {
    TaskGroup releases(executor_);
    for (const auto& station : list_) {
        releases.spawn(station->wire->release_pulses(until));
    }
    co_await releases.join();
}

void Stations::cut_off_commands() {
    for (const auto& station : list_) {
        station->wire->commands().cut_off(parts_.time->now());
    }
}

void Stations::farewell() {
    for (const auto& station : list_) {
        station->lane->farewell();
    }
}

void Stations::publish_all() {
    for (const auto& station : list_) {
        station->lane->publish_all();
    }
}

std::size_t Stations::online() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        list_, [](const auto& station) { return station->lane->link().is_online(); }));
}

Station* Stations::find(std::string_view controller) const {
    const auto found = std::ranges::find_if(
        list_, [&](const auto& station) { return station->config->name == controller; });
    return found == list_.end() ? nullptr : found->get();
}

}  // namespace hi6gw::app
