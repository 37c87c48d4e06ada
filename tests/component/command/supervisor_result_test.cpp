// Every row of the result table, as it comes about on a controller's connection.

#include "bench.h"

namespace hi6gw::command {
namespace {

using hi6::Outcome;

constexpr Answer kOk{};
constexpr Answer kIgnored{Outcome::ok, false, false};  // the robot's program keeps its value
constexpr Answer kLostDone{Outcome::lost, true, false};
constexpr Answer kLostUndone{Outcome::lost, false, false};
constexpr Answer kSilent{Outcome::lost, true, true};
constexpr Answer k4xx{Outcome::refused, false, false};
constexpr Answer k5xx{Outcome::server_error, false, false};
constexpr Answer kGone{Outcome::not_sent, false, false};

struct Row {
    const char* name;
    std::function<void(Bench&, Command&)> arrange;
    std::vector<Answer> posts;  // the last one stands for all that follow
    std::vector<Answer> reads;
    State state;
    Reason reason;
    std::size_t on_the_wire;  // posts, releases included
};

Answer at(const std::vector<Answer>& answers, std::size_t index) {
    return answers.empty() ? Answer{} : answers.at(std::min(index, answers.size() - 1));
}

void plain(Bench& /*bench*/, Command& /*command*/) {}
void unverified(Bench& /*bench*/, Command& command) {
    command.options = test::without_verification();
}
void dry(Bench& /*bench*/, Command& command) {
    command.dry_run = true;
}
void expects_other(Bench& /*bench*/, Command& command) {
    command.expected = 1;
}
void expects_this(Bench& /*bench*/, Command& command) {
    command.expected = 0;
}
void fed_back(Bench& /*bench*/, Command& command) {
    command.feedback = Check{test::address("fb2.di4"), 1};
    command.feedback_options = std::make_shared<domain::SignalOptions>();
}
void fed_back_well(Bench& bench, Command& command) {
    fed_back(bench, command);
    bench.line.put(command.feedback->address, 1);
}
void unreachable(Bench& bench, Command& /*command*/) {
    bench.line.up = false;
    bench.line.connect_mode = support::FakeController::Connect::refuse;
}
void reconnects(Bench& bench, Command& /*command*/) {
    bench.line.up = false;
}
void late(Bench& bench, Command& command) {
    command.deadline = bench.time.now();
}
void pulsed(Bench& /*bench*/, Command& command) {
    command.pulse = 200ms;
}
void pulsed_without_journal(Bench& bench, Command& command) {
    command.pulse = 200ms;
    bench.store.broken = true;
}
void relay(Bench& /*bench*/, Command& command) {
    command.address = test::address("m7");
    command.range = hi6::bit_range(command.address, hi6::IndexUnit::byte);
}
void unproven_relay(Bench& bench, Command& command) {
    relay(bench, command);
    bench.raw_reads_refused = true;
}

const std::vector<Row>& rows() {
    using S = State;
    using R = Reason;
    static const std::vector<Row> all{
        {"verified", plain, {}, {}, S::verified, R::ok, 1},
        {"after a connect", reconnects, {}, {}, S::verified, R::ok, 1},
        {"late effect", plain, {kOk}, {k5xx, kOk}, S::verified, R::ok, 1},
        {"feedback", fed_back_well, {}, {}, S::verified, R::ok, 1},
        {"expected", expects_this, {}, {}, S::verified, R::ok, 1},
        {"answer lost", plain, {kLostDone}, {}, S::verified, R::ok, 1},
        {"answer and request lost", plain, {kLostUndone, kOk}, {}, S::verified, R::ok, 2},
        {"closed before", plain, {kGone, kOk}, {}, S::verified, R::ok, 1},
        {"5xx once", plain, {k5xx, kOk}, {}, S::verified, R::ok, 2},
        {"relay", relay, {}, {}, S::verified, R::ok, 1},
        {"unproven relay", unproven_relay, {}, {}, S::unknown, R::no_readback, 1},
        {"unverified", unverified, {}, {}, S::applied, R::ok, 1},
        {"robot's program", plain, {kIgnored}, {}, S::mismatch, R::readback, 1},
        {"no effect", fed_back, {}, {}, S::mismatch, R::feedback, 1},
        {"silence", plain, {kSilent}, {kSilent}, S::unknown, R::no_answer, 1},
        {"read-back lost", plain, {}, {kSilent}, S::unknown, R::no_readback, 1},
        {"5xx", plain, {k5xx}, {}, S::failed, R::server_error, 3},
        {"unreachable", unreachable, {}, {}, S::failed, R::not_sent, 0},
        {"closed each time", plain, {kGone}, {}, S::failed, R::not_sent, 0},
        {"cannot look", expects_this, {}, {k5xx}, S::failed, R::no_readback, 0},
        {"4xx", plain, {k4xx}, {}, S::rejected, R::controller_rejected, 1},
        {"precondition", expects_other, {}, {}, S::rejected, R::precondition, 0},
        {"expired", late, {}, {}, S::expired, R::deadline, 0},
        {"dry run", dry, {}, {}, S::would_apply, R::ok, 0},
        {"pulse", pulsed, {}, {}, S::verified, R::ok, 2},
        {"pulse, edge lost", pulsed, {kLostDone, kOk}, {}, S::verified, R::ok, 2},
        {"pulse, no edge", pulsed, {kLostUndone, kOk}, {}, S::unknown, R::no_answer, 1},
        {"pulse, release lost", pulsed, {kOk, kLostDone}, {}, S::verified, R::ok, 2},
        {"pulse, release lost and undone",
         pulsed,
         {kOk, kLostUndone, kOk},
         {},
         S::verified,
         R::ok,
         3},
        {"pulse, held by a program", pulsed, {kOk, kIgnored}, {}, S::mismatch, R::release, 4},
        {"pulse, release refused", pulsed, {kOk, k4xx}, {}, S::mismatch, R::release, 4},
        {"pulse, no journal", pulsed_without_journal, {}, {}, S::failed, R::not_sent, 0},
    };
    return all;
}

TEST(SupervisorResult, SaysWhatBecameOfTheCommand) {
    for (const Row& row : rows()) {
        SCOPED_TRACE(row.name);
        Bench bench;
        Command command = bench.make();
        row.arrange(bench, command);
        std::size_t posts = 0;
        std::size_t reads = 0;
        bench.answer = [&](const Exchange& exchange) {
            return exchange.post ? at(row.posts, posts++) : at(row.reads, reads++);
        };
        bench.start_lane();
        bench.submit(command);
        bench.advance(20s);
        const CommandResult result = bench.only();
        EXPECT_EQ(to_string(result.state), to_string(row.state));
        EXPECT_EQ(to_string(result.reason), to_string(row.reason));
        EXPECT_EQ(bench.posts().size(), row.on_the_wire);
        EXPECT_TRUE(bench.store.open().empty()) << "an ended pulse left in the journal";
        EXPECT_EQ(bench.supervisor->open_releases(), 0U);
    }
}

TEST(SupervisorResult, ReportsAPulseWhoseReleaseGoesUnanswered) {
    Bench bench;
    bench.start_lane();
    bench.submit(bench.pulse());
    bench.advance(100ms);
    bench.line.connect_mode = support::FakeController::Connect::refuse;
    bench.line.up = false;
    bench.advance(5s);
    EXPECT_TRUE(bench.ended.empty()) << "the release may still work";
    bench.advance(1s);
    EXPECT_EQ(bench.only().state, State::unknown);
    EXPECT_EQ(bench.only().reason, Reason::release);
    EXPECT_EQ(bench.store.open().size(), 1U);
    bench.line.connect_mode = support::FakeController::Connect::accept;
    bench.advance(3s);
    EXPECT_EQ(bench.line.value(test::address("fb2.do3")), 0U) << "released all the same";
    EXPECT_TRUE(bench.store.open().empty());
    ASSERT_EQ(bench.released.size(), 1U);
    EXPECT_EQ(bench.released[0].second, Release::End::released);
    EXPECT_EQ(bench.only().reason, Reason::release);
}

TEST(SupervisorResult, RefusesWhatDoesNotFitTheQueue) {
    Bench bench;
    for (int i = 0; i < 257; ++i) {
        bench.submit(bench.make());
    }
    EXPECT_EQ(bench.only().state, State::rejected);
    EXPECT_EQ(bench.only().reason, Reason::queue_full);
    EXPECT_EQ(bench.only().id, "id-257");
    bench.advance(3s);
    bench.supervisor->expire(bench.time.now());
    EXPECT_EQ(bench.ended.size(), 257U) << "time alone ends the others";
    EXPECT_EQ(bench.ended.back().result.state, State::expired);
}

TEST(SupervisorResult, RejectsTheQueueWhenTheControllerGoesOffline) {
    Bench bench;
    bench.submit(bench.make());
    bench.supervisor->controller_offline(bench.time.now());
    EXPECT_EQ(bench.only().state, State::rejected);
    EXPECT_EQ(bench.only().reason, Reason::controller_offline);
}

TEST(SupervisorResult, AbortsTheQueueOnShutdownAndTakesNothingMore) {
    Bench bench;
    bench.submit(bench.make());
    bench.supervisor->shutdown(bench.time.now());
    EXPECT_EQ(bench.only().state, State::aborted);
    EXPECT_EQ(bench.only().reason, Reason::shutting_down);
    bench.submit(bench.make());
    EXPECT_EQ(bench.ended.back().result.state, State::rejected);
    EXPECT_EQ(bench.ended.back().result.reason, Reason::shutting_down);
}

}  // namespace
}  // namespace hi6gw::command
