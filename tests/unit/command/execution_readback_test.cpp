// Every transition of a command after its POST: read-back, an answer that was lost, the feedback
// signal.
// clang-format off: one step a line reads better than what the tool makes of it

#include "unit/command/execution_script.h"

namespace hi6gw::command {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Verifying, ExecutionScript, testing::ValuesIn(kVerifying), name_of);
INSTANTIATE_TEST_SUITE_P(UnknownOutcome, ExecutionScript, testing::ValuesIn(kUnknownOutcome), name_of);
INSTANTIATE_TEST_SUITE_P(Feedback, ExecutionScript, testing::ValuesIn(kFeedbackSignal), name_of);

}  // namespace
}  // namespace hi6gw::command
