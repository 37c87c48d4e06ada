#pragma once
// What one controller keeps when its lane is replaced by a reload: the one connection with its
// pacing, and the commands and pulses under way on it. A lane uses it; without one nothing is sent.
// Thread: the event loop's.

#include "base/time.h"
#include "command/supervisor.h"
#include "hi6/controller_client.h"
#include "ops/metrics.h"
#include "poll/paced_client.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace hi6gw::poll {

class Wire {
  public:
    struct Parts {  // all outlive the wire
        hi6::ControllerClient* client = nullptr;
        Time* time = nullptr;
        ops::ControllerMetrics* metrics = nullptr;
        // Of the commands; see command::Supervisor::Parts. `pulses` may be null where no command
        // comes.
        command::PulseStore* pulses = nullptr;
        std::function<void(const command::Command&, command::CommandResult)> finished;
        std::function<void(const command::OpenPulse&, command::Release::End)> released;
    };
    // Who reads for the commands, and is told of them. See command::Supervisor::Parts.
    class User {
      public:
        User() = default;
        User(const User&) = delete;
        User& operator=(const User&) = delete;
        virtual ~User() = default;
        virtual void command_news() = 0;
        virtual void seen(const hi6::Address& address, const hi6::Reply& reply) = 0;
        virtual boost::asio::awaitable<hi6::Reply> read_raw(hi6::Address address,
                                                            Steady::time_point until) = 0;
    };

    // `controller`: its name. `timeout`: of one request, connect included.
    Wire(const std::string& controller, std::chrono::milliseconds timeout, Parts parts);
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    [[nodiscard]] PacedClient& client() { return client_; }
    [[nodiscard]] command::Supervisor& commands() { return commands_; }
    void set_timeout(std::chrono::milliseconds timeout);
    // At a shutdown, with no lane running: the releases that are still due, until then at the
    // latest.
    boost::asio::awaitable<void> release_pulses(Steady::time_point until);

    // The user outlives its use; null: nobody.
    void use(User* user) { user_ = user; }
    [[nodiscard]] const User* user() const { return user_; }

  private:
    [[nodiscard]] command::Supervisor::Parts parts_of(Parts& parts);

    User* user_ = nullptr;
    PacedClient client_;
    command::Supervisor commands_;
};

}  // namespace hi6gw::poll
