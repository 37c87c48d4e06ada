// Every transition of a command until its POST is answered.
// clang-format off: one step a line reads better than what the tool makes of it

#include "unit/command/execution_script.h"

namespace hi6gw::command {
namespace {

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

INSTANTIATE_TEST_SUITE_P(BeforeThePost, ExecutionScript, testing::ValuesIn(kBeforeThePost), name_of);
INSTANTIATE_TEST_SUITE_P(Posting, ExecutionScript, testing::ValuesIn(kPosting), name_of);

}  // namespace
}  // namespace hi6gw::command
