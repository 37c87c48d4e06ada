// `hi6gw check` and `hi6gw topics`, as a user sees them.

#include "cli/check.h"
#include "cli/topics.h"
#include "unit/config/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace hi6gw::cli {
namespace {

using config::test::Files;
using testing::HasSubstr;

struct Ran {
    int code;
    std::string out;
    std::string err;
};

Ran run_check(Files& files, std::string_view yaml) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = check({files.write("c.yaml", yaml), files.environment()}, out, err);
    return {code, out.str(), err.str()};
}
Ran run_topics(Files& files, std::string_view yaml) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = topics({files.write("c.yaml", yaml), files.environment()}, out, err);
    return {code, out.str(), err.str()};
}

TEST(Check, SumsUpAGoodFile) {
    Files files;
    const auto ran = run_check(files, R"(
controllers:
  - name: r1
    url: http://10.0.0.1
    signals:
      - {name: "in/{i}", address: "fb3.di{i}", for: 0..959}
      - {name: out, address: fb3.do3}
      - {name: board, address: si3}
  - {name: r2, url: http://10.0.0.2, block_read: off, signals: [{name: a, address: fb1.di1}, {name: b, address: fb1.di2}]}
)");
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out, "good: 2 controllers, 964 signals, 5 requests per sweep\n");
    EXPECT_EQ(ran.err, "");
}

TEST(Check, PrintsEveryProblemAndASummary) {
    Files files;
    const auto ran = run_check(files, R"(mqtt: {windw: 3, tls: {}}
controllers:
  - {name: r1, url: http://10.0.0.1, timeout: 5, signals: [{name: a, address: fb12.di1}]}
)");
    EXPECT_EQ(ran.code, 78);
    EXPECT_THAT(ran.out, HasSubstr("c.yaml:1:8: mqtt.windw: unknown key (did you mean window?)"));
    EXPECT_THAT(ran.out, HasSubstr("c.yaml:3:47: controllers[0].timeout: '5' lacks its unit"));
    EXPECT_THAT(ran.out, HasSubstr("c.yaml:3:79: controllers[0].signals[0].address: "));
    EXPECT_THAT(ran.out, HasSubstr("c.yaml:1:23: mqtt.tls: warning: "));
    EXPECT_THAT(ran.out, testing::EndsWith("\nbad: 3 errors, 1 warning\n"));
}

TEST(Check, WarningsAloneDoNotFail) {
    Files files;
    const auto ran = run_check(files, "controllers: [{name: r1, url: 'http://10.0.0.1'}]\n");
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr("controllers[0].signals: warning: is missing"));
    EXPECT_THAT(ran.out, testing::EndsWith(
                             "good: 1 controller, 0 signals, 0 requests per sweep, 1 warning\n"));
}

TEST(Check, AFileThatIsNotThereIsAProblemLikeAnother) {
    const Files files;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(check({files.directory() / "none.yaml", files.environment()}, out, err), 78);
    EXPECT_THAT(out.str(), HasSubstr("none.yaml: cannot be read: No such file or directory\n"));
}

TEST(Topics, ListsEveryTopicOnItsLine) {
    Files files;
    const auto ran = run_topics(files, R"(
gateway: {id: line1}
controllers:
  - name: r1
    url: http://10.0.0.1
    signals:
      - {name: a, address: fb2.di3}
      - {name: clamp/close, address: do961, access: rw, events: true, qos: 2, retain: false}
  - {name: r2, url: http://10.0.0.2, signals: [{name: "s/{i}", address: "mw{i}", for: 4..5, qos: 0}]}
)");
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(ran.out,
              "out\t1\tretain\thi6/gateway/line1/status\t-\t-\n"
              "out\t1\tretain\thi6/r1/status\t-\t-\n"
              "out\t1\t-\thi6/r1/event\t-\t-\n"
              "out\t1\tretain\thi6/r1/state/a\tfb2.di3\tr\n"
              "out\t2\t-\thi6/r1/state/clamp/close\tfb1.do1\trw\n"
              "out\t1\t-\thi6/r1/event/clamp/close\tfb1.do1\trw\n"
              "out\t1\t-\thi6/r1/result/clamp/close\tfb1.do1\trw\n"
              "in\t1\t-\thi6/r1/set/clamp/close\tfb1.do1\trw\n"
              "out\t1\tretain\thi6/r2/status\t-\t-\n"
              "out\t0\tretain\thi6/r2/state/s/4\tmw4\tr\n"
              "out\t0\tretain\thi6/r2/state/s/5\tmw5\tr\n");
}

TEST(Topics, ShowsTheClientLevelAsAWildcard) {
    Files files;
    const auto ran = run_topics(files, R"(
topics:
  set: "{prefix}/{controller}/set/{client}/{signal}"
  result: "{prefix}/{controller}/result/{client}/{signal}"
controllers:
  - {name: r1, url: http://10.0.0.1, signals: [{name: a, address: mw2, access: rw}]}
)");
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr("in\t1\t-\thi6/r1/set/+/a\tmw2\trw\n"));
    EXPECT_THAT(ran.out, HasSubstr("out\t1\t-\thi6/r1/result/+/a\tmw2\trw\n"));
}

TEST(Topics, OfABadFileAreNone) {
    Files files;
    const auto ran = run_topics(files, "controllers: []\n");
    EXPECT_EQ(ran.code, 78);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("c.yaml:1:14: controllers: must be a list of at least one"));
}

}  // namespace
}  // namespace hi6gw::cli
