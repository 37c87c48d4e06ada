#pragma once
// A lane on virtual time before a fake controller, with a broker that takes everything at once.

#include "ops/metrics.h"
#include "poll/lane.h"
#include "support/fake_controller/fake_controller.h"
#include "support/virtual_time/virtual_time.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::poll {

using namespace std::chrono_literals;
using support::FakeController;

inline const hi6::Area kOut{hi6::Scope::fb, 0, hi6::Relay::do_};
inline const hi6::Area kIn{hi6::Scope::fb, 0, hi6::Relay::di};

config::Signal make_signal(const std::string& address, std::chrono::milliseconds poll = 100ms,
                           hi6::IndexUnit unit = hi6::IndexUnit::byte);
config::Controller make_controller(std::vector<config::Signal> signals);
// Enough in it to tell all readings of the manual apart.
void fill(FakeController& controller);

struct Message {  // one publication of a state
    Steady::time_point at;
    std::string signal;
    std::string value;  // as JSON
    int quality = 0;
    std::int64_t timestamp = 0;
};
struct Result {  // of a command
    Steady::time_point at;
    std::string id;
    command::CommandResult result;
};
struct Status {
    Steady::time_point at;
    std::string state, reason, read_mode;
};

// A journal whose disk takes no time.
class MemoryStore final : public command::PulseStore {
  public:
    std::uint64_t next_number() override { return ++number_; }
    boost::asio::awaitable<bool> begin(command::OpenPulse pulse) override {
        open.push_back(std::move(pulse));
        co_return true;
    }
    void end(std::uint64_t number) noexcept override {
        std::erase_if(open, [number](const auto& pulse) { return pulse.number == number; });
    }
    std::vector<command::OpenPulse> open;

  private:
    std::uint64_t number_ = 0;
};

class LaneBench {
  public:
    explicit LaneBench(config::Controller config);
    ~LaneBench();

    void run();  // starts the lane
    void advance(std::chrono::nanoseconds by) { time.advance(by); }
    void stop();  // cancels it and sees that it ends
    [[nodiscard]] bool running() const { return running_; }

    std::vector<Message> take_messages() { return std::exchange(messages, {}); }
    std::vector<Status> take_statuses() { return std::exchange(statuses, {}); }
    // The latest of one signal.
    [[nodiscard]] Message last(const std::string& signal) const;
    [[nodiscard]] std::string state() const { return last_status.state; }
    [[nodiscard]] double metric(const std::string& series) const;
    [[nodiscard]] std::chrono::nanoseconds shortest_connect_gap() const;

    boost::asio::io_context io{1};
    support::VirtualTime time{io};
    FakeController controller{time};
    ops::Metrics metrics;
    std::unique_ptr<ops::ControllerMetrics> controller_metrics = metrics.controller("r1");
    MemoryStore pulses;
    std::vector<Result> results;  // outlives the wire, which reports to it to the last
    std::unique_ptr<Wire> wire;
    std::unique_ptr<Lane> lane;
    // As a reload does: winds the lane up, ends it, and starts another one in its place.
    void replace(config::Controller config);

    // Sends a command to the signal of this address, named by its id.
    void command(const std::string& id, const std::string& address, std::uint32_t raw,
                 std::chrono::milliseconds ttl = 3000ms,
                 std::optional<std::chrono::milliseconds> pulse = std::nullopt);
    // As at the gateway's end: winds the lane up, ends it, and releases what is pulsed. Returns
    // whether all that ended by itself.
    [[nodiscard]] bool shut_down();

    std::vector<Message> messages;
    std::vector<Status> statuses;
    std::map<std::string, Message> latest;
    Status last_status;
    std::string refuses;  // what the broker says to every state and status; empty: it takes them
    // Every good value must be what the controller held when it answered last: set to check it.
    bool check_truth = false;

  private:
    void make_lane(config::Controller config, const Lane* before);
    void drain();
    void check(const Message& message);

    boost::asio::cancellation_signal cancel_;
    bool running_ = false;
};

}  // namespace hi6gw::poll
