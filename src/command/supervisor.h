#pragma once
// Carries out the commands of one controller: the thin layer between the decisions (lane_queue,
// execution, release: pure) and the lane that owns the connection (poll/lane). It decides nothing
// itself, starts no coroutine, and uses the connection only inside take_turn() and drain().
//
// Promises:
//  - Every submitted command ends in one call of Parts::finished, also when take_turn() is
//    cancelled or its coroutine destroyed at any await, and when the supervisor is destroyed.
//  - No post starts at or after its time, nor before the record of its pulse is on the disk.
//  - A pulse whose edge may have been made is released, or stays in the journal.
//
// Thread: the event loop's.

#include "base/time.h"
#include "command/execution.h"
#include "command/lane_queue.h"
#include "command/pulse_store.h"
#include "command/release.h"
#include "hi6/controller_client.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::command {

class Supervisor {
  public:
    struct Parts {  // what is pointed at outlives the supervisor
        Time* time = nullptr;
        PulseStore* pulses = nullptr;
        // The one end of a command. This and the next three must not throw nor call back.
        std::function<void(const Command&, CommandResult)> finished;
        // A release has ended, also one of recover() or one whose command's result was reported
        // before; for the log. May be empty.
        std::function<void(const OpenPulse&, Release::End)> released;
        // A single read was answered: the lane's to publish. May be empty.
        std::function<void(const hi6::Address&, const hi6::Reply&)> seen;
        // There is something new to do: wake up and ask my_turn(). May be empty.
        std::function<void()> news;
        // Reads what has no single-value API (m s r k x y, fn) into Reply::raw, within the
        // deadline, connected. What cannot be read with certainty is Outcome::refused.
        std::function<boost::asio::awaitable<hi6::Reply>(hi6::Address,
                                                         hi6::ControllerClient::Deadline)>
            read_raw;
    };
    // `controller`: its name, for the journal.
    Supervisor(std::string controller, const Limits& limits, Parts parts,
               std::size_t capacity = 256);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    ~Supervisor();  // cut_off(). A turn still suspended may be destroyed later.

    void submit(Command command, Clock::time_point now);
    // Of commands that begin from now on, after a reload.
    void set_limits(const Limits& limits) { limits_ = limits; }
    // Why a command that was accepted earlier must not be carried out; nullopt: it may.
    using Revision = std::function<std::optional<Reason>(const Command&)>;
    // Queued commands that are not allowed any more, after a reload, are rejected.
    void revise(const Revision& refusal, Clock::time_point now);
    // A pulse that an earlier run left open, and commands may write there (Router::find_writable):
    // read, and released if it is still active.
    void recover(const OpenPulse& pulse, bool verify, Clock::time_point now);

    // Between two requests of the lane: whether the next exchange is the supervisor's. `poll_due`:
    // a poll would go otherwise. True must be followed by take_turn(); see Turns.
    [[nodiscard]] bool my_turn(Clock::time_point now, bool poll_due);
    // Something can be done now, if there is a connection (the same without a decision).
    [[nodiscard]] bool wants_turn(Clock::time_point now) const;
    // When that will be so; the past: now; max(): not before a submit().
    [[nodiscard]] Clock::time_point next_wake() const;
    // One release or one command, as far as it goes without a wait: a post and its first read-back,
    // more only after failures. Connects if need be. Afterwards client.connected() may be false.
    boost::asio::awaitable<void> take_turn(hi6::ControllerClient& client);

    // What the passing of time alone decides: to be called at next_expiry(), also while there is no
    // connection or a turn is under way.
    void expire(Clock::time_point now);
    [[nodiscard]] Clock::time_point next_expiry() const;
    // Queued commands are rejected; one that has begun, and releases, go on.
    void controller_offline(Clock::time_point now);

    // No new commands; queued ones are aborted, one that has begun ends where it would have to
    // wait, pulses are to be released now. drain() does that.
    void shutdown(Clock::time_point now);
    // After shutdown(), with no turn under way: makes the releases until none is left or `until`
    // has come (a connect of the client may take longer), then cut_off().
    boost::asio::awaitable<void> drain(hi6::ControllerClient& client, Clock::time_point until);
    // Ends everything with what is known of it, with no turn under way. What was not released stays
    // in the journal.
    void cut_off(Clock::time_point now);

    [[nodiscard]] std::size_t queued() const { return queue_.size(); }
    [[nodiscard]] std::size_t open_releases() const { return pulses_.size(); }

  private:
    class Ticket;
    class Interruption;
    struct Pulse;
    struct Running;

    boost::asio::awaitable<void> turn(hi6::ControllerClient& client, Clock::time_point limit);
    boost::asio::awaitable<void> drive_command(hi6::ControllerClient& client);
    boost::asio::awaitable<void> drive_release(hi6::ControllerClient& client, Pulse& pulse,
                                               Clock::time_point limit);
    boost::asio::awaitable<bool> record();
    boost::asio::awaitable<Event> carry_out(hi6::ControllerClient& client, Action action);
    boost::asio::awaitable<hi6::Reply> read(hi6::ControllerClient& client, Action action);

    void begin_command();
    void resume_command(const Event& event);
    void end_command(Clock::time_point now);
    void cancel_command();
    void interrupted();
    void stop(Clock::time_point now);
    void say_news();
    void settle_releases(Clock::time_point now);
    void expire_queue(Clock::time_point now);
    void end(const Command& command, State state, Reason reason, Clock::time_point now);
    [[nodiscard]] std::vector<Bits> pulsed_bits() const;
    [[nodiscard]] Pulse* due_release(Clock::time_point now);
    [[nodiscard]] bool release_due(Clock::time_point now) const;
    [[nodiscard]] bool command_ready(Clock::time_point now) const;

    std::string controller_;
    Limits limits_;
    Parts parts_;
    Time& time_;
    LaneQueue queue_;
    Turns turns_;
    std::unique_ptr<Running> running_;  // the one command that has begun and not ended
    std::list<Pulse> pulses_;           // in the order of their edges; addresses are kept
    bool turning_ = false;              // a turn is under way,
    bool posting_ = false;              // and bytes of a post may be on the line,
    Pulse* releasing_ = nullptr;        // by this one, or else by running_
    bool stopping_ = false;
    std::unique_ptr<Alarm> alarm_;
    std::shared_ptr<const bool> alive_;  // to a turn destroyed after the supervisor
};

}  // namespace hi6gw::command
