// What a list that an earlier run wrote says of the topics that nobody fills any more.

#include "app/retained_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace hi6gw::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two controllers; `signals` are those of the first, and retained.
config::Config plant(const std::vector<std::string>& signals) {
    config::Config out;
    out.gateway = {"line1", "state"};
    out.mqtt.host = "broker";
    out.mqtt.port = 1883;
    config::Controller one;
    one.name = "r1";
    for (const std::string& name : signals) {
        config::Signal signal;
        signal.name = name;
        signal.options = std::make_shared<domain::SignalOptions>();
        one.signals.push_back(signal);
    }
    config::Controller other;
    other.name = "r2";
    out.controllers.push_back(one);
    out.controllers.push_back(other);
    return out;
}

const std::string kHead = "# hi6gw 1, retained at broker:1883\n";
const std::string kOfAB =
    kHead +
    "hi6/gateway/line1/status\nhi6/r1/state/a\nhi6/r1/state/b\nhi6/r1/status\nhi6/r2/status\n";
constexpr std::size_t kMany = 100;

RetainedList after(const std::string& before, const std::vector<std::string>& signals,
                   std::size_t most = kMany) {
    return retained_list(before, plant(signals), {}, most);
}

TEST(RetainedList, NamesTheBrokerAndEveryRetainedTopicOnce) {
    EXPECT_EQ(after("", {"a", "b"}).text, kOfAB);
    config::Config quiet = plant({});
    auto silent = std::make_shared<domain::SignalOptions>();
    silent->retain = false;
    config::Controller one = plant({"a", "b"}).controllers[0];
    one.signals[1].options = silent;
    quiet.controllers = {};
    quiet.controllers.push_back(one);
    EXPECT_EQ(retained_list("", quiet, {}, kMany).text,
              kHead + "hi6/gateway/line1/status\nhi6/r1/state/a\nhi6/r1/status\n")
        << "the controller's status last: another gateway listens to it";
}

TEST(RetainedList, NothingIsLeftOverByTheSameConfigurationOrALargerOne) {
    EXPECT_EQ(after(kOfAB, {"a", "b"}).text, kOfAB);
    EXPECT_EQ(after(kOfAB, {"a", "b"}).left_over, 0U);
    EXPECT_EQ(after(kOfAB, {"c", "b", "a"}).left_over, 0U);
}

TEST(RetainedList, WhatIsNotFilledAnyMoreIsLeftOverUntilItIsDeleted) {
    const RetainedList found = after(kOfAB + "older\n", {"b"});
    EXPECT_THAT(found.first, ElementsAre("hi6/r1/state/a", "older"));
    EXPECT_EQ(found.left_over, 2U);
    EXPECT_EQ(found.text, after("", {"b"}).text + "hi6/r1/state/a\nolder\n") << "still named";
    EXPECT_THAT(after(found.text, {"a", "b"}).first, ElementsAre("older")) << "a is filled again";

    const RetainedList later =
        retained_list(found.text, plant({"b"}), {topic_hash("hi6/r1/state/a")}, kMany);
    EXPECT_THAT(later.first, ElementsAre("older"));
    EXPECT_EQ(retained_list(later.text, plant({"b"}), {topic_hash("older")}, kMany).text,
              after("", {"b"}).text);

    config::Config renamed = plant({"a", "b"});
    renamed.gateway.id = "line2";
    EXPECT_THAT(retained_list(kOfAB, renamed, {}, kMany).first,
                ElementsAre("hi6/gateway/line1/status"));
}

TEST(RetainedList, NoMoreAreHeldThanAreAskedFor) {
    const RetainedList found = after(kOfAB, {}, 1);
    EXPECT_THAT(found.first, ElementsAre("hi6/r1/state/a"));
    EXPECT_EQ(found.left_over, 2U);
    EXPECT_THAT(found.text, testing::EndsWith("hi6/r1/state/a\nhi6/r1/state/b\n"));
    EXPECT_THAT(after(kOfAB, {}, 0).first, IsEmpty());
}

TEST(RetainedList, WhatAnotherBrokerKeepsIsNamedUntilItIsOursAgain) {
    config::Config moved = plant({"b"});
    moved.mqtt.port = 8883;
    const RetainedList found = retained_list(kOfAB, moved, {}, kMany);
    EXPECT_THAT(found.first, IsEmpty()) << "nothing of that is to be deleted here";
    EXPECT_EQ(found.left_over, 0U);
    EXPECT_THAT(found.elsewhere, ElementsAre("broker:1883"));
    EXPECT_THAT(found.text, testing::StartsWith("# hi6gw 1, retained at broker:8883\n"));
    EXPECT_THAT(found.text, testing::EndsWith(kOfAB));
    EXPECT_EQ(retained_list(found.text, moved, {}, kMany).text, found.text);

    const RetainedList back = after(found.text, {"b"});
    EXPECT_THAT(back.first, ElementsAre("hi6/r1/state/a"));
    EXPECT_THAT(back.elsewhere, ElementsAre("broker:8883"));

    std::string many = kOfAB;
    for (int port = 1; port <= 9; ++port) {
        many += "# hi6gw 1, retained at old:" + std::to_string(port) + "\na\n";
    }
    EXPECT_THAT(after(many, {"a", "b"}).elsewhere, ElementsAre("old:1", "old:2", "old:3"))
        << "the newest ones: the list is bounded";
}

TEST(RetainedList, AnythingElseInTheFileIsSkipped) {
    const struct {
        const char* what;
        std::string list;
        std::vector<std::string> topics;
    } cases[] = {
        {"nothing", "", {}},
        {"foreign", "a\nb\n", {}},
        {"the head alone", kHead, {}},
        {"no end of line", kHead + "a", {"a"}},
        {"empty lines", kHead + "\n\na\n\n", {"a"}},
        {"filters, which would empty what others own", kHead + "#\n+/state\nhi6/#\na\n", {"a"}},
        {"zero", kHead + std::string("a\0b\nc\n", 6), {"c"}},
        {"no UTF-8", kHead + "\xff\xfe\nc\n", {"c"}},
        {"too long for a topic", kHead + std::string(70'000, 'x') + "\nc\n", {"c"}},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(after(one.list, {}).first, one.topics);
    }
    EXPECT_TRUE(after("a\n", {}).foreign);
    EXPECT_FALSE(after(kHead, {}).foreign);
}

}  // namespace
}  // namespace hi6gw::app
