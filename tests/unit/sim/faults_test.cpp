#include "sim/faults.h"

#include "sim/json.h"

#include <gtest/gtest.h>

namespace hi6gw::sim {
namespace {

std::string add(Faults& faults, const char* text) {
    const auto json = parse_json(text);
    return json ? faults.add(*json) : "not JSON";
}

TEST(Faults, MatchPathAndMethod) {
    Faults faults;
    ASSERT_EQ(add(faults, R"({"path":"do_val","method":"POST","action":"hang","count":-1})"), "");
    EXPECT_TRUE(faults.match("POST", "/project/control/ios/dio/do_val"));
    EXPECT_FALSE(faults.match("GET", "/project/control/ios/dio/do_val?type=do"));
    EXPECT_FALSE(faults.match("POST", "/project/plc/set_relay_value"));
}

TEST(Faults, SkipThenHitThenEnd) {
    Faults faults;
    ASSERT_EQ(add(faults, R"({"action":"status","status":503,"skip":2,"count":2})"), "");
    std::string seen;
    for (int i = 0; i < 6; ++i) {
        seen += faults.match("GET", "/") ? 'x' : '.';
    }
    EXPECT_EQ(seen, "..xx..");
}

TEST(Faults, TheFirstRuleWins) {
    Faults faults;
    ASSERT_EQ(add(faults, R"([{"action":"hang"},{"action":"reset_after","count":-1}])"), "");
    EXPECT_EQ(faults.match("GET", "/")->action, Action::hang);
    EXPECT_EQ(faults.match("GET", "/")->action, Action::reset_after);
    faults.clear();
    EXPECT_FALSE(faults.match("GET", "/"));
}

TEST(Faults, KnowWhetherAWriteTakesEffect) {
    struct Case {
        const char* json;
        bool apply;
    };
    for (const auto& each :
         {Case{R"({"action":"hang"})", false}, Case{R"({"action":"hang","apply":true})", true},
          Case{R"({"action":"reset_before"})", false}, Case{R"({"action":"reset_after"})", true},
          Case{R"({"action":"status"})", false},
          Case{R"({"action":"delay","apply":false})", false}}) {
        Faults faults;
        ASSERT_EQ(add(faults, each.json), "");
        EXPECT_EQ(faults.match("POST", "/")->apply, each.apply) << each.json;
    }
}

TEST(Faults, RawBodiesAreBytes) {
    Faults faults;
    ASSERT_EQ(add(faults, R"({"action":"raw","body":"A\u0000\u00ff\u0080\r\n"})"), "");
    EXPECT_EQ(faults.match("GET", "/")->body, std::string("A\0\xff\x80\r\n", 6));
}

TEST(Faults, RefuseMistakesAndAddNothing) {
    for (const char* const wrong :
         {R"({})", R"(5)", R"({"action":"explode"})", R"({"action":"hang","colour":1})",
          R"({"action":"delay","ms":-1})", R"({"action":"status","status":99})",
          R"({"action":"hang","count":-2})", R"({"action":"hang","skip":-1})",
          R"({"action":"raw"})", R"([{"action":"hang"},{"action":"nope"}])", R"(["hang"])"}) {
        Faults faults;
        EXPECT_NE(add(faults, wrong), "") << wrong;
        EXPECT_EQ(faults.to_json(), "[]") << wrong;
    }
}

TEST(Faults, AreBounded) {
    Faults faults;
    for (std::size_t i = 0; i < Faults::kMost; ++i) {
        ASSERT_EQ(add(faults, R"({"action":"hang"})"), "");
    }
    EXPECT_NE(add(faults, R"({"action":"hang"})"), "");
}

}  // namespace
}  // namespace hi6gw::sim
