// Set-commands of any bytes: topic, then a newline, then the payload. Nothing may crash; what is
// accepted must be a configured rw signal and must read back as it was asked for.

#include "../unit/command/config.h"
#include "command/intake.h"
#include "command/pulse_journal.h"

#include <cstdlib>

namespace {

using namespace hi6gw;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void check(const command::Command& accepted, const config::Config& config) {
    const auto& signal = config.controllers[accepted.controller].signals.at(accepted.signal);
    require(signal.options->writable);
    require(signal.address == accepted.address);
    require(accepted.deadline <= accepted.received + command::kLongestTtl);
    require(!accepted.pulse || accepted.address.width == hi6::Width::bit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto config = [] {
        config::Config cell = command::test::cell();
        cell.topics.set = "{prefix}/{controller}/set/{client}/{signal}";
        return std::make_shared<const config::Config>(cell);
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes
    const auto newline = text.find('\n');
    command::Intake intake(config, {}, command::test::at(0));
    command::Incoming message;
    message.topic = text.substr(0, newline);
    message.payload = newline == std::string_view::npos ? "" : text.substr(newline + 1);
    message.response_topic = message.topic;
    message.received = command::test::at(0);
    const auto online = [](std::size_t) { return true; };
    for (int i = 0; i < 2; ++i) {  // the second one is a duplicate where it has an id
        auto verdict = intake.receive(message, online, command::test::at(0));
        if (const auto* accepted = std::get_if<command::Command>(&verdict)) {
            check(*accepted, *config);
        } else if (const auto* answer = std::get_if<command::Answer>(&verdict)) {
            require(!mqtt::topic_fault(answer->to.topic));
            std::string out;
            append_result(out, answer->result);
            require(mqtt::is_utf8(out));
        }
    }
    static_cast<void>(command::parse_request(text));
    const auto journal = command::read_journal(text);
    require(journal.open.size() <= size);
    return 0;
}
