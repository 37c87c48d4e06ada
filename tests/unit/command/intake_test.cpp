#include "command/intake.h"

#include "unit/command/config.h"

#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

using namespace std::chrono_literals;
using test::at;

const auto kOnline = [](std::size_t) { return true; };
const auto kOffline = [](std::size_t) { return false; };

class IntakeTest : public testing::Test {
  protected:
    void use(const config::Config& config, const IntakeRules& rules = {}) {
        intake =
            std::make_unique<Intake>(std::make_shared<const config::Config>(config), rules, at(0));
    }
    void SetUp() override { use(test::cell()); }

    Incoming message(std::string_view payload, std::string_view topic = "hi6/r1/set/clamp/close") {
        Incoming out;
        out.topic = topic;
        out.payload = payload;
        out.received = at(0);
        out.received_ms = 1'000'000;
        return out;
    }
    Intake::Verdict receive(const Incoming& incoming, Clock::time_point now = at(0)) {
        return intake->receive(incoming, kOnline, now);
    }
    Command command(const Incoming& incoming, Clock::time_point now = at(0)) {
        auto verdict = receive(incoming, now);
        if (const auto* answer = std::get_if<Answer>(&verdict)) {
            ADD_FAILURE() << incoming.payload << ": " << to_string(answer->result.reason) << ' '
                          << answer->detail;
        }
        return std::get<Command>(verdict);
    }
    CommandResult refused(const Intake::Verdict& verdict) {
        return std::get<Answer>(verdict).result;
    }

    std::unique_ptr<Intake> intake;
};

TEST_F(IntakeTest, MakesACheckedCommand) {
    Incoming incoming = message(R"({"value":"on","id":"a","ttl":200,"pulse":50,"expect":false})");
    incoming.response_topic = "hi6/reply/mes/7";
    incoming.correlation = std::string_view("\0\xff", 2);
    const Command got = command(incoming, at(5));
    EXPECT_EQ(got.controller, 0U);
    EXPECT_EQ(got.signal, 0U);
    EXPECT_EQ(got.name, "r1/clamp/close");
    EXPECT_EQ(to_string(got.address), "fb2.do3");
    EXPECT_EQ(got.range.first, 3U);
    EXPECT_EQ(got.range.count, 1U);
    EXPECT_EQ(got.raw, 1U);
    EXPECT_EQ(got.value, domain::Value(std::int64_t{1}));
    EXPECT_EQ(got.expected, 0U);
    EXPECT_EQ(got.pulse, 50ms);
    EXPECT_EQ(got.received, at(0));
    EXPECT_EQ(got.deadline, at(200));
    EXPECT_EQ(got.received_ms, 1'000'000);
    EXPECT_FALSE(got.dry_run);
    EXPECT_EQ(got.reply.topic, "hi6/r1/result/clamp/close");
    EXPECT_EQ(got.reply.response_topic, "hi6/reply/mes/7");
    EXPECT_EQ(got.reply.correlation, std::string("\0\xff", 2));
    EXPECT_EQ(got.reply.id, "a");
}

