#pragma once
// A checked command and what became of it. Plain data; design contract section 5.

#include "domain/signal_options.h"
#include "domain/value.h"
#include "hi6/address.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hi6gw::command {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How a command ended; the states of the contract's result table.
enum class State : std::uint8_t {
    verified,     // accepted by the controller and read back equal
    applied,      // accepted (2xx), `verify: false`
    mismatch,     // accepted, but the read-back differs
    unknown,      // may have been sent, and what it did could not be settled
    failed,       // every attempt failed before the controller could act, or was answered 5xx
    rejected,     // not sent: refused here, or 4xx by the controller
    expired,      // not sent: the deadline passed
    superseded,   // not sent: a newer command to the same number came
    would_apply,  // not sent: dry run
    aborted,      // not sent: shutdown
};
[[nodiscard]] std::string_view to_string(State state);

enum class Reason : std::uint8_t {
    ok,  // verified, applied, would_apply
    // rejected, in the order of the checks
    bad_payload,
    retained,
    unknown_signal,
    id_reuse,
    read_only,
    out_of_range,
    disabled,
    rate_limited,
    queue_full,
    controller_offline,
    precondition,         // `expect` was not what the output is
    controller_rejected,  // 4xx; also `unknown` when an earlier attempt had been lost
    shutting_down,        // also aborted, and unknown when cut short
    // the other states
    deadline,       // expired
    newer_command,  // superseded; unknown: lost, and not sent again for a newer one
    readback,       // mismatch: the written address reads differently
    feedback,       // mismatch: the feedback signal does (CommandResult::readback is its value)
    release,        // mismatch, unknown: the release of a pulse did not hold, or is still tried
    no_answer,      // unknown: an answer was lost
    no_readback,    // unknown: accepted, but could not be read; failed: `expect` could not
    not_sent,       // failed: no connection
    server_error,   // failed: 5xx
};
[[nodiscard]] std::string_view to_string(Reason reason);

// Where a result goes.
struct ReplyTo {
    std::string topic;           // the signal's result topic; empty: nowhere
    std::string response_topic;  // MQTT 5, already checked to be under the reply prefix; or empty
    std::string correlation;     // MQTT 5 correlation data, any bytes
    std::string client;          // the {client} level; or empty
    std::string id;              // as sent; or empty
    bool response_refused = false;  // a response topic was given but not under the reply prefix
};

// The raw bits that an address must show.
struct Check {
    hi6::Address address;
    std::uint32_t raw = 0;
};

// What a write may change, on one controller.
struct Bits {
    hi6::Area area;
    hi6::BitRange range;
};

struct Command {
    std::size_t controller = 0;  // indices into the configuration
    std::size_t signal = 0;
    std::string name;  // controller/signal, for the log
    hi6::Address address;
    hi6::BitRange range;    // what the write changes, within address.area; see Bits
    std::uint32_t raw = 0;  // bits to write
    domain::Value value;    // the same, as it is published
    domain::Value before;   // what the signal was when the command came; for the audit line
    std::shared_ptr<const domain::SignalOptions> options;  // never null
    std::optional<std::uint32_t> expected;                 // `expect`: bits it must read before
    std::optional<milliseconds> pulse;  // bits only: then the opposite is written
    std::optional<Check> feedback;      // what the feedback signal must show
    std::shared_ptr<const domain::SignalOptions> feedback_options;  // with `feedback`
    bool dry_run = false;
    Clock::time_point received;
    Clock::time_point deadline;    // no POST starts at or after it (the release of a pulse may)
    std::int64_t received_ms = 0;  // since the epoch, of `received`
    ReplyTo reply;
};

struct CommandResult {
    State state = State::rejected;
    Reason reason = Reason::ok;
    std::string id;          // empty: null
    domain::Value value;     // what was commanded; monostate where that is not known
    domain::Value readback;  // what was read last; monostate: nothing was
    unsigned attempts = 0;   // POSTs tried
    std::int64_t received_ms = 0;
    std::int64_t done_ms = 0;
    bool duplicate = false;  // an earlier result, said again
    std::string client;
};

// Appends {"id":..,"state":..,"reason":..,"value":..,"readback":..,"attempts":..,"received":..,
// "done":..} and ,"duplicate":true and ,"client":".." where they apply. Numbers as in state
// payloads.
void append_result(std::string& out, const CommandResult& result);

// A result with what the command says about itself filled in. `done_ms` is received_ms plus the
// steady time since, so a step of the wall clock between the two does not show.
[[nodiscard]] CommandResult make_result(const Command& command, State state, Reason reason,
                                        Clock::time_point now);

// Equal as a value of this width: the same bits, or a zero of either sign.
[[nodiscard]] bool same_value(hi6::Width width, std::uint32_t a, std::uint32_t b);

[[nodiscard]] inline Bits bits_of(const Command& command) {
    return {command.address.area, command.range};
}
// Both in the same area and with a bit in common.
[[nodiscard]] bool overlaps(const Bits& a, const Bits& b);
// A write of `newer` leaves no bit of `older`'s.
[[nodiscard]] bool covers(const Command& newer, const Command& older);

}  // namespace hi6gw::command
