// Runs a script: each step as it is written, and nothing after the end.

#include "unit/command/execution_script.h"

#include "mqtt/payload.h"

namespace hi6gw::command {
namespace {

std::int64_t ms(Clock::time_point when) {
    return std::chrono::duration_cast<milliseconds>(when - test::kStart).count();
}

std::string text(const Action& action) {
    std::string until = " until " + std::to_string(ms(action.until));
    if (action.start_by < action.until) {
        until.insert(0, " by " + std::to_string(ms(action.start_by)));
    }
    switch (action.kind) {
        case Action::Kind::post:
            return "post " + to_string(action.address) + "=" + std::to_string(action.raw) + until;
        case Action::Kind::read:
            return "read " + to_string(action.address) + until;
        case Action::Kind::wait:
            return "wait" + until;
        case Action::Kind::done:
            break;
    }
    return "done";
}

std::string text(const CommandResult& result) {
    std::string out(to_string(result.state));
    out.append(" ").append(to_string(result.reason));
    out += " readback ";
    mqtt::append_value(out, result.readback);
    return out + " attempts " + std::to_string(result.attempts) + " at " +
           std::to_string(result.done_ms - result.received_ms);
}

}  // namespace

TEST_P(ExecutionScript, Runs) {
    const Script& script = GetParam();
    Execution execution(script.command, Limits{});
    bool ended = false;
    for (const Step& step : script.steps) {
        const Action action = execution.resume(step.event, at(step.at), step.newer);
        const auto result = execution.take_result();
        ASSERT_EQ(result.has_value(), action.kind == Action::Kind::done) << step.at;
        ASSERT_EQ(result ? text(*result) : text(action), step.expected) << "at " << step.at;
        ended = result.has_value();
    }
    ASSERT_TRUE(ended) << "the script must reach the end";
    // Nothing that comes later has any effect.
    for (const Event& event :
         {start(), reads(1), reply(Outcome::lost), timer(), late(), cancel()}) {
        EXPECT_EQ(execution.resume(event, at(9000), true).kind, Action::Kind::done);
        EXPECT_FALSE(execution.take_result());
    }
    std::string release;
    if (const auto& order = execution.release()) {
        release =
            "due " + std::to_string(ms(order->due)) + (order->read_first ? " read first" : "");
    }
    EXPECT_EQ(release, script.release);
}

}  // namespace hi6gw::command