TEST_F(IntakeTest, RefusesWithTheReasonOfTheContract) {
    struct Case {
        const char *topic, *payload;
        Reason reason;
    };
    for (const Case& c :
         {Case{"hi6/r1/set/clamp/close", "", Reason::bad_payload},
          Case{"hi6/r1/set/clamp/close", "\xff", Reason::bad_payload},
          Case{"hi6/r1/set/clamp/close", "maybe", Reason::bad_payload},
          Case{"hi6/r1/set/clamp/close", R"({"value":1,"value":1})", Reason::bad_payload},
          Case{"hi6/r1/set/clamp/close", R"({"value":1,"expect":"maybe"})", Reason::bad_payload},
          Case{"hi6/r1/set/nope", "1", Reason::unknown_signal},
          Case{"hi6/r1/set/part_present", "1", Reason::read_only},
          Case{"hi6/r1/set/clamp/close", "2", Reason::out_of_range},
          Case{"hi6/r1/set/clamp/close", R"({"value":1,"expect":2})", Reason::out_of_range},
          Case{"hi6/r1/set/speed", "101", Reason::out_of_range},
          Case{"hi6/r1/set/speed", "true", Reason::bad_payload},
          Case{"hi6/r1/set/speed", R"({"value":1,"pulse":10})", Reason::bad_payload},
          Case{"hi6/r1/set/temperature", "12.34", Reason::out_of_range}}) {
        const auto verdict = receive(message(c.payload, c.topic));
        ASSERT_TRUE(std::holds_alternative<Answer>(verdict)) << c.topic << ' ' << c.payload;
        EXPECT_EQ(refused(verdict).state, State::rejected);
        EXPECT_EQ(to_string(refused(verdict).reason), to_string(c.reason)) << c.payload;
        EXPECT_EQ(refused(verdict).received_ms, 1'000'000);
        EXPECT_FALSE(std::get<Answer>(verdict).detail.empty());
        EXPECT_FALSE(std::get<Answer>(verdict).to.topic.empty());
    }
}

// One message that is wrong in every way; put right one by one, in the contract's order.
TEST_F(IntakeTest, ChecksInTheOrderOfTheContract) {
    config::Config config = test::cell();
    config.commands.mode = config::CommandMode::disabled;
    IntakeRules rules;
    rules.signal = {0.001, 1.0};
    const auto reason = [&](const Incoming& incoming, auto online) {
        return to_string(refused(intake->receive(incoming, online, at(10))).reason);
    };
    use(config, rules);
    Incoming bad = message("\xff", "hi6/r1/set/nope");
    bad.retained = true;
    bad.expiry = 0s;
    EXPECT_EQ(reason(bad, kOffline), "bad_payload");
    bad.payload = "{";
    EXPECT_EQ(reason(bad, kOffline), "retained");
    bad.retained = false;
    EXPECT_EQ(reason(bad, kOffline), "unknown_signal");
    bad.topic = "hi6/r1/set/part_present";
    EXPECT_EQ(reason(bad, kOffline), "bad_payload");
    bad.payload = R"({"value":1,"id":"a"})";
    EXPECT_EQ(reason(bad, kOffline), "read_only");
    bad.payload = R"({"value":0,"id":"a"})";
    EXPECT_EQ(reason(bad, kOffline), "id_reuse");
    bad.topic = "hi6/r1/set/clamp/close";
    bad.payload = "2";
    EXPECT_EQ(reason(bad, kOffline), "out_of_range");
    bad.payload = "1";
    EXPECT_EQ(reason(bad, kOffline), "disabled");
    config.commands.mode = config::CommandMode::enabled;
    use(config, rules);
    EXPECT_EQ(reason(bad, kOffline), "controller_offline") << "and takes the only token";
    EXPECT_EQ(reason(bad, kOffline), "rate_limited");
    use(config, rules);
    EXPECT_EQ(reason(bad, kOnline), "deadline");
    use(config, rules);
    bad.expiry = std::nullopt;
    EXPECT_TRUE(std::holds_alternative<Command>(receive(bad, at(10))));
}

