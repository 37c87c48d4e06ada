// Every transition of a command that is a pulse, and when its release is due.
// clang-format off: one step a line reads better than what the tool makes of it

#include "unit/command/execution_script.h"

namespace hi6gw::command {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Pulses, ExecutionScript, testing::ValuesIn(kPulses), name_of);

}  // namespace
}  // namespace hi6gw::command
