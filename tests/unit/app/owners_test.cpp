// Another gateway at one of our controllers is told by the session that its status names.

#include "app/owners.h"

#include <gtest/gtest.h>

namespace hi6gw::app {
namespace {

using namespace std::chrono_literals;

config::Config two(const std::string& first = "r1", const std::string& second = "r2") {
    config::Config out;
    for (const std::string& name : {first, second}) {
        out.controllers.emplace_back().name = name;
    }
    return out;
}

using Strings = std::vector<std::string>;

class OwnersTest : public testing::Test {
  protected:
    OwnersTest() { owners.configure(two()); }
    auto look(const std::string& topic, const std::string& session, bool stored = false,
              const std::string& state = "online") {
        return owners.look(topic, R"({"state":")" + state + R"(","session":")" + session + "\"}",
                           stored, now);
    }
    Strings left() {
        Strings out;
        for (const Owners::Left& each : owners.take_left(now)) {
            out.push_back(each.controller + (each.deleted ? " deleted" : " offline"));
        }
        return out;
    }
    Owners owners{"ours"};
    Steady::time_point now{1000s};
};

TEST_F(OwnersTest, ListensToTheStatusOfEachController) {
    EXPECT_EQ(owners.filters(), (std::vector<std::string>{"hi6/r1/status", "hi6/r2/status"}));
    EXPECT_TRUE(owners.concerns("hi6/r1/status"));
    EXPECT_FALSE(owners.concerns("hi6/r3/status"));
    EXPECT_FALSE(owners.concerns("hi6/r1/set/a"));
}

TEST_F(OwnersTest, AnotherSessionIsAnotherOwner) {
    const auto seen = look("hi6/r2/status", "theirs");
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->controller, "r2");
    EXPECT_TRUE(seen->news);
    EXPECT_TRUE(seen->answer);
    EXPECT_EQ(owners.shared(now), "r2");
    EXPECT_TRUE(look("hi6/r1/status", "theirs"));
    EXPECT_EQ(owners.shared(now), "r1, r2");
}

TEST_F(OwnersTest, OurOwnAndWhatNoGatewaySaysAreNot) {
    EXPECT_FALSE(look("hi6/r1/status", "ours"));
    EXPECT_FALSE(look("hi6/r3/status", "theirs"));
    EXPECT_FALSE(look("hi6/r1/status", "theirs", true)) << "it may have gone long ago";
    for (const char* payload : {"", "{", "[]", "7", R"({"state":"online"})", R"({"session":7})",
                                R"({"session":null})", "\xff"}) {
        EXPECT_FALSE(owners.look("hi6/r1/status", payload, false, now)) << payload;
    }
    EXPECT_EQ(owners.shared(now), "");
}

// Each of the two makes the other say its status: that must end.
TEST_F(OwnersTest, IsAnsweredOnceAMinute) {
    EXPECT_TRUE(look("hi6/r1/status", "theirs")->answer);
    now += Owners::kAnswer - 1ms;
    const auto again = look("hi6/r1/status", "theirs");
    EXPECT_FALSE(again->answer);
    EXPECT_FALSE(again->news);
    now += 1ms;
    EXPECT_TRUE(look("hi6/r1/status", "theirs")->answer);
}

TEST_F(OwnersTest, IsForgottenAfterAnHourOfSilence) {
    look("hi6/r1/status", "theirs");
    now += Owners::kRemembered - 1ms;
    EXPECT_EQ(owners.shared(now), "r1");
    EXPECT_FALSE(look("hi6/r1/status", "theirs")->news);
    now += Owners::kRemembered;
    EXPECT_EQ(owners.shared(now), "");
    EXPECT_TRUE(look("hi6/r1/status", "theirs")->news);
}

// Its last word is that nobody reads the controller: we do.
TEST_F(OwnersTest, WhatOneLeavesIsSaidAgainOnceAllOfItsFarewellIsThere) {
    look("hi6/r1/status", "theirs");
    look("hi6/r2/status", "ours", false, "offline");
    look("hi6/r2/status", "theirs", true, "offline");
    now += Owners::kFarewell;
    EXPECT_EQ(left(), Strings{}) << "it is still there; ours; of old";
    look("hi6/r1/status", "theirs", false, "offline");
    EXPECT_FALSE(owners.look("hi6/r2/status", "", false, now)) << "deleted by its reload";
    now += Owners::kFarewell - 1ms;
    EXPECT_EQ(left(), Strings{});
    EXPECT_FALSE(owners.look("hi6/r2/status", "", false, now)) << "once more, after a reconnect";
    now += 1ms;
    EXPECT_EQ(left(), Strings{"r1 offline"});
    EXPECT_EQ(left(), Strings{}) << "once";
    now += Owners::kFarewell;
    EXPECT_EQ(left(), Strings{"r2 deleted"}) << "from its last word on";
}

// It may also be there and not reach the controller, for ever.
TEST_F(OwnersTest, AnOfflineOneIsAnsweredOnceAMinuteADeletionAlways) {
    look("hi6/r1/status", "theirs", false, "offline");
    now += Owners::kFarewell;
    EXPECT_EQ(left(), Strings{"r1 offline"});
    look("hi6/r1/status", "theirs", false, "offline");
    now += Owners::kAnswer - 1ms;
    EXPECT_EQ(left(), Strings{});
    now += 1ms;
    EXPECT_EQ(left(), Strings{"r1 offline"});
    EXPECT_FALSE(owners.look("hi6/r1/status", "", false, now));
    now += Owners::kFarewell;
    EXPECT_EQ(left(), Strings{"r1 deleted"});
}

TEST_F(OwnersTest, AReloadKeepsWhatIsKnownOfThoseThatStay) {
    look("hi6/r1/status", "theirs");
    look("hi6/r2/status", "theirs");
    owners.configure(two("r1", "r3"));
    EXPECT_EQ(owners.shared(now), "r1");
    EXPECT_FALSE(look("hi6/r1/status", "theirs")->news);
    EXPECT_FALSE(look("hi6/r2/status", "theirs"));
    owners.configure(two());
    EXPECT_TRUE(look("hi6/r2/status", "theirs")->news) << "it had gone";
}

}  // namespace
}  // namespace hi6gw::app
