#include "lane_bench.h"

#include "hi6/codec.h"
#include "unit/command/make.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/json.hpp>

#include <algorithm>

namespace hi6gw::poll {

namespace asio = boost::asio;
namespace json = boost::json;

config::Signal make_signal(const std::string& address, std::chrono::milliseconds poll,
                           hi6::IndexUnit unit) {
    auto options = std::make_shared<domain::SignalOptions>();
    options->poll = poll;
    return {address, hi6::parse_address(address, unit).value(), std::move(options)};
}

config::Controller make_controller(std::vector<config::Signal> signals) {
    config::Controller config;
    config.name = "r1";
    config.signals = std::move(signals);
    return config;
}

void fill(FakeController& controller) {
    for (std::uint32_t i = 0; i < 120; ++i) {
        controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + 11)});
        controller.put(kIn, i, {static_cast<std::uint8_t>(i * 53 + 7)});
    }
}

LaneBench::LaneBench(config::Controller config) {
    Wire::Parts parts;
    parts.client = &controller;
    parts.time = &time;
    parts.metrics = controller_metrics.get();
    parts.pulses = &pulses;
    parts.finished = [this](const command::Command& done, command::CommandResult result) {
        results.push_back({time.now(), done.reply.id, std::move(result)});
    };
    wire = std::make_unique<Wire>(config.name, config.timeout, std::move(parts));
    make_lane(std::move(config), nullptr);
    time.on_step([this] { drain(); });
    drain();
}

void LaneBench::make_lane(config::Controller config, const Lane* before) {
    Lane::Parts parts;
    parts.wire = wire.get();
    parts.time = &time;
    parts.metrics = controller_metrics.get();
    parts.news = [] {};
    LaneTopics topics;
    topics.state = {"hi6/r1/state/", ""};
    topics.status = "hi6/r1/status";
    lane =
        std::make_unique<Lane>(std::make_shared<const config::Controller>(std::move(config)),
                               topics, config::PayloadFormat::json, 0.0, std::move(parts), before);
}

void LaneBench::replace(config::Controller config) {
    bool wound_up = false;
    asio::co_spawn(io, lane->wind_up(time.now() + 1s),
                   [&wound_up](const std::exception_ptr&) { wound_up = true; });
    for (int i = 0; i < 1000 && !wound_up; ++i) {
        time.advance(1ms);
    }
    EXPECT_TRUE(wound_up);
    stop();
    const std::unique_ptr<Lane> before = std::move(lane);
    make_lane(std::move(config), before.get());
    run();
}

LaneBench::~LaneBench() {
    stop();
    EXPECT_FALSE(controller.overlapped) << "a second request or connect was under way";
}

static void expect_aborted(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), asio::error::operation_aborted);
    }
}

void LaneBench::run() {
    running_ = true;
    asio::co_spawn(io, lane->run(),
                   asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr error) {
                       running_ = false;
                       try {
                           if (error) {
                               std::rethrow_exception(error);
                           }
                           ADD_FAILURE() << "run() returned by itself";
                       } catch (const asio::multiple_exceptions& e) {
                           expect_aborted(e.first_exception());  // of both loops
                       } catch (const boost::system::system_error& e) {
                           EXPECT_EQ(e.code(), asio::error::operation_aborted);
                       } catch (const std::exception& e) {
                           ADD_FAILURE() << "run() ended with " << e.what();
                       }
                   }));
    time.settle();
}

void LaneBench::stop() {
    if (!running_) {
        return;
    }
    cancel_.emit(asio::cancellation_type::terminal);
    time.settle();
    EXPECT_FALSE(running_) << "a loop is still suspended after the cancellation";
}

bool LaneBench::shut_down() {
    const auto ends = [this](asio::awaitable<void> work) {
        bool ended = false;
        asio::co_spawn(io, std::move(work), [&ended](const std::exception_ptr&) { ended = true; });
        for (int i = 0; i < 5000 && !ended; ++i) {
            time.advance(1ms);
        }
        return ended;
    };
    const auto wound_up = time.now() + 1s;
    wire->commands().shutdown(time.now());
    const bool wound = ends(lane->wind_up(wound_up));
    stop();
    return ends(wire->release_pulses(wound_up + 1500ms)) && wound;
}

void LaneBench::command(const std::string& id, const std::string& address, std::uint32_t raw,
                        std::chrono::milliseconds ttl,
                        std::optional<std::chrono::milliseconds> pulse) {
    command::Command out = command::test::command(address, raw);
    out.range = hi6::bit_range(out.address, hi6::IndexUnit::byte);
    out.pulse = pulse;
    out.reply.id = id;
    out.received = time.now();
    out.deadline = time.now() + ttl;
    lane->submit(std::move(out));
}

void LaneBench::drain() {
    mqtt::Publication out;
    while (lane->states().next(out)) {
        const json::object body = json::parse(out.payload).as_object();
        Message message;
        message.at = time.now();
        message.signal = out.topic.substr(std::string("hi6/r1/state/").size());
        message.value = json::serialize(body.at("value"));
        message.quality = static_cast<int>(body.at("quality").as_int64());
        message.timestamp = body.at("timestamp").as_int64();
        check(message);
        messages.push_back(message);
        latest[message.signal] = message;
        out.ticket.acknowledged = time.now();
        lane->states().settled(out.ticket, refuses.empty(), refuses);
    }
    while (lane->status().next(out)) {
        const json::object body = json::parse(out.payload).as_object();
        last_status = {time.now(), std::string(body.at("state").as_string()),
                       std::string(body.at("reason").as_string()),
                       std::string(body.at("read_mode").as_string())};
        statuses.push_back(last_status);
        lane->status().settled(out.ticket, refuses.empty(), refuses);
    }
}

// Independent of table, plan and proof: what the controller itself means by the signal's name.
void LaneBench::check(const Message& message) {
    const auto before = latest.find(message.signal);
    if (before != latest.end()) {
        EXPECT_GE(message.timestamp, before->second.timestamp) << message.signal;
    }
    if (!check_truth || message.quality != 192) {
        return;
    }
    for (const config::Signal& signal : lane->config().signals) {
        if (signal.name == message.signal) {
            const std::uint32_t raw = controller.value(signal.address);
            std::int64_t expected = raw;
            if (signal.address.width == hi6::Width::word) {
                expected = static_cast<std::int16_t>(raw);
            } else if (signal.address.width == hi6::Width::byte) {
                expected = static_cast<std::int8_t>(raw);
            } else if (signal.address.width == hi6::Width::dword) {
                expected = static_cast<std::int32_t>(raw);
            }
            EXPECT_EQ(message.value, std::to_string(expected)) << message.signal;
        }
    }
}

Message LaneBench::last(const std::string& signal) const {
    const auto found = latest.find(signal);
    return found == latest.end() ? Message{} : found->second;
}

double LaneBench::metric(const std::string& series) const {
    const std::string text = metrics.text();
    const std::size_t at = text.find("\n" + series + "{controller=\"r1\"} ");
    if (at == std::string::npos) {
        ADD_FAILURE() << "no series " << series;
        return -1;
    }
    return std::stod(text.substr(text.find("} ", at) + 2));
}

std::chrono::nanoseconds LaneBench::shortest_connect_gap() const {
    std::chrono::nanoseconds shortest = 1000h;
    for (std::size_t i = 1; i < controller.connects.size(); ++i) {
        shortest = std::min<std::chrono::nanoseconds>(
            shortest, controller.connects[i] - controller.connects[i - 1]);
    }
    return shortest;
}

}  // namespace hi6gw::poll
