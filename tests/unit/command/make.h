#pragma once
// Commands and events for the tests, in as few words as possible.

#include "command/execution.h"

#include <memory>
#include <string>

namespace hi6gw::command::test {

using std::chrono::milliseconds;

inline constexpr Clock::time_point kStart{std::chrono::hours(1)};

// A point of time, `ms` after the arrival of the command.
inline Clock::time_point at(std::int64_t ms) {
    return kStart + milliseconds(ms);
}

inline hi6::Address address(const std::string& text) {
    return hi6::parse_address(text, hi6::IndexUnit::byte).value();
}

// Write 1 to fb2.do3 (or what is given) within 3 s.
inline Command command(const std::string& where = "fb2.do3", std::uint32_t raw = 1) {
    Command out;
    out.name = "r1/x";
    out.address = address(where);
    out.range = hi6::bit_range(out.address, hi6::IndexUnit::byte);
    out.raw = raw;
    out.value = std::int64_t{raw};
    out.options = std::make_shared<domain::SignalOptions>();
    out.received = kStart;
    out.received_ms = 1'000'000;
    out.deadline = at(3000);
    out.reply.topic = "hi6/r1/result/x";
    out.reply.id = "id-1";
    return out;
}

inline std::shared_ptr<const domain::SignalOptions> without_verification() {
    domain::SignalOptions options;
    options.verify = false;
    return std::make_shared<const domain::SignalOptions>(options);
}

inline Event start() {
    return {};
}
inline Event timer() {
    return {Event::Kind::timer, hi6::Outcome::ok, 0};
}
inline Event late() {
    return {Event::Kind::late, hi6::Outcome::ok, 0};
}
inline Event cancel() {
    return {Event::Kind::cancel, hi6::Outcome::ok, 0};
}
inline Event reply(hi6::Outcome outcome) {
    return {Event::Kind::reply, outcome, 0};
}
inline Event reads(std::uint32_t raw) {
    return {Event::Kind::reply, hi6::Outcome::ok, raw};
}

}  // namespace hi6gw::command::test