TEST_F(IntakeTest, TakesTheSoonerOfTtlAndMessageExpiry) {
    Incoming incoming = message("1");
    EXPECT_EQ(command(incoming).deadline, at(3000));
    incoming.expiry = 1s;
    EXPECT_EQ(command(incoming).deadline, at(1000));
    incoming.expiry = std::chrono::seconds(4294967295);
    EXPECT_EQ(command(incoming).deadline, at(3000));
    incoming.payload = R"({"value":1,"ttl":2000})";
    EXPECT_EQ(command(incoming).deadline, at(2000));
    incoming.expiry = 0s;
    EXPECT_EQ(refused(receive(incoming)).state, State::expired);
    EXPECT_EQ(refused(receive(message("1"), at(3000))).state, State::expired);
    EXPECT_EQ(command(message("1"), at(2999)).deadline, at(3000));
    config::Config patient = test::cell();
    patient.commands.ttl = std::chrono::hours(1);
    use(patient);
    incoming = message("1");
    EXPECT_EQ(command(incoming).deadline, at(3'600'000));
    incoming.expiry = 900s;
    EXPECT_EQ(command(incoming).deadline, at(900'000));
    incoming.expiry = std::chrono::seconds(4294967295);
    EXPECT_EQ(command(incoming).deadline, at(3'600'000));
}

TEST_F(IntakeTest, DropsWhatNobodyCanBeToldOf) {
    for (const char* topic : {"hi6/r9/set/x", "hi6/r1/set/#", "", "hi6/r1/state/clamp/close"}) {
        const auto verdict = receive(message("1", topic));
        ASSERT_TRUE(std::holds_alternative<Dropped>(verdict)) << topic;
        EXPECT_EQ(std::get<Dropped>(verdict).why, Dropped::Why::foreign_topic);
    }
    Incoming clear = message("");
    clear.retained = true;
    EXPECT_EQ(std::get<Dropped>(receive(clear)).why, Dropped::Why::retained_clear);
}

TEST_F(IntakeTest, AnswersOnlyUnderTheReplyPrefix) {
    for (const char* topic : {"hi6/r1/set/clamp/close", "hi6/reply/", "hi6/replying", "$SYS/x",
                              "hi6/reply/+", "hi6/reply/\xff", "x/hi6/reply/y"}) {
        Incoming incoming = message("1");
        incoming.response_topic = topic;
        incoming.correlation = "c";
        const Command got = command(incoming);
        EXPECT_EQ(got.reply.response_topic, "") << topic;
        EXPECT_EQ(got.reply.correlation, "");
        EXPECT_TRUE(got.reply.response_refused);
    }
    Incoming incoming = message("2");
    incoming.response_topic = "hi6/reply/x";
    incoming.correlation = "c";
    EXPECT_EQ(std::get<Answer>(receive(incoming)).to.response_topic, "hi6/reply/x")
        << "refusals too";
    const std::string large(Intake::kLongestCorrelation + 1, 'c');
    incoming.correlation = large;
    EXPECT_TRUE(std::get<Answer>(receive(incoming)).to.response_refused);
}

TEST_F(IntakeTest, ExecutesAnIdOnceAndRepeatsItsResult) {
    const Incoming first = message(R"({"value":1,"id":"a"})");
    const Command got = command(first);
    Incoming again = message(R"( {"id":"a", "value":1} )");  // the same content
    again.correlation = "second";
    again.response_topic = "hi6/reply/second";
    EXPECT_EQ(std::get<Dropped>(receive(again)).why, Dropped::Why::waits);
    EXPECT_EQ(refused(receive(message(R"({"value":0,"id":"a"})"))).reason, Reason::id_reuse);

    const auto answers =
        intake->ended(got.reply, make_result(got, State::verified, Reason::ok, at(30)));
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_FALSE(answers[0].result.duplicate);
    EXPECT_TRUE(answers[1].result.duplicate);
    EXPECT_EQ(answers[1].to.correlation, "second");

    const auto third = receive(first, at(100));
    EXPECT_EQ(refused(third).state, State::verified);
    EXPECT_TRUE(refused(third).duplicate);
    EXPECT_EQ(refused(receive(message(R"({"value":0,"id":"a"})"))).reason, Reason::id_reuse);
    Incoming much_later = first;
    much_later.received = at(600'000);
    EXPECT_TRUE(std::holds_alternative<Command>(receive(much_later, at(600'000))));
}

TEST_F(IntakeTest, ExecutesTheSameScalarWithoutAnIdEveryTime) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(command(message("1")).reply.id, "");
    }
}

TEST_F(IntakeTest, RemembersRefusalsButNotThoseForLoad) {
    const auto at_first = intake->receive(message(R"({"value":1,"id":"a"})"), kOffline, at(0));
    EXPECT_EQ(refused(at_first).reason, Reason::controller_offline);
    const auto again = receive(message(R"({"value":1,"id":"a"})"));
    EXPECT_EQ(refused(again).reason, Reason::controller_offline)
        << "its sender was told that it is not executed";
    EXPECT_TRUE(refused(again).duplicate);

    const Command full = command(message(R"({"value":1,"id":"b"})"));
    EXPECT_EQ(
        intake->ended(full.reply, make_result(full, State::rejected, Reason::queue_full, at(0)))
            .size(),
        1U);
    command(message(R"({"value":1,"id":"b"})"));
}

TEST_F(IntakeTest, KeepsTheIdsOfClientsApart) {
    config::Config config = test::cell();
    config.topics.set = "{prefix}/{controller}/set/{client}/{signal}";
    use(config);
    const auto a = command(message(R"({"value":1,"id":"x"})", "hi6/r1/set/hmi/speed"));
    const auto b = command(message(R"({"value":2,"id":"x"})", "hi6/r1/set/mes/speed"));
    EXPECT_EQ(a.reply.client, "hmi");
    EXPECT_EQ(b.reply.client, "mes");
}

TEST_F(IntakeTest, LimitsTheRatePerSignalAndPerController) {
    IntakeRules rules;
    rules.signal = {10.0, 2.0};
    rules.controller = {10.0, 3.0};
    use(test::cell(), rules);
    command(message("1"));
    command(message("1"));
    EXPECT_EQ(refused(receive(message("1"))).reason, Reason::rate_limited);
    command(message("1", "hi6/r1/set/speed"));
    EXPECT_EQ(refused(receive(message("1", "hi6/r1/set/speed"))).reason, Reason::rate_limited)
        << "the controller's";
    command(message("1", "hi6/r2/set/speed"));
    command(message("1"), at(100));
    EXPECT_EQ(refused(receive(message("1"), at(100))).reason, Reason::rate_limited);
}

TEST_F(IntakeTest, LimitsRefusalsUnderFlood) {
    IntakeRules rules;
    rules.refusals = {1.0, 5.0};
    use(test::cell(), rules);
    int answered = 0;
    int dropped = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto verdict = receive(message("garbage"), at(i / 10));  // 10,000 a second
        answered += std::holds_alternative<Answer>(verdict) ? 1 : 0;
        const auto* drop = std::get_if<Dropped>(&verdict);
        dropped += drop != nullptr && drop->why == Dropped::Why::flood ? 1 : 0;
    }
    EXPECT_EQ(answered, 5);
    EXPECT_EQ(dropped, 9'995);
    command(message("1"), at(1000));
}

TEST_F(IntakeTest, WantsTheFeedbackSignalToShowTheSameValue) {
    const Command got = command(message("1", "hi6/r1/set/clamp/slow"));
    ASSERT_TRUE(got.feedback);
    EXPECT_EQ(to_string(got.feedback->address), "fb2.di4");
    EXPECT_EQ(got.feedback->raw, 0U) << "it is inverted";
    EXPECT_TRUE(got.feedback_options->invert);
}

TEST_F(IntakeTest, MarksDryRuns) {
    config::Config config = test::cell();
    config.commands.mode = config::CommandMode::dry_run;
    use(config);
    EXPECT_TRUE(command(message("1")).dry_run);
}

TEST_F(IntakeTest, KeepsIdsOverAReload) {
    const Command got = command(message(R"({"value":1,"id":"a"})"));
    intake->configure(std::make_shared<const config::Config>(test::cell()), at(0));
    EXPECT_EQ(std::get<Dropped>(receive(message(R"({"value":1,"id":"a"})"))).why,
              Dropped::Why::waits);
    EXPECT_EQ(intake->ended(got.reply, make_result(got, State::verified, Reason::ok, at(9))).size(),
              2U);
}

}  // namespace
}  // namespace hi6gw::command
