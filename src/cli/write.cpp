#include "cli/write.h"

#include "cli/exit_codes.h"
#include "cli/text.h"
#include "command/encode.h"
#include "command/request.h"
#include "command/supervisor.h"
#include "hi6/codec.h"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <utility>
#include <variant>

namespace hi6gw::cli {
namespace {

namespace asio = boost::asio;
using command::State;

constexpr std::chrono::seconds kDeadline{3};

struct Writing {
    command::Command command;
    std::chrono::milliseconds timeout;
    std::ostream& out;
    std::ostream& err;
};

// Drives the supervisor as a lane does, without polls.
asio::awaitable<command::CommandResult> carry_out(Visit& visit, const Writing& writing) {
    std::optional<command::CommandResult> result;
    command::Limits limits;
    limits.timeout = writing.timeout;
    command::Supervisor::Parts parts;
    parts.time = &visit.time();
    parts.finished = [&result](const command::Command& /*command*/, command::CommandResult ended) {
        result = std::move(ended);
    };
    parts.read_raw = [&visit](hi6::Address address, Steady::time_point until) {
        return visit.read(address, until);
    };
    command::Supervisor supervisor("controller", limits, std::move(parts));
    const auto alarm = visit.time().alarm();
    supervisor.submit(writing.command, visit.time().now());
    while (!result) {
        if (supervisor.wants_turn(visit.time().now())) {
            co_await supervisor.take_turn(visit.client());
        } else {
            const auto wake = std::min(supervisor.next_wake(), supervisor.next_expiry());
            co_await alarm->wait_until(wake);
        }
        supervisor.expire(visit.time().now());
    }
    co_return *std::move(result);
}

std::string summary(const command::CommandResult& result, const domain::Value& before) {
    const bool once = result.attempts == 1;
    std::string out = text_of(before) + " -> " + text_of(result.value) + ", " +
                      std::string(to_string(result.state));
    if (result.reason != command::Reason::ok) {
        out += " (" + std::string(to_string(result.reason)) + ")";
    }
    if (result.state == State::mismatch) {
        out += ": it reads " + text_of(result.readback);
    }
    if (result.attempts > 0) {
        out += ", " + std::to_string(result.attempts) + (once ? " attempt, " : " attempts, ") +
               std::to_string(result.done_ms - result.received_ms) + " ms";
    }
    return out;
}

asio::awaitable<int> write_one(Visit& visit, Writing& writing) {
    command::Command& command = writing.command;
    const std::string name = to_string(command.address);
    std::string trouble = co_await visit.arrive();
    domain::Value before;
    if (trouble.empty()) {
        const hi6::Reply reply = co_await visit.read(command.address);
        if (reply.outcome == hi6::Outcome::ok) {
            before = hi6::decode(reply.raw, command.address.width, *command.options)
                         .value_or(domain::Value{});
        } else if (command.options->verify) {
            trouble = name + " cannot be read, so a write could not be verified: " + reply.detail +
                      "; nothing was written";
        }
    }
    if (!trouble.empty()) {
        writing.err << "error: " << trouble << '\n';
        co_return kExitFailure;
    }
    command.received = visit.time().now();
    command.received_ms = unix_ms(visit.time().wall());
    command.deadline = command.received + kDeadline;
    const command::CommandResult result = co_await carry_out(visit, writing);
    const bool good = result.state == State::verified || result.state == State::applied;
    (good ? writing.out : writing.err << "error: ")
        << name << ": " << summary(result, before) << '\n';
    co_return good ? kExitOk : kExitFailure;
}

// The bits for a value; the error in words.
Result<command::Encoded> bits_of(const std::string& text, const command::Command& command) {
    const auto request = command::parse_request(text);
    if (!request || text.starts_with('{')) {
        return Fault{"not a value: " + text + (request ? "" : ": " + request.error().what)};
    }
    const auto encoded = command::encode(request->value, command.address.width, *command.options,
                                         /*limits=*/false);
    if (const auto* reason = std::get_if<command::Reason>(&encoded)) {
        return Fault{to_string(command.address) + " cannot take " + text + " (" +
                     std::string(to_string(*reason)) + ")"};
    }
    return std::get<command::Encoded>(encoded);
}

Result<command::Command> make_command(const WriteOptions& options) {
    const auto address = hi6::parse_address(options.address, options.visit.unit);
    if (!address) {
        return address.error();
    }
    if (!hi6::is_writable(address->area)) {
        return Fault{options.address + " cannot be written: only fb and fn do, m, r and k can"};
    }
    command::Command command;
    command.address = *address;
    command.range = hi6::bit_range(*address, options.visit.unit);
    auto signal = std::make_shared<domain::SignalOptions>();
    signal->verify = options.verify;
    command.options = std::move(signal);
    const auto bits = bits_of(options.value, command);
    if (!bits) {
        return bits.error();
    }
    command.raw = bits->raw;
    command.value = bits->value;
    if (options.expect) {
        const auto expected = bits_of(*options.expect, command);
        if (!expected) {
            return expected.error();
        }
        command.expected = expected->raw;
    }
    return command;
}

}  // namespace

int write(const WriteOptions& options, std::ostream& out, std::ostream& err) {
    auto command = make_command(options);
    if (!command) {
        err << "error: " << command.error().what << '\n';
        return kExitUsage;
    }
    Writing writing{std::move(*command), options.visit.timeout, out, err};
    return run_visit(options.visit, [&writing](Visit& visit) { return write_one(visit, writing); });
}

}  // namespace hi6gw::cli
