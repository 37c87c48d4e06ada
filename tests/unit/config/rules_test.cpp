// What needs more than one entry: shared maps, topics, secrets, limits.

#include "support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace hi6gw::config {
namespace {

using test::Files;
using test::with_controller;
using test::with_signals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST(Problems, AreAllReportedInTheOrderOfTheFile) {
    Files files;
    files.write("map.yaml", "- {name: x, address: fb2.di3}\n- {name: x, address: fb99.di3}\n");
    const auto loaded = files.load(R"(gatway: {}
log: {level: loud}
controllers:
  - name: r1
    url: nowhere
    signal_map: map.yaml
    signals:
      - {name: a, address: zz1}
      - {name: x, address: mw2, poll: 5}
)");
    EXPECT_FALSE(loaded.config);
    EXPECT_THAT(
        files.shown(loaded.problems),
        ElementsAre(StartsWith("c.yaml:1:1: gatway: "), StartsWith("c.yaml:2:14: log.level: "),
                    StartsWith("c.yaml:5:10: controllers[0].url: "),
                    StartsWith("c.yaml:8:28: controllers[0].signals[0].address: "),
                    AllOf(StartsWith("c.yaml:9:16: controllers[0].signals[1].name: "),
                          HasSubstr("'x'; the first one is at map.yaml:1:3")),
                    StartsWith("c.yaml:9:39: controllers[0].signals[1].poll: "),
                    StartsWith("map.yaml:2:10: [1].name: "),
                    StartsWith("map.yaml:2:22: [1].address: ")));
}

TEST(SignalMap, SharedByControllersReportsItsProblemsOnce) {
    Files files;
    files.write("maps/m.yaml", "- {name: x, address: mw2, pol: 5s}\n");
    const auto loaded = files.load(R"(
controllers:
  - {name: r1, url: http://a, signal_map: maps/m.yaml}
  - {name: r2, url: http://b, signal_map: maps/../maps/m.yaml}
)");
    EXPECT_THAT(
        files.shown(loaded.problems),
        ElementsAre(StartsWith("maps/m.yaml:1:27: [0].pol: unknown key (did you mean poll?)")));
}

TEST(SignalMap, IsReadInTheIndexUnitOfEachController) {
    Files files;
    files.write("m.yaml", "- {name: x, address: fb1.dow100}\n");
    const auto loaded = files.load(R"(
controllers:
  - {name: r1, url: http://a, signal_map: m.yaml}
  - {name: r2, url: http://b, signal_map: m.yaml, index_unit: element}
)");
    EXPECT_THAT(files.shown(loaded.problems),
                ElementsAre(StartsWith("m.yaml:1:22: [0].address: ")));
}

TEST(SignalMap, ThatIsNoListOrNoYamlSaysSo) {
    for (const auto& [map, problem] : std::vector<std::pair<std::string, std::string>>{
             {"signals: []\n", "m.yaml:1:1: must be a list of signals"},
             {"- [\n", "not valid YAML"},
             {"", "m.yaml: is empty"},
         }) {
        Files files;
        files.write("m.yaml", map);
        const auto loaded = files.load(with_controller("    signal_map: m.yaml"));
        EXPECT_THAT(files.shown(loaded.problems), ElementsAre(HasSubstr(problem))) << map;
    }
}

TEST(ForRanges, ThatOverlapAreReportedOncePerEntry) {
    Files files;
    const auto loaded =
        files.load(with_signals(R"(    - {name: "in/{i}", address: "fb3.di{i}", for: 0..63}
    - {name: "in/{i}", address: "fb4.di{i}", for: 32..95}
    - {name: in/95, address: fb4.di1})"));
    EXPECT_THAT(
        files.shown(loaded.problems),
        ElementsAre(AllOf(StartsWith("c.yaml:7:14: controllers[0].signals[1].name: "),
                          HasSubstr("'in/32'; the first one is at c.yaml:6:7 (and 31 more)")),
                    AllOf(StartsWith("c.yaml:8:14: controllers[0].signals[2].name: "),
                          HasSubstr("'in/95'; the first one is at c.yaml:7:7"))));
}

TEST(ForRanges, ReplaceTheVariableInNameAddressFeedbackAndDescription) {
    Files files;
    const auto loaded =
        files.load(with_signals(R"(    - {name: "in/{i}", address: "fb3.di{i}", for: [7, 1..2]}
    - {name: "{i}/out/{i}", address: "fb3.do{i}", for: [1, 2], feedback: "in/{i}", description: "no. {i}"})"));
    ASSERT_TRUE(loaded.config) << testing::PrintToString(files.shown(loaded.problems));
    const auto& signals = loaded.config->controllers[0].signals;
    ASSERT_THAT(signals, SizeIs(5));
    EXPECT_EQ(signals[0].name, "in/7");
    EXPECT_EQ(to_string(signals[1].address), "fb3.di1");
    EXPECT_EQ(signals[4].name, "2/out/2");
    EXPECT_EQ(signals[4].options->feedback, "in/2");
    EXPECT_EQ(signals[4].options->description, "no. 2");
}

TEST(Options, OfEqualEntriesAreOneObject) {
    Files files;
    const auto loaded = files.load(with_signals(
        R"(    - {name: "a/{i}", address: "m{i}", for: 0..9999, poll: 50ms}
    - {name: b, address: mw2, poll: 50ms}
    - {name: c, address: mw4, poll: 51ms})"));
    ASSERT_TRUE(loaded.config);
    const auto& signals = loaded.config->controllers[0].signals;
    std::set<const domain::SignalOptions*> distinct;
    for (const auto& signal : signals) {
        distinct.insert(signal.options.get());
    }
    EXPECT_EQ(signals.size(), 10'002U);
    EXPECT_EQ(signals.capacity(), signals.size());
    EXPECT_EQ(distinct.size(), 2U);
}

TEST(Defaults, ThatDoNotFitATypeAreIgnoredForIt) {
    Files files;
    const auto loaded = files.load(with_signals(
        "    - {name: bit, address: fb1.di1}\n    - {name: word, address: mw2}\n"
        "    - {name: real, address: mf4, scale: 3}",
        "defaults: {scale: 2, unsigned: true, invert: true, access: rw, values: {1: a}, max: 5}"));
    ASSERT_TRUE(loaded.config) << testing::PrintToString(files.shown(loaded.problems));
    const auto& signals = loaded.config->controllers[0].signals;
    domain::SignalOptions bit;
    bit.invert = true;
    bit.texts = {{1, "a"}};
    EXPECT_EQ(*signals[0].options, bit);
    EXPECT_TRUE(signals[1].options->is_unsigned && signals[1].options->scaled &&
                signals[1].options->writable && !signals[1].options->invert);
    EXPECT_TRUE(signals[2].options->texts.empty() && !signals[2].options->is_unsigned);
    EXPECT_EQ(signals[2].options->scale, 3.0);
    EXPECT_EQ(signals[2].options->max, 5.0);
}

TEST(BlockReadOff, RefusesWhatOnlyBlockReadsCanRead) {
    Files files;
    const auto loaded =
        files.load(with_controller("    block_read: off\n    signals: [{name: a, address: "
                                   "fb1.di1}, {name: b, address: mw2}]"));
    EXPECT_THAT(files.shown(loaded.problems),
                ElementsAre(AllOf(StartsWith("c.yaml:6:63: controllers[0].signals[1].address: "),
                                  HasSubstr("block_read is off"))));
}

TEST(Topics, OfGapsCountWhereThereAreEvents) {
    Files files;
    const std::string signals = "    - {name: a, address: mw2, events: @}";
    const std::string topics = "topics: {gap: '{prefix}/{controller}/status'}";
    const auto with = [&](const std::string& events) {
        auto list = signals;
        list.replace(list.find('@'), 1, events);
        return files.shown(files.load(with_signals(list, topics)).problems);
    };
    EXPECT_THAT(with("false"), IsEmpty());
    EXPECT_THAT(with("true"), ElementsAre(StartsWith("c.yaml:1:15: topics.gap: the topic "
                                                     "'hi6/r1/status' is that of status of r1")));
}

struct TopicCase {
    std::string topics;
    std::string problem;  // empty: none
};

TEST(Topics, ThatCollideOrAreNoTopicsAreReported) {
    for (
        const auto& [topics, problem] : std::vector<TopicCase>{
            {"state: 'x/{signal}'", ""},
            {"state: '{prefix}/all'",
             "c.yaml:1:17: topics.state: the topic 'hi6/all' is that of state of r1 'a' and that "
             "of "
             "state of r1 'b'"},
            {"event: '{prefix}/{controller}/state/{signal}'",
             "c.yaml:1:17: topics.event: the topic 'hi6/r1/state/a' is that of state of r1 'a' and "
             "that of event of r1 'a'"},
            {"status: '{prefix}/gateway/{gateway}/status'", "c.yaml:1:18: topics.status: "},
            {"status: '{prefix}/{controller}/set/a'", "c.yaml:1:18: topics.status: "},
            {"set: '{prefix}/{controller}/{client}/{signal}'",
             "c.yaml:1:15: topics.set: the topic 'hi6/r1/+/a' is that of "},
            {"set: '{prefix}/{controller}/set/{client}/{signal}', result: "
             "'{prefix}/{controller}/set/{client}/{signal}'",
             "c.yaml:1:70: topics.result: "},
            {"set: '{prefix}/set/{client}/{signal}', status: '{prefix}/set/me/{controller}'", ""},
            {"set: '{prefix}/set/{client}/{signal}', status: '{prefix}/set/me/a'",
             "c.yaml:1:57: topics.status: "},
            {"state: 'x/+/{signal}'",
             "c.yaml:1:17: topics.state: the topic template contains + or #"},
            {"state: 'x/#'", "c.yaml:1:17: topics.state: the topic template contains + or #"},
            {"state: '$x/{signal}'", "c.yaml:1:17: topics.state: the topic template starts with $"},
            {"state: ''", "c.yaml:1:17: topics.state: the topic template is empty"},
            {"state: 'x/{sgnal}'",
             "c.yaml:1:17: topics.state: unknown placeholder {sgnal}; allowed"},
            {"gateway: 'x/{controller}'", "c.yaml:1:19: topics.gateway: unknown placeholder"},
            {"result: 'x/{client}/{signal}'", "c.yaml:1:18: topics.result: {client} comes from"},
            {"prefix: ''", "c.yaml:1:18: topics.prefix: is empty"},
            {"prefix: $a", "c.yaml:1:18: topics.prefix: starts with $"},
            {"prefix: 'a/#'", "c.yaml:1:18: topics.prefix: contains + or #"},
            {"prefix: '{gateway}'", "c.yaml:1:18: topics.prefix: is text without braces"},
            {R"(prefix: "a\tb")", "c.yaml:1:18: topics.prefix: contains a control character"},
            {"state: '" + std::string(65'530, 'x') + "{signal}-more'",
             "c.yaml:1:17: topics.state: the topic template is 65543 bytes long"},
            {"prefix: '" + std::string(65'530, 'x') + "'",
             "c.yaml:1:18: topics.prefix: the topic of "},
        }) {
        Files files;
        const auto loaded =
            files.load(with_signals("    - {name: a, address: mw2}\n    - {name: b, address: mw4}",
                                    "topics: {" + topics + "}"));
        if (problem.empty()) {
            EXPECT_THAT(files.shown(loaded.problems), IsEmpty()) << topics;
        } else {
            ASSERT_THAT(loaded.problems, Not(IsEmpty())) << topics.substr(0, 200);
            EXPECT_THAT(files.shown(loaded.problems).front(), StartsWith(problem))
                << topics.substr(0, 200);
            EXPECT_FALSE(loaded.config);
        }
    }
}

TEST(Topics, ThatCollideByNamesAreReportedAtTheSignal) {
    Files files;
    const auto loaded = files.load(R"(gateway: {id: state}
controllers:
  - {name: r1, url: http://a, signals: [{name: status, address: mw2}]}
  - {name: gateway, url: http://b, signals: [{name: status, address: mw2}]}
)");
    EXPECT_THAT(
        files.shown(loaded.problems),
        ElementsAre(AllOf(StartsWith("c.yaml:4:46: topics: "),
                          HasSubstr("'hi6/gateway/state/status' is that of state of gateway "
                                    "'status' and that of gateway"))));
}

TEST(Secrets, ComeFromTextVariableFileOrCredential) {
    Files files;
    files.variables = {{"PW", "from-variable"}, {"CREDENTIALS_DIRECTORY", files.directory()}};
    files.write("mqtt-password", "from-credential\r\n");
    files.write("pw", "two\nlines\n\n");
    for (const auto& [keys, password] : std::vector<std::pair<std::string, std::string>>{
             {"password: plain", "plain"},
             {"password: 'a${PW}b$${PW}'", "afrom-variableb${PW}"},
             {"password: 'a$$b$'", "a$$b$"},
             {"password_file: pw", "two\nlines\n"},
             {"keep_alive: 5s", "from-credential"},
         }) {
        const auto loaded = files.load(
            with_signals("    - {name: a, address: mw2}", "mqtt: {username: u, " + keys + "}"));
        EXPECT_THAT(files.shown(loaded.problems), IsEmpty()) << keys;
        ASSERT_TRUE(loaded.config) << keys;
        EXPECT_EQ(loaded.config->mqtt.password, Secret(password)) << keys;
    }
}

TEST(Secrets, ThatOthersCanReadAreWarnedOf) {
    Files files;
    files.write("pw", "x", std::filesystem::perms(0644));
    const auto by_file = files.load(
        with_signals("    - {name: a, address: mw2}", "mqtt: {username: u, password_file: pw}"));
    EXPECT_TRUE(by_file.config);
    EXPECT_THAT(
        files.shown(by_file.problems),
        ElementsAre(HasSubstr(
            "c.yaml:1:36: mqtt.password_file: warning: others can read it (mode 0644): chmod 6")));
    const auto file = files.write(
        "d.yaml", with_signals("    - {name: a, address: mw2}", "mqtt: {username: u, password: x}"),
        std::filesystem::perms(0644));
    const auto inline_text = load(file, files.environment());
    EXPECT_TRUE(inline_text.config);
    EXPECT_THAT(files.shown(inline_text.problems),
                ElementsAre(AllOf(HasSubstr("mqtt.password: warning: holds a secret, and others "
                                            "can read it (mode 0644): chmod 6"),
                                  HasSubstr("or use password_file"))));
}

TEST(Secrets, ThatAreMissingOrEmptyAreErrors) {
    Files files;
    files.write("empty", "\n");
    for (const auto& [keys, problem] : std::vector<std::pair<std::string, std::string>>{
             {"password_file: none", "none' cannot be read: No such file or directory"},
             {"password_file: empty", "the file is empty; it must hold the password"},
             {"password_file: /dev/zero", "is not a file"},
             {"password: '${NONE}'", "the environment variable NONE is not set"},
         }) {
        const auto loaded = files.load(
            with_signals("    - {name: a, address: mw2}", "mqtt: {username: u, " + keys + "}"));
        EXPECT_FALSE(loaded.config) << keys;
        EXPECT_THAT(files.shown(loaded.problems), ElementsAre(HasSubstr(problem))) << keys;
    }
}

// Wherever someone may put it by mistake.
TEST(Secrets, AreNeverPartOfAProblem) {
    for (const std::string yaml :
         {"mqtt: {url: 'mqtt://u:hunter2@b'}",
          "mqtt: {url: 'mqtt://u:hunter 2 hunter2@b'}",
          "mqtt: {url: 'hunter2'}",
          "mqtt: {password:hunter2}",
          "mqtt: {password=hunter2: x}",
          "mqtt: {password: [hunter2]}",
          "mqtt: {password: {hunter2: x}}",
          "mqtt: {password: *hunter2}",
          "mqtt: {password: &hunter2 }",
          "mqtt: {password: !hunter2 x}",
          "mqtt: {password: x: hunter2}",
          "mqtt: {password: \"\\hunter2\"}",
          "mqtt: {password: @hunter2}",
          "mqtt: {password: 'hunter2}",
          "mqtt: {url: '${SECRET}'}",
          "mqtt: {version: '${SECRET}'}",
          "mqtt: {keep_alive: '${SECRET}'}",
          "mqtt: {password_file: '${SECRET}'}",
          "mqtt: {url: 'mqtts://b', tls: {ca_file: '${SECRET}'}}",
          "mqtt: {url: 'mqtts://b', tls: {cert_file: '${SECRET}', key_file: '${SECRET}'}}",
          "mqtt: {url: 'mqtts://b', tls: {server_name: '${SECRET}!'}}",
          "http: {listen: '${SECRET}'}",
          "gateway: {id: '${SECRET}!'}",
          "topics: {state: '{${SECRET}}'}",
          "controllers: [{name: r, url: http://a, signals: [{name: a, address: '${SECRET}'}]}]",
          "controllers: [{name: r, url: http://a, signal_map: '${SECRET}'}]"}) {
        Files files;
        files.variables = {{"SECRET", "hunter2"}};
        const auto loaded = files.load(yaml);
        EXPECT_FALSE(loaded.config) << yaml;
        EXPECT_THAT(files.shown(loaded.problems), Each(Not(HasSubstr("hunter2")))) << yaml;
    }
}

TEST(Environment, SuppliesIdAndStateDirectory) {
    Files files;
    files.host_name = "edge 7.plant";
    files.variables = {{"STATE_DIRECTORY", "/var/lib/hi6gw:/other"}};
    const auto loaded = files.load(with_signals("    - {name: a, address: mw2}"));
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->gateway.id, "edge-7-plant");
    EXPECT_EQ(loaded.config->mqtt.client_id, "hi6gw-edge-7-plant");
    EXPECT_EQ(loaded.config->gateway.state_dir, "/var/lib/hi6gw");
}

TEST(Limits, EndAnAliasBombABigFileAndTooManySignals) {
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'k'; ++c) {
        const std::string one = std::string(", *") + static_cast<char>(c - 1);
        bomb += std::string(1, c) + ": &" + c + " [x" + one + one + one + one + one + one + one +
                one + "]\n";
    }
    Files files;
    EXPECT_THAT(files.shown(files.load(bomb).problems),
                ElementsAre(HasSubstr("more than 1000000 items")));

    std::string many;
    for (int at = 0; at < 7; ++at) {
        many += "    - {name: \"{i}\", address: \"no{i}\", for: 0..159999}\n";
    }
    const auto problems = files.shown(files.load(with_signals(many)).problems);
    ASSERT_THAT(problems, SizeIs(12));  // an address each, a name each but the first, the end
    EXPECT_THAT(problems[10], HasSubstr("(and 159999 more)"));
    EXPECT_THAT(problems[11], AllOf(StartsWith("c.yaml:12:7: controllers[0].signals[6]: "),
                                    HasSubstr("more than 1000000 signals")));
}

TEST(Limits, EndAListOfProblems) {
    std::string many;
    for (int at = 0; at < 20'000; ++at) {
        many += "    - {}\n";
    }
    Files files;
    const auto loaded = files.load(with_signals(many));
    ASSERT_THAT(loaded.problems, SizeIs(10'001));
    EXPECT_THAT(loaded.problems.back().text, HasSubstr("too many problems"));
}

// A bad address does not hide that the name stands twice, nor make somebody else's feedback
// unknown.
TEST(Rules, ANameCountsAlsoWithABadAddress) {
    Files files;
    const auto problems =
        files.shown(files
                        .load("controllers:\n"
                              "  - name: r1\n"
                              "    url: http://a\n"
                              "    signals:\n"
                              "      - {name: b, address: fb12.di1}\n"
                              "      - {name: b, address: fb2.di960}\n"
                              "      - {name: c, address: fb2.do1, access: rw, feedback: b}\n")
                        .problems);
    ASSERT_EQ(problems.size(), 3U);
    EXPECT_THAT(problems[0],
                testing::HasSubstr("c.yaml:5:28: controllers[0].signals[0].address: "));
    EXPECT_THAT(
        problems[1],
        testing::HasSubstr("c.yaml:6:16: controllers[0].signals[1].name: duplicate name 'b'"));
    EXPECT_THAT(problems[2],
                testing::HasSubstr("c.yaml:6:28: controllers[0].signals[1].address: "));
}

}  // namespace
}  // namespace hi6gw::config
