#pragma once
// What to do next with one command: a state machine without I/O and without a clock. The driver
// (poll/lane) carries out each Action and resumes with what came of it, until `done`. It knows
// nothing of JSON, MQTT or HTTP.
//
// Promises, whatever happens, in whatever order:
//  - take_result() gives exactly one CommandResult, at the latest with the Action `done`.
//  - No post is asked for at or after the command's deadline, nor more than kAttempts of them.
//  - After an answer was lost, nothing is posted before the address has been read and differs.
//  - The first edge of a pulse is posted again only when no byte of the earlier attempt went out.
//  - A pulse whose edge may have reached the controller has a ReleaseOrder (see release.h).

#include "command/command.h"
#include "hi6/outcome.h"

#include <optional>

namespace hi6gw::command {

struct Limits {
    milliseconds timeout{1000};          // the controller's: one exchange
    milliseconds verify_window{500};     // no read-back starts later than this after the acceptance
    milliseconds feedback_window{2000};  // the same for the feedback signal
    milliseconds read_again{20};         // between two read-backs
    milliseconds retry{100};             // before the second attempt; doubles
    unsigned attempts = 3;
};

struct Event {
    enum class Kind : std::uint8_t {
        start,
        reply,   // to the post or read asked for; also where the connection could not be made:
                 // Outcome::not_sent
        late,    // the driver found `until` or `start_by` passed before it could hand over the
                 // first byte: as if never asked
        timer,   // the wait is over
        cancel,  // end now; a request in flight was cut off and may have had any effect
    };
    Kind kind = Kind::start;
    hi6::Outcome outcome = hi6::Outcome::ok;  // reply
    std::uint32_t raw = 0;                    // reply to a read, when ok
};

struct Action {
    enum class Kind : std::uint8_t {
        post,  // write `raw` to `address`, connecting first if need be: the first byte before
               // `start_by`, all of it, connect included, by `until`
        read,  // read `address`, by `until`, through whatever API covers it; the first byte before
               // `start_by`
        wait,  // until `until`; polls may go meanwhile, other commands of this lane may not
        done,
    };
    Kind kind = Kind::done;
    hi6::Address address;
    std::uint32_t raw = 0;
    Clock::time_point until;
    Clock::time_point start_by = Clock::time_point::max();
};
// The driver carries out a post or read at once: no other exchange of its lane comes between.

struct ReleaseOrder {
    Clock::time_point due;
    bool read_first = false;  // it is not certain that the first edge was made
};

class Execution {
  public:
    Execution(Command command, Limits limits) : command_(std::move(command)), limits_(limits) {}

    // `newer`: a command to some of the same bits is queued behind this one.
    [[nodiscard]] Action resume(const Event& event, Clock::time_point now, bool newer);
    // The result, once; empty before and after.
    [[nodiscard]] std::optional<CommandResult> take_result();
    // For a pulse: set as soon as the edge may have been made, and never changed thereafter.
    [[nodiscard]] const std::optional<ReleaseOrder>& release() const { return release_; }
    [[nodiscard]] const Command& command() const { return command_; }

  private:
    enum class Phase : std::uint8_t {
        fresh,
        expecting,       // reading, for `expect`
        expecting_wait,  // that failed; again soon
        posting,
        backoff,        // an attempt failed before the controller acted
        settling,       // reading, after a lost answer (pulses: after a 5xx too)
        settling_wait,  // that failed; again soon
        verifying,      // accepted; reading back
        verifying_wait,
        feedback,  // reading the feedback signal
        feedback_wait,
        done,
    };

    Action replied(const Event& event, Clock::time_point now);
    Action late(Clock::time_point now);
    Action timer(Clock::time_point now);
    Action cancelled(Clock::time_point now);

    Action started(Clock::time_point now);
    Action expectation(const Event& reply, Clock::time_point now);
    Action post(Clock::time_point now);
    Action too_late(Clock::time_point now);
    Action posted(hi6::Outcome outcome, Clock::time_point now);
    Action retry(Reason reason, Clock::time_point now);
    Action settle(Clock::time_point now);
    Action settled(const Event& reply, Clock::time_point now);
    Action accepted(Clock::time_point now);
    Action verification(const Event& reply, Clock::time_point now);
    Action read_back(Clock::time_point now);
    Action verified_in_vain(Clock::time_point now);
    Action watch_feedback(State otherwise, Clock::time_point now);
    Action feedback_reply(const Event& reply, Clock::time_point now);

    Action read(Phase phase, const hi6::Address& address, Clock::time_point now);
    Action wait(Phase phase, Clock::time_point until);
    Action finish(State state, Reason reason, Clock::time_point now);
    // Nothing was accepted: `state`, unless an earlier attempt was lost, which makes it unknown.
    Action finish_unsent(State state, Reason reason, Clock::time_point now);
    void order_release(Clock::time_point due, bool read_first);

    Command command_;
    Limits limits_;
    Phase phase_ = Phase::fresh;
    unsigned attempts_ = 0;          // posts asked for
    unsigned reads_failed_ = 0;      // in a row, in this phase
    std::optional<Reason> failure_;  // of the last attempt that failed
    bool lost_ = false;              // some answer was lost
    bool server_error_ = false;      // some attempt was answered 5xx
    bool newer_ = false;             // as of this resume()
    Clock::time_point window_;       // end of the phase's reading
    Clock::time_point wait_until_;   // of the present wait
    domain::Value readback_;         // what was read last
    domain::Value feedback_seen_;    // the feedback signal, while it differs
    bool differed_ = false;          // and in this phase it was not what was wanted
    std::optional<ReleaseOrder> release_;
    std::optional<CommandResult> result_;
};

}  // namespace hi6gw::command
