#pragma once
// A session on a loop of its own, with what it told its handlers.

#include "base/time.h"
#include "mqtt/paho_session.h"
#include "support/broker.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::mqtt {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Latest value per topic, as the gateway's own source: a lost message is said again, a refused one
// is not.
class LatestSource final : public Source {
  public:
    explicit LatestSource(std::uint8_t qos = 1, bool retain = true) : qos_(qos), retain_(retain) {}

    void set(const std::string& topic, std::string value) {
        values_[topic] = std::move(value);
        dirty_[topic] = true;
    }
    void say_all_again() {
        for (const auto& [topic, value] : values_) {
            dirty_[topic] = true;
        }
    }
    bool next(Publication& out) override {
        if (dirty_.empty()) {
            return false;
        }
        const std::string topic = dirty_.begin()->first;
        dirty_.erase(dirty_.begin());
        out.topic = topic;
        out.payload = values_[topic];
        out.qos = qos_;
        out.retain = retain_;
        out.correlation = correlation;
        out.awaited = awaited;
        out.ticket.id = ++tickets_;
        in_flight_[tickets_] = topic;
        most_in_flight = std::max(most_in_flight, in_flight_.size());
        return true;
    }
    void settled(const Ticket& ticket, bool ok, const std::string& why) override {
        const auto found = in_flight_.find(ticket.id);
        if (found == in_flight_.end()) {
            ++unknown;
            return;
        }
        const std::string topic = found->second;
        in_flight_.erase(found);
        if (ok) {
            ++arrived;
            acknowledged = ticket.acknowledged;
        } else if (why.empty()) {
            ++lost;
            dirty_[topic] = true;
        } else {
            refused[topic] = why;
        }
    }
    [[nodiscard]] bool idle() const { return dirty_.empty() && in_flight_.empty(); }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }

    std::string correlation;
    bool awaited = true;
    Steady::time_point acknowledged;  // of the latest that arrived
    std::size_t arrived = 0;
    std::size_t lost = 0;
    std::size_t unknown = 0;  // settled twice, or never taken: must stay 0
    std::size_t most_in_flight = 0;
    std::map<std::string, std::string> refused;

  private:
    std::uint8_t qos_;
    bool retain_;
    std::map<std::string, std::string> values_;
    std::map<std::string, bool> dirty_;
    std::map<std::uint64_t, std::string> in_flight_;
    std::uint64_t tickets_ = 0;
};

class SessionFixture {
  public:
    explicit SessionFixture(PahoOptions options)
        : SessionFixture(std::move(options), [](boost::asio::io_context& loop) {
              return make_real_time(loop.get_executor());
          }) {}
    using Clock = std::function<std::unique_ptr<Time>(boost::asio::io_context&)>;
    SessionFixture(PahoOptions options, const Clock& clock) : time(clock(io)) {
        session = make_paho_session(io.get_executor(), *time, std::move(options));
        Handlers handlers;
        handlers.connected = [this](const Connected& what) {
            connects.push_back(what);
            if (on_connected) {
                on_connected();
            }
        };
        handlers.lost = [this](const std::string& why) { losses.push_back(why); };
        handlers.message = [this](Inbound&& message) { messages.push_back(std::move(message)); };
        handlers.connect_failed = [this](const std::string& why, bool was_refused) {
            failures.emplace_back(why, was_refused);
            failed_at.push_back(Steady::now());
        };
        handlers.subscription_refused = [this](const std::string& filter, const std::string& why) {
            refused_subscriptions.emplace_back(filter, why);
        };
        session->set_handlers(std::move(handlers));
    }
    SessionFixture(const SessionFixture&) = delete;
    SessionFixture& operator=(const SessionFixture&) = delete;
    // The coroutines go first, then the session they belong to.
    ~SessionFixture() {
        cancel.emit(boost::asio::cancellation_type::terminal);
        (void)until([this] { return !running; }, seconds(5));
    }

    void start() {
        running = true;
        boost::asio::co_spawn(
            io, session->run(),
            boost::asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr error) {
                running = false;
                run_error = error;
            }));
    }
    // Starts stop(); `running` and `stopped` tell when it is done.
    void stop(milliseconds limit) {
        boost::asio::co_spawn(io, session->stop(time->now() + limit),
                              [this](const std::exception_ptr& /*none*/) { stopped = true; });
    }
    // Runs the loop until `done`; false after `limit`.
    [[nodiscard]] bool until(const std::function<bool()>& done, milliseconds limit) {
        const auto end = Steady::now() + limit;
        io.restart();
        while (!done()) {
            if (Steady::now() >= end) {
                return false;
            }
            if (io.run_one_until(std::min(end, Steady::now() + milliseconds(50))) == 0) {
                io.restart();
            }
        }
        return true;
    }
    [[nodiscard]] bool connected_within(milliseconds limit) {
        return until([this] { return session->connected(); }, limit);
    }

    boost::asio::io_context io{1};
    std::unique_ptr<Time> time;
    std::unique_ptr<BrokerSession> session;
    boost::asio::cancellation_signal cancel;
    bool running = false;
    bool stopped = false;
    std::exception_ptr run_error;

    std::function<void()> on_connected;
    std::vector<Connected> connects;
    std::vector<std::string> losses;
    std::vector<Inbound> messages;
    std::vector<std::pair<std::string, bool>> failures;
    std::vector<Steady::time_point> failed_at;
    std::vector<std::pair<std::string, std::string>> refused_subscriptions;
};

inline PahoOptions options_for(const test::Broker& broker) {
    PahoOptions options;
    options.port = broker.port();
    options.client_id = "hi6gw-test";
    options.will = PahoWill{.topic = "gw/status", .payload = "offline"};
    return options;
}

}  // namespace hi6gw::mqtt
