// Every transition of one command, as scripts: at this time this happens, and this is asked for.
// clang-format off: one step a line reads better than what the tool makes of it

#include "command/execution.h"

#include "mqtt/payload.h"
#include "unit/command/make.h"

#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

using hi6::Outcome;
using test::at;
using test::cancel;
using test::late;
using test::reads;
using test::reply;
using test::start;
using test::timer;

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

struct Step {
    std::int64_t at = 0;
    Event event;
    std::string expected;  // the action; for `done` the result
    bool newer = false;
};

struct Script {
    const char* name;
    Command command;
    std::vector<Step> steps;
    std::string release;  // "due T", "due T read first", or nothing
};

void PrintTo(const Script& script, std::ostream* out) { *out << script.name; }

class ExecutionScript : public testing::TestWithParam<Script> {};

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
    for (const Event& event : {start(), reads(1), reply(Outcome::lost), timer(), late(), cancel()}) {
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

Command plain() { return test::command(); }
Command unverified() {
    Command out = plain();
    out.options = test::without_verification();
    return out;
}
Command expecting() {
    Command out = plain();
    out.expected = 0;
    return out;
}
Command fed_back() {
    Command out = plain();
    out.feedback = Check{test::address("fb2.di4"), 1};
    out.feedback_options = std::make_shared<domain::SignalOptions>();
    return out;
}
Command pulse(std::int64_t length = 200) {
    Command out = plain();
    out.pulse = milliseconds(length);
    return out;
}
Command dry(Command command) {
    command.dry_run = true;
    return command;
}
Command ttl(std::int64_t deadline, Command command = plain()) {
    command.deadline = at(deadline);
    return command;
}
Command real() { return test::command("fb2.dof0", 0x80000000U); }

const char* kPost = "post fb2.do3=1 until 1000";
const Step kStarted{0, start(), kPost};
const Step kAccepted{4, reply(Outcome::ok), "read fb2.do3 until 1004"};
const Step kLost{1000, reply(Outcome::lost), "read fb2.do3 until 2000"};
const Step kExpecting{0, start(), "read fb2.do3 until 1000"};

const std::vector<Script> kBeforeThePost{
    {"ExpiredBeforeItsTurn", plain(), {{3000, start(), "expired deadline readback null attempts 0 at 3000"}}, ""},
    {"CancelledBeforeItsTurn", plain(), {{7, cancel(), "aborted shutting_down readback null attempts 0 at 7"}}, ""},
    {"DryRun", dry(plain()), {{1, start(), "would_apply ok readback null attempts 0 at 1"}}, ""},
    {"DryRunOfAnExpiredCommand", dry(plain()), {{3000, start(), "expired deadline readback null attempts 0 at 3000"}}, ""},
    {"PostBeginsByTheDeadlineAndHasItsTimeout", ttl(500), {{100, start(), "post fb2.do3=1 by 500 until 1100"},
        {900, reply(Outcome::ok), "read fb2.do3 until 1900"}, {904, reads(1), "verified ok readback 1 attempts 1 at 904"}}, ""},
    {"ExpectationHolds", expecting(), {kExpecting, {50, reads(0), "post fb2.do3=1 until 1050"},
        {54, reply(Outcome::ok), "read fb2.do3 until 1054"}, {60, reads(1), "verified ok readback 1 attempts 1 at 60"}}, ""},
    {"ExpectationFails", expecting(), {kExpecting, {50, reads(1), "rejected precondition readback 1 attempts 0 at 50"}}, ""},
    {"ExpectationOfADryRunHolds", dry(expecting()), {kExpecting, {50, reads(0), "would_apply ok readback 0 attempts 0 at 50"}}, ""},
    {"ExpectationOfADryRunFails", dry(expecting()), {kExpecting, {50, reads(1), "rejected precondition readback 1 attempts 0 at 50"}}, ""},
    {"ExpectationReadAtTheDeadline", expecting(), {{2950, start(), "read fb2.do3 until 3950"},
        {3000, reads(0), "expired deadline readback 0 attempts 0 at 3000"}}, ""},
    {"ExpectationCannotBeRead", expecting(), {kExpecting, {10, reply(Outcome::lost), "wait until 110"},
        {110, timer(), "read fb2.do3 until 1110"}, {120, reply(Outcome::server_error), "wait until 320"},
        {320, timer(), "read fb2.do3 until 1320"}, {330, reply(Outcome::bad_data), "failed no_readback readback null attempts 0 at 330"}}, ""},
    {"ExpectationIsReadAgain", expecting(), {kExpecting, {10, reply(Outcome::not_sent), "wait until 110"},
        {110, timer(), "read fb2.do3 until 1110"}, {150, reads(0), "post fb2.do3=1 until 1150"},
        {151, reply(Outcome::refused), "rejected controller_rejected readback 0 attempts 1 at 151"}}, ""},
    {"ExpectationRetryWouldBeLate", ttl(100, expecting()), {kExpecting, {10, reply(Outcome::lost), "failed no_readback readback null attempts 0 at 10"}}, ""},
    {"ExpectationTimerComesLate", expecting(), {kExpecting, {10, reply(Outcome::lost), "wait until 110"},
        {3000, timer(), "expired deadline readback null attempts 0 at 3000"}}, ""},
    {"ExpectationReadIsRefused", expecting(), {kExpecting, {10, reply(Outcome::refused), "rejected controller_rejected readback null attempts 0 at 10"}}, ""},
    {"ExpectationReadIsUnauthorised", expecting(), {kExpecting, {10, reply(Outcome::unauthorised), "rejected controller_rejected readback null attempts 0 at 10"}}, ""},
    {"ExpectationIsCancelled", expecting(), {kExpecting, {10, cancel(), "aborted shutting_down readback null attempts 0 at 10"}}, ""},
    {"ExpectationRetryIsCancelled", expecting(), {kExpecting, {10, reply(Outcome::lost), "wait until 110"},
        {20, cancel(), "aborted shutting_down readback null attempts 0 at 20"}}, ""},
    {"LateReadCountsAsNotSent", expecting(), {kExpecting, {1000, late(), "wait until 1100"},
        {1100, timer(), "read fb2.do3 until 2100"}, {1110, reads(1), "rejected precondition readback 1 attempts 0 at 1110"}}, ""},
};

const std::vector<Script> kPosting{
    {"RefusedIsFinal", plain(), {kStarted, {4, reply(Outcome::refused), "rejected controller_rejected readback null attempts 1 at 4"}}, ""},
    {"UnauthorisedIsFinal", plain(), {kStarted, {4, reply(Outcome::unauthorised), "rejected controller_rejected readback null attempts 1 at 4"}}, ""},
    {"NoConnectionThreeTimes", plain(), {kStarted, {5, reply(Outcome::not_sent), "wait until 105"},
        {105, timer(), "post fb2.do3=1 until 1105"}, {110, reply(Outcome::not_sent), "wait until 310"},
        {310, timer(), "post fb2.do3=1 until 1310"}, {315, reply(Outcome::not_sent), "failed not_sent readback null attempts 3 at 315"}}, ""},
    {"ServerErrorThreeTimes", plain(), {kStarted, {5, reply(Outcome::server_error), "wait until 105"},
        {105, timer(), "post fb2.do3=1 until 1105"}, {110, reply(Outcome::server_error), "wait until 310"},
        {310, timer(), "post fb2.do3=1 until 1310"}, {315, reply(Outcome::server_error), "failed server_error readback null attempts 3 at 315"}}, ""},
    {"SecondAttemptSucceeds", plain(), {kStarted, {5, reply(Outcome::server_error), "wait until 105"},
        {105, timer(), "post fb2.do3=1 until 1105"}, {110, reply(Outcome::ok), "read fb2.do3 until 1110"},
        {115, reads(1), "verified ok readback 1 attempts 2 at 115"}}, ""},
    {"EarlyTimerWaitsOn", plain(), {kStarted, {5, reply(Outcome::not_sent), "wait until 105"}, {104, timer(), "wait until 105"},
        {105, timer(), "post fb2.do3=1 until 1105"}, {110, reply(Outcome::refused), "rejected controller_rejected readback null attempts 2 at 110"}}, ""},
    {"RetryWouldBeLate", ttl(105), {{0, start(), "post fb2.do3=1 by 105 until 1000"},
        {5, reply(Outcome::not_sent), "failed not_sent readback null attempts 1 at 5"}}, ""},
    {"RetryTimerComesLate", ttl(110), {{0, start(), "post fb2.do3=1 by 110 until 1000"}, {5, reply(Outcome::server_error), "wait until 105"},
        {110, timer(), "failed server_error readback null attempts 1 at 110"}}, ""},
    {"ConnectingTookUntilTheDeadline", ttl(500), {{0, start(), "post fb2.do3=1 by 500 until 1000"},
        {500, late(), "expired deadline readback null attempts 0 at 500"}}, ""},
    {"ConnectingTookTheTimeout", plain(), {kStarted, {1000, late(), "wait until 1100"}, {1100, timer(), "post fb2.do3=1 until 2100"},
        {1104, reply(Outcome::refused), "rejected controller_rejected readback null attempts 2 at 1104"}}, ""},
    {"SecondAttemptTooLate", ttl(500), {{0, start(), "post fb2.do3=1 by 500 until 1000"}, {5, reply(Outcome::server_error), "wait until 105"},
        {105, timer(), "post fb2.do3=1 by 500 until 1105"}, {500, late(), "failed server_error readback null attempts 1 at 500"}}, ""},
    {"CancelledInFlight", plain(), {kStarted, {2, cancel(), "unknown shutting_down readback null attempts 1 at 2"}}, ""},
    {"CancelledAfterNoConnection", plain(), {kStarted, {5, reply(Outcome::not_sent), "wait until 105"},
        {50, cancel(), "aborted shutting_down readback null attempts 1 at 50"}}, ""},
    {"CancelledAfterServerError", plain(), {kStarted, {5, reply(Outcome::server_error), "wait until 105"},
        {50, cancel(), "failed server_error readback null attempts 1 at 50"}}, ""},
    {"CancelledAfterServerErrorAndNoConnection", plain(), {kStarted, {5, reply(Outcome::server_error), "wait until 105"},
        {105, timer(), "post fb2.do3=1 until 1105"}, {110, reply(Outcome::not_sent), "wait until 310"},
        {200, cancel(), "failed server_error readback null attempts 2 at 200"}}, ""},
    {"DriverOutOfStep", plain(), {kStarted, {5, start(), "unknown shutting_down readback null attempts 1 at 5"}}, ""},
    {"UnexpectedReply", plain(), {kStarted, {5, reply(Outcome::not_sent), "wait until 105"},
        {6, reads(1), "aborted shutting_down readback null attempts 1 at 6"}}, ""},
};

const std::vector<Script> kVerifying{
    {"Verified", plain(), {kStarted, kAccepted, {8, reads(1), "verified ok readback 1 attempts 1 at 8"}}, ""},
    {"AcceptedWithAnOddBody", plain(), {kStarted, {4, reply(Outcome::bad_data), "read fb2.do3 until 1004"},
        {8, reads(1), "verified ok readback 1 attempts 1 at 8"}}, ""},
    {"Applied", unverified(), {kStarted, {4, reply(Outcome::ok), "applied ok readback null attempts 1 at 4"}}, ""},
    {"VerifiedAtTheThirdLook", plain(), {kStarted, kAccepted, {8, reads(0), "wait until 28"}, {28, timer(), "read fb2.do3 until 1028"},
        {30, reads(0), "wait until 50"}, {50, timer(), "read fb2.do3 until 1050"}, {52, reads(1), "verified ok readback 1 attempts 1 at 52"}}, ""},
    {"MismatchAtTheEndOfTheWindow", plain(), {kStarted, kAccepted, {483, reads(0), "wait until 503"},
        {503, timer(), "read fb2.do3 until 1503"}, {520, reads(0), "mismatch readback readback 0 attempts 1 at 520"}}, ""},
    {"MismatchJustInsideTheWindow", plain(), {kStarted, kAccepted, {484, reads(0), "mismatch readback readback 0 attempts 1 at 484"}}, ""},
    {"VerificationOutlivesTheDeadline", ttl(10), {{0, start(), "post fb2.do3=1 by 10 until 1000"}, kAccepted, {20, reads(0), "wait until 40"},
        {40, timer(), "read fb2.do3 until 1040"}, {41, reads(1), "verified ok readback 1 attempts 1 at 41"}}, ""},
    {"ReadBackFailsOnce", plain(), {kStarted, kAccepted, {8, reply(Outcome::lost), "wait until 28"}, {28, timer(), "read fb2.do3 until 1028"},
        {40, reads(1), "verified ok readback 1 attempts 1 at 40"}}, ""},
    {"ReadBackNeverWorks", plain(), {kStarted, kAccepted, {8, reply(Outcome::not_sent), "wait until 28"}, {28, timer(), "read fb2.do3 until 1028"},
        {500, reply(Outcome::bad_data), "unknown no_readback readback null attempts 1 at 500"}}, ""},
    {"ReadBackIsRefused", plain(), {kStarted, kAccepted, {8, reply(Outcome::refused), "unknown no_readback readback null attempts 1 at 8"}}, ""},
    {"DifferedThenUnreadable", plain(), {kStarted, kAccepted, {8, reads(0), "wait until 28"}, {28, timer(), "read fb2.do3 until 1028"},
        {1028, reply(Outcome::lost), "mismatch readback readback 0 attempts 1 at 1028"}}, ""},
    {"CancelledWhileReadingBack", plain(), {kStarted, kAccepted, {6, cancel(), "unknown shutting_down readback null attempts 1 at 6"}}, ""},
    {"CancelledBetweenReadBacks", plain(), {kStarted, kAccepted, {8, reads(0), "wait until 28"},
        {9, cancel(), "unknown shutting_down readback 0 attempts 1 at 9"}}, ""},
    {"LateReadBack", plain(), {kStarted, kAccepted, {400, late(), "wait until 420"}, {420, timer(), "read fb2.do3 until 1420"},
        {430, reads(1), "verified ok readback 1 attempts 1 at 430"}}, ""},
    {"ZeroOfEitherSign", real(), {{0, start(), "post fb2.dof0=2147483648 until 1000"}, {4, reply(Outcome::ok), "read fb2.dof0 until 1004"},
        {8, reads(0), "verified ok readback 0.0 attempts 1 at 8"}}, ""},
    {"NotANumberReadBack", real(), {{0, start(), "post fb2.dof0=2147483648 until 1000"}, {4, reply(Outcome::ok), "read fb2.dof0 until 1004"},
        {500, reads(0x7fc00000U), "mismatch readback readback null attempts 1 at 500"}}, ""},
};

const std::vector<Script> kUnknownOutcome{
    {"LostButApplied", plain(), {kStarted, kLost, {1010, reads(1), "verified ok readback 1 attempts 1 at 1010"}}, ""},
    {"LostAndSentAgain", plain(), {kStarted, kLost, {1010, reads(0), "post fb2.do3=1 until 2010"},
        {1014, reply(Outcome::ok), "read fb2.do3 until 2014"}, {1020, reads(1), "verified ok readback 1 attempts 2 at 1020"}}, ""},
    {"LostAndANewerCommandWaits", plain(), {kStarted, kLost, {1010, reads(0), "unknown newer_command readback 0 attempts 1 at 1010", true}}, ""},
    {"LostButAppliedThoughANewerCommandWaits", plain(), {kStarted, kLost, {1010, reads(1), "verified ok readback 1 attempts 1 at 1010", true}}, ""},
    {"LostThenNoConnectionThenNewer", plain(), {kStarted, kLost, {1010, reads(0), "post fb2.do3=1 until 2010"},
        {1011, reply(Outcome::not_sent), "wait until 1211"}, {1211, timer(), "unknown newer_command readback 0 attempts 2 at 1211", true}}, ""},
    {"LostUntilTheDeadline", plain(), {{2500, start(), "post fb2.do3=1 by 3000 until 3500"}, {2999, reply(Outcome::lost), "read fb2.do3 until 3999"},
        {3000, reads(0), "unknown no_answer readback 0 attempts 1 at 3000"}}, ""},
    {"LostAtTheDeadlineIsStillRead", ttl(500), {{0, start(), "post fb2.do3=1 by 500 until 1000"}, {500, reply(Outcome::lost), "read fb2.do3 until 1500"},
        {510, reply(Outcome::not_sent), "wait until 610"}, {610, timer(), "read fb2.do3 until 1610"}, {620, reads(1), "verified ok readback 1 attempts 1 at 620"}}, ""},
    {"LostThreeTimes", plain(), {kStarted, {10, reply(Outcome::lost), "read fb2.do3 until 1010"}, {20, reads(0), "post fb2.do3=1 until 1020"},
        {30, reply(Outcome::lost), "read fb2.do3 until 1030"}, {40, reads(0), "post fb2.do3=1 until 1040"},
        {50, reply(Outcome::lost), "read fb2.do3 until 1050"}, {60, reads(0), "unknown no_answer readback 0 attempts 3 at 60"}}, ""},
    {"LostAndUnreadable", ttl(600), {{0, start(), "post fb2.do3=1 by 600 until 1000"}, {10, reply(Outcome::lost), "read fb2.do3 until 1010"},
        {20, reply(Outcome::not_sent), "wait until 120"}, {120, timer(), "read fb2.do3 until 1120"},
        {130, reply(Outcome::lost), "wait until 330"}, {330, timer(), "read fb2.do3 until 1330"},
        {340, reply(Outcome::server_error), "unknown no_answer readback null attempts 1 at 340"}}, ""},
    {"LostAndReadingRefused", plain(), {kStarted, kLost, {1010, reply(Outcome::refused), "unknown no_answer readback null attempts 1 at 1010"}}, ""},
    {"LostThenRefused", plain(), {kStarted, kLost, {1010, reads(0), "post fb2.do3=1 until 2010"},
        {1011, reply(Outcome::refused), "unknown controller_rejected readback 0 attempts 2 at 1011"}}, ""},
    {"LostThenServerErrors", plain(), {kStarted, kLost, {1010, reads(0), "post fb2.do3=1 until 2010"},
        {1011, reply(Outcome::server_error), "wait until 1211"}, {1211, timer(), "post fb2.do3=1 until 2211"},
        {1212, reply(Outcome::server_error), "unknown server_error readback 0 attempts 3 at 1212"}}, ""},
    {"LostUnverified", unverified(), {kStarted, kLost, {1010, reads(1), "verified ok readback 1 attempts 1 at 1010"}}, ""},
    {"CancelledWhileSettling", plain(), {kStarted, kLost, {1005, cancel(), "unknown shutting_down readback null attempts 1 at 1005"}}, ""},
    {"CancelledBetweenSettlingReads", plain(), {kStarted, kLost, {1010, reply(Outcome::lost), "wait until 1110"},
        {1020, cancel(), "unknown shutting_down readback null attempts 1 at 1020"}}, ""},
    {"CancelledAfterLostAndNoConnection", plain(), {kStarted, kLost, {1010, reads(0), "post fb2.do3=1 until 2010"},
        {1011, reply(Outcome::not_sent), "wait until 1211"}, {1100, cancel(), "unknown shutting_down readback 0 attempts 2 at 1100"}}, ""},
};

const Step kFeedback{8, reads(1), "read fb2.di4 until 1008"};
const std::vector<Script> kFeedbackSignal{
    {"FeedbackSeen", fed_back(), {kStarted, kAccepted, kFeedback, {12, reads(0), "wait until 32"}, {32, timer(), "read fb2.di4 until 1032"},
        {40, reads(1), "verified ok readback 1 attempts 1 at 40"}}, ""},
    {"FeedbackMissing", fed_back(), {kStarted, kAccepted, kFeedback, {1987, reads(0), "wait until 2007"}, {2007, timer(), "read fb2.di4 until 3007"},
        {2010, reads(0), "mismatch feedback readback 0 attempts 1 at 2010"}}, ""},
    {"FeedbackWindowEnds", fed_back(), {kStarted, kAccepted, kFeedback, {1988, reads(0), "mismatch feedback readback 0 attempts 1 at 1988"}}, ""},
    {"FeedbackUnreadable", fed_back(), {kStarted, kAccepted, kFeedback, {10, reply(Outcome::lost), "wait until 30"}, {30, timer(), "read fb2.di4 until 1030"},
        {2000, reply(Outcome::lost), "unknown no_readback readback 1 attempts 1 at 2000"}}, ""},
    {"FeedbackRefused", fed_back(), {kStarted, kAccepted, kFeedback, {10, reply(Outcome::refused), "unknown no_readback readback 1 attempts 1 at 10"}}, ""},
    {"FeedbackAfterALostAnswer", fed_back(), {kStarted, kLost, {1010, reads(1), "read fb2.di4 until 2010"},
        {1020, reads(1), "verified ok readback 1 attempts 1 at 1020"}}, ""},
    {"FeedbackNotAskedAfterAMismatch", fed_back(), {kStarted, kAccepted, {490, reads(0), "mismatch readback readback 0 attempts 1 at 490"}}, ""},
    {"FeedbackWithoutReadBack", [] { Command c = fed_back(); c.options = test::without_verification(); return c; }(),
        {kStarted, {4, reply(Outcome::ok), "read fb2.di4 until 1004"}, {8, reads(1), "verified ok readback null attempts 1 at 8"}}, ""},
    {"CancelledReadingFeedback", fed_back(), {kStarted, kAccepted, kFeedback, {10, cancel(), "unknown shutting_down readback 1 attempts 1 at 10"}}, ""},
    {"CancelledBetweenFeedbackReads", fed_back(), {kStarted, kAccepted, kFeedback, {12, reads(0), "wait until 32"},
        {20, cancel(), "unknown shutting_down readback 1 attempts 1 at 20"}}, ""},
};

const Step kEdge{4, reply(Outcome::ok), "read fb2.do3 by 204 until 1004"};
const std::vector<Script> kPulses{
    {"PulseVerified", pulse(), {kStarted, kEdge, {8, reads(1), "verified ok readback 1 attempts 1 at 8"}}, "due 204"},
    {"PulseUnverified", [] { Command c = pulse(); c.options = test::without_verification(); return c; }(),
        {kStarted, {4, reply(Outcome::ok), "applied ok readback null attempts 1 at 4"}}, "due 204"},
    {"PulseReadBackStopsAtTheRelease", pulse(100), {kStarted, {4, reply(Outcome::ok), "read fb2.do3 by 104 until 1004"},
        {83, reads(0), "wait until 103"}, {103, timer(), "read fb2.do3 by 104 until 1103"},
        {104, reads(0), "mismatch readback readback 0 attempts 1 at 104"}}, "due 104"},
    // The release may have been made meanwhile: what would be read then is not what the edge did.
    {"PulseReadBackWouldComeAfterTheRelease", pulse(100), {kStarted, {4, reply(Outcome::ok), "read fb2.do3 by 104 until 1004"},
        {10, reply(Outcome::lost), "wait until 30"}, {300, timer(), "unknown no_readback readback null attempts 1 at 300"}}, "due 104"},
    {"PulseReadBackConnectedAfterTheRelease", pulse(100), {kStarted, {4, reply(Outcome::ok), "read fb2.do3 by 104 until 1004"},
        {10, reply(Outcome::lost), "wait until 30"}, {30, timer(), "read fb2.do3 by 104 until 1030"},
        {260, late(), "unknown no_readback readback null attempts 1 at 260"}}, "due 104"},
    {"PulseRefused", pulse(), {kStarted, {4, reply(Outcome::refused), "rejected controller_rejected readback null attempts 1 at 4"}}, ""},
    {"PulseNotSentIsSentAgain", pulse(), {kStarted, {4, reply(Outcome::not_sent), "wait until 104"}, {104, timer(), "post fb2.do3=1 until 1104"},
        {110, reply(Outcome::ok), "read fb2.do3 by 310 until 1110"}, {115, reads(1), "verified ok readback 1 attempts 2 at 115"}}, "due 310"},
    {"PulseNeverSent", pulse(), {kStarted, {4, reply(Outcome::not_sent), "wait until 104"}, {104, timer(), "post fb2.do3=1 until 1104"},
        {110, reply(Outcome::not_sent), "wait until 310"}, {310, timer(), "post fb2.do3=1 until 1310"},
        {311, reply(Outcome::not_sent), "failed not_sent readback null attempts 3 at 311"}}, ""},
    {"PulseLostButApplied", pulse(), {kStarted, kLost, {1010, reads(1), "verified ok readback 1 attempts 1 at 1010"}}, "due 1200 read first"},
    {"PulseLostIsNotSentAgain", pulse(), {kStarted, kLost, {1010, reads(0), "unknown no_answer readback 0 attempts 1 at 1010"}}, "due 1200 read first"},
    {"PulseServerErrorIsNotSentAgain", pulse(), {kStarted, {4, reply(Outcome::server_error), "read fb2.do3 until 1004"},
        {10, reads(0), "failed server_error readback 0 attempts 1 at 10"}}, "due 204 read first"},
    {"PulseServerErrorButApplied", pulse(), {kStarted, {4, reply(Outcome::server_error), "read fb2.do3 until 1004"},
        {10, reads(1), "verified ok readback 1 attempts 1 at 10"}}, "due 204 read first"},
    {"PulseServerErrorUnreadable", pulse(), {kStarted, {4, reply(Outcome::server_error), "read fb2.do3 until 1004"},
        {10, reply(Outcome::refused), "failed server_error readback null attempts 1 at 10"}}, "due 204 read first"},
    {"PulseCancelledInFlight", pulse(), {kStarted, {2, cancel(), "unknown shutting_down readback null attempts 1 at 2"}}, "due 2 read first"},
    {"PulseCancelledWhileReadingBack", pulse(), {kStarted, kEdge, {6, cancel(), "unknown shutting_down readback null attempts 1 at 6"}}, "due 204"},
    {"PulseCancelledBeforeItsTurn", pulse(), {{0, cancel(), "aborted shutting_down readback null attempts 0 at 0"}}, ""},
    {"PulseDryRun", dry(pulse()), {{0, start(), "would_apply ok readback null attempts 0 at 0"}}, ""},
    {"PulseTooLate", ttl(500, pulse()), {{0, start(), "post fb2.do3=1 by 500 until 1000"}, {500, late(), "expired deadline readback null attempts 0 at 500"}}, ""},
};

std::string name_of(const testing::TestParamInfo<Script>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(BeforeThePost, ExecutionScript, testing::ValuesIn(kBeforeThePost), name_of);
INSTANTIATE_TEST_SUITE_P(Posting, ExecutionScript, testing::ValuesIn(kPosting), name_of);
INSTANTIATE_TEST_SUITE_P(Verifying, ExecutionScript, testing::ValuesIn(kVerifying), name_of);
INSTANTIATE_TEST_SUITE_P(UnknownOutcome, ExecutionScript, testing::ValuesIn(kUnknownOutcome), name_of);
INSTANTIATE_TEST_SUITE_P(Feedback, ExecutionScript, testing::ValuesIn(kFeedbackSignal), name_of);
INSTANTIATE_TEST_SUITE_P(Pulses, ExecutionScript, testing::ValuesIn(kPulses), name_of);

}  // namespace
}  // namespace hi6gw::command
