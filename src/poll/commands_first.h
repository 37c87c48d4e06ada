#pragma once
// What the lane's own requests go through: whatever command is due goes before them, so that a
// command waits for no more than the one request in flight. The supervisor itself talks to the
// paced client beneath. Thread: the event loop's.

#include "base/time.h"
#include "command/supervisor.h"
#include "hi6/controller_client.h"
#include "poll/paced_client.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace hi6gw::poll {

class CommandsFirst final : public hi6::ControllerClient {
  public:
    // While one of these lives, requests are part of a command or release that is being carried
    // out: they go at once, whatever else is due, also after wind_up(). The lane itself asks for
    // nothing meanwhile.
    class ForCommand {
      public:
        explicit ForCommand(CommandsFirst& owner) : owner_(owner) { ++owner_.for_commands_; }
        ForCommand(const ForCommand&) = delete;
        ForCommand& operator=(const ForCommand&) = delete;
        ~ForCommand() { --owner_.for_commands_; }

      private:
        CommandsFirst& owner_;
    };

    // All outlive this. `served` is called when commands have been at work.
    CommandsFirst(PacedClient& inner, command::Supervisor& commands, Time& time,
                  std::function<void()> served)
        : inner_(inner),
          commands_(commands),
          time_(time),
          served_(std::move(served)),
          taken_(inner.busy()),  // those of lanes before this one
          never_(time.alarm()),
          idle_(time.alarm()) {}

    // Serves the commands that are due: until `poll_due`, where that is to come, else as many as
    // may go before a poll that is due. False: the connection is gone, or is another one now
    // (renewed()).
    boost::asio::awaitable<bool> give_way(Steady::time_point poll_due);
    // No exchange begins any more, but those of a command or release that is being carried out:
    // whoever asks for one waits until cancelled. Returns when none is under way, at `until` at the
    // latest.
    boost::asio::awaitable<void> wind_up(Steady::time_point until);
    // The latest give_way() that was false left a new connection open: a command needed one.
    [[nodiscard]] bool renewed() const { return renewed_; }
    [[nodiscard]] const std::string& why() const { return why_; }
    // Time spent in the lane's own requests since the last call. That of commands is not among it:
    // they have rate limits of their own, and must not slow the polling down (max_load).
    std::chrono::nanoseconds take_busy();

    boost::asio::awaitable<hi6::LinkFault> connect(Deadline deadline) override;
    [[nodiscard]] bool connected() override { return inner_.connected(); }
    void close() override { inner_.close(); }
    [[nodiscard]] bool keep_alive_refused() const override { return inner_.keep_alive_refused(); }
    // Deadlines are put off by the time that commands took. Outcome::lost also when the connection
    // is not the same any more.
    boost::asio::awaitable<hi6::Reply> read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                  Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> read_single(hi6::Address address,
                                                   Deadline deadline) override;
    // The lane itself writes nothing: Outcome::refused.
    boost::asio::awaitable<hi6::Reply> write(hi6::Address address, std::uint32_t raw,
                                             Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> get(std::string target, Deadline deadline) override;

  private:
    class Work;
    [[nodiscard]] hi6::Reply gone() const;
    [[nodiscard]] bool shut() const { return winding_up_ && for_commands_ == 0; }
    boost::asio::awaitable<void> gate();

    PacedClient& inner_;
    command::Supervisor& commands_;
    Time& time_;
    std::function<void()> served_;
    bool renewed_ = false;
    std::string why_;
    std::chrono::nanoseconds busy_with_commands_{0};
    std::chrono::nanoseconds taken_{0};
    unsigned at_work_ = 0;       // exchanges under way, nested
    unsigned for_commands_ = 0;  // ForCommands that live
    bool winding_up_ = false;
    std::unique_ptr<Alarm> never_;
    std::unique_ptr<Alarm> idle_;
};

}  // namespace hi6gw::poll
