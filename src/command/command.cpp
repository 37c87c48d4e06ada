#include "command/command.h"

#include "mqtt/payload.h"

#include <array>
#include <bit>

namespace hi6gw::command {
namespace {

constexpr std::array<std::string_view, 10> kStates{
    "verified", "applied", "mismatch",   "unknown",     "failed",
    "rejected", "expired", "superseded", "would_apply", "aborted"};
constexpr std::array<std::string_view, 23> kReasons{"ok",
                                                    "bad_payload",
                                                    "retained",
                                                    "unknown_signal",
                                                    "id_reuse",
                                                    "read_only",
                                                    "out_of_range",
                                                    "disabled",
                                                    "rate_limited",
                                                    "queue_full",
                                                    "controller_offline",
                                                    "precondition",
                                                    "controller_rejected",
                                                    "shutting_down",
                                                    "deadline",
                                                    "newer_command",
                                                    "readback",
                                                    "feedback",
                                                    "release",
                                                    "no_answer",
                                                    "no_readback",
                                                    "not_sent",
                                                    "server_error"};
static_assert(static_cast<std::size_t>(State::aborted) + 1 == kStates.size());
static_assert(static_cast<std::size_t>(Reason::server_error) + 1 == kReasons.size());

}  // namespace

std::string_view to_string(State state) {
    return kStates.at(static_cast<std::size_t>(state));
}
std::string_view to_string(Reason reason) {
    return kReasons.at(static_cast<std::size_t>(reason));
}

void append_result(std::string& out, const CommandResult& result) {
    out += R"({"id":)";
    if (result.id.empty()) {
        out += "null";
    } else {
        mqtt::append_json_string(out, result.id);
    }
    out.append(R"(,"state":")").append(to_string(result.state));
    out.append(R"(","reason":")").append(to_string(result.reason));
    out += R"(","value":)";
    mqtt::append_value(out, result.value);
    out += R"(,"readback":)";
    mqtt::append_value(out, result.readback);
    out.append(R"(,"attempts":)").append(std::to_string(result.attempts));
    out.append(R"(,"received":)").append(std::to_string(result.received_ms));
    out.append(R"(,"done":)").append(std::to_string(result.done_ms));
    if (result.duplicate) {
        out += R"(,"duplicate":true)";
    }
    if (!result.client.empty()) {
        out += R"(,"client":)";
        mqtt::append_json_string(out, result.client);
    }
    out += '}';
}

CommandResult make_result(const Command& command, State state, Reason reason,
                          Clock::time_point now) {
    CommandResult result;
    result.state = state;
    result.reason = reason;
    result.id = command.reply.id;
    result.client = command.reply.client;
    result.value = command.value;
    result.received_ms = command.received_ms;
    result.done_ms = command.received_ms +
                     std::chrono::duration_cast<milliseconds>(now - command.received).count();
    return result;
}

bool same_value(hi6::Width width, std::uint32_t a, std::uint32_t b) {
    if (width == hi6::Width::real) {
        return a == b || ((a | b) & 0x7fffffffU) == 0;  // -0.0 and 0.0
    }
    return a == b;
}

bool overlaps(const Bits& a, const Bits& b) {
    return a.area == b.area && a.range.first < b.range.first + b.range.count &&
           b.range.first < a.range.first + a.range.count;
}

bool covers(const Command& newer, const Command& older) {
    return newer.controller == older.controller && newer.address.area == older.address.area &&
           newer.range.first <= older.range.first &&
           older.range.first + older.range.count <= newer.range.first + newer.range.count;
}

}  // namespace hi6gw::command
