#include "command/router.h"

#include "unit/command/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace hi6gw::command {
namespace {

using testing::ElementsAre;

TEST(Router, FindsEverySignalByItsExactTopic) {
    const config::Config config = test::cell();
    const Router router(config);
    for (std::size_t c = 0; c < config.controllers.size(); ++c) {
        for (std::size_t s = 0; s < config.controllers[c].signals.size(); ++s) {
            const auto& controller = config.controllers[c];
            const auto& signal = controller.signals[s];
            const Match match = router.match("hi6/" + controller.name + "/set/" + signal.name);
            ASSERT_TRUE(match.target) << signal.name;
            EXPECT_EQ(match.target->controller, c);
            EXPECT_EQ(match.target->signal, s);
            EXPECT_EQ(match.result_topic, "hi6/" + controller.name + "/result/" + signal.name);
            EXPECT_EQ(match.client, "");
        }
    }
}

TEST(Router, NamesTheResultTopicOfAnUnknownSignal) {
    const config::Config config = test::cell();
    const Router router(config);
    for (const char* name : {"nope", "clamp", "clamp/close/", "clamp/Close", "../../api", "%2e%2e",
                             "a b", "\xc3\xa4"}) {
        const Match match = router.match(std::string("hi6/r1/set/") + name);
        EXPECT_FALSE(match.target) << name;
        EXPECT_EQ(match.result_topic, std::string("hi6/r1/result/") + name);
    }
}

TEST(Router, DropsWhatIsNoneOfItsTopics) {
    const config::Config config = test::cell();
    const Router router(config);
    for (const std::string& topic : std::vector<std::string>{
             "", "/", "hi6", "hi6/r1/set", "hi6/r1/set/", "hi6/r9/set/clamp/close",
             "hi6/r1/state/clamp/close", "x/hi6/r1/set/clamp/close", "hi6/r1/set/+", "hi6/r1/set/#",
             "hi6/r1/set/$x", "hi6/r1/set/a\x01", std::string("hi6/r1/set/a\0b", 14),
             "hi6/r1/set/\xff", "hi6/r1/set/" + std::string(Router::kLongestName + 1, 'a'),
             "hi6/r1/set/" + std::string(65'530, 'a')}) {
        const Match match = router.match(topic);
        EXPECT_FALSE(match.target) << topic.substr(0, 40);
        EXPECT_EQ(match.result_topic, "") << topic.substr(0, 40);
    }
}

TEST(Router, TakesTheClientFromItsLevel) {
    struct Case {
        std::string set, topic, client, result;
        bool found;
    };
    const std::string long_client(Router::kLongestClient, 'c');
    for (const Case& c :
         {Case{"{prefix}/{controller}/set/{client}/{signal}", "hi6/r1/set/hmi/clamp/close", "hmi",
               "hi6/r1/result/clamp/close", true},
          Case{"{prefix}/{controller}/set/{client}/{signal}", "hi6/r1/set/clamp/close", "clamp",
               "hi6/r1/result/close", false},
          Case{"{prefix}/{controller}/set/{signal}/{client}", "hi6/r1/set/clamp/close/hmi", "hmi",
               "hi6/r1/result/clamp/close", true},
          Case{"{prefix}/{controller}/set/{signal}/by/{client}", "hi6/r1/set/speed/by/hmi", "hmi",
               "hi6/r1/result/speed", true},
          Case{"{client}/{prefix}/{controller}/{signal}/set", "hmi/hi6/r2/speed/set", "hmi",
               "hi6/r2/result/speed", true},
          Case{"{prefix}/{controller}/set/{client}/{signal}",
               "hi6/r1/set/" + long_client + "/speed", long_client, "hi6/r1/result/speed", true},
          Case{"{prefix}/{controller}/set/{client}/{signal}",
               "hi6/r1/set/" + long_client + "c/speed", "", "", false},
          Case{"{prefix}/{controller}/set/{client}/{signal}", "hi6/r1/set//speed", "", "", false},
          Case{"{prefix}/{controller}/set/{client}/{signal}", "hi6/r1/set/+/speed", "", "", false},
          Case{"{prefix}/{controller}/set/{client}/{signal}", "hi6/r1/set/a\tb/speed", "", "",
               false}}) {
        config::Config config = test::cell();
        config.topics.set = c.set;
        const Router router(config);
        const Match match = router.match(c.topic);
        EXPECT_EQ(match.target.has_value(), c.found) << c.topic;
        EXPECT_EQ(match.client, c.client) << c.topic;
        EXPECT_EQ(match.result_topic, c.result) << c.topic;
    }
}

// A + in a topic makes the broker hang up, on every attempt anew.
TEST(Router, NamesTheClientInTheResultToo) {
    config::Config config = test::cell();
    config.topics.set = "{prefix}/{controller}/set/{client}/{signal}";
    for (const auto& [result, known, unknown] :
         {std::tuple("{prefix}/{controller}/result/{client}/{signal}",
                     "hi6/r1/result/hmi/clamp/close", "hi6/r1/result/hmi/no/such"),
          std::tuple("{prefix}/{controller}/{signal}/result/{client}",
                     "hi6/r1/clamp/close/result/hmi", "hi6/r1/no/such/result/hmi"),
          std::tuple("{client}/{controller}/{signal}", "hmi/r1/clamp/close", "hmi/r1/no/such")}) {
        config.topics.result = result;
        const Router router(config);
        EXPECT_EQ(router.match("hi6/r1/set/hmi/clamp/close").result_topic, known);
        EXPECT_EQ(router.match("hi6/r1/set/hmi/no/such").result_topic, unknown);
    }
}

TEST(Router, SubscribesToAControllersWholeSetBranch) {
    config::Config config = test::cell();
    EXPECT_THAT(Router(config).filters(), ElementsAre("hi6/r1/set/#", "hi6/r2/set/#"));
    config.topics.set = "{prefix}/{controller}/set/{client}/{signal}";
    EXPECT_THAT(Router(config).filters(), ElementsAre("hi6/r1/set/+/#", "hi6/r2/set/+/#"));
}

TEST(Router, SubscribesToSignalsWhereABranchWouldHoldItsOwnTopics) {
    config::Config config = test::cell();
    config.controllers.pop_back();
    config.controllers[0].signals.resize(2);
    for (const auto& [set, state] :
         {std::pair("{prefix}/{controller}/{signal}", "{prefix}/{controller}/state/{signal}"),
          std::pair("{prefix}/{controller}/{signal}/set", "{prefix}/{controller}/state/{signal}"),
          std::pair("{prefix}/{controller}/set/{signal}", "{prefix}/{controller}/set/now/{signal}"),
          std::pair("{prefix}/{controller}/x/{signal}", "{prefix}/{signal}")}) {
        config.topics.set = set;
        config.topics.state = state;
        const Router router(config);
        for (const auto& filter : router.filters()) {
            EXPECT_EQ(filter.find('#'), std::string::npos) << filter;
        }
        EXPECT_EQ(router.filters().size(), 2U);
    }
}

TEST(Router, KnowsWhatMayBeWritten) {
    const config::Config config = test::cell();
    const Router router(config);
    EXPECT_TRUE(router.find_writable("r1", test::address("fb2.do3")));
    EXPECT_TRUE(router.find_writable("r1", test::address("fb2.do3"), "clamp/close"));
    EXPECT_FALSE(router.find_writable("r1", test::address("fb2.do3"), "lamp")) << "another name";
    EXPECT_FALSE(router.find_writable("r1", test::address("fb2.di3"))) << "not rw";
    EXPECT_FALSE(router.find_writable("r1", test::address("fb2.do99"))) << "not configured";
    EXPECT_FALSE(router.find_writable("r9", test::address("fb2.do3")));
}

}  // namespace
}  // namespace hi6gw::command
