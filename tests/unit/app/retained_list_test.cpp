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

const std::string kHead = "hi6gw 1, retained at broker:1883\n";

TEST(RetainedList, NamesTheBrokerAndEveryRetainedTopicOnce) {
    config::Config config = plant({"a", "b"});
    auto silent = std::make_shared<domain::SignalOptions>();
    silent->retain = false;
    config::Controller changed = config.controllers[0];
    changed.signals[1].options = silent;
    config::Config quiet = plant({});
    quiet.controllers = {};
    quiet.controllers.push_back(changed);
    EXPECT_EQ(retained_list(config, {}), kHead +
                                             "hi6/gateway/line1/status\nhi6/r1/status\n"
                                             "hi6/r1/state/a\nhi6/r1/state/b\nhi6/r2/status\n");
    EXPECT_EQ(retained_list(quiet, {"gone"}),
              kHead + "hi6/gateway/line1/status\nhi6/r1/status\nhi6/r1/state/a\ngone\n");
}

TEST(RetainedList, NothingIsLeftOverBySameConfigurationOrALargerOne) {
    const std::string list = retained_list(plant({"a", "b"}), {});
    EXPECT_THAT(left_over(list, plant({"a", "b"})).topics, IsEmpty());
    EXPECT_THAT(left_over(list, plant({"c", "b", "a"})).topics, IsEmpty());
}

TEST(RetainedList, WhatIsNotFilledAnyMoreIsLeftOver) {
    const std::string list = retained_list(plant({"a", "b"}), {"older"});
    const LeftOver found = left_over(list, plant({"b"}));
    EXPECT_EQ(found.broker, "broker:1883");
    EXPECT_FALSE(found.elsewhere);
    EXPECT_THAT(found.topics, ElementsAre("hi6/r1/state/a", "older"));
    EXPECT_THAT(left_over(list, plant({"a", "b"})).topics, ElementsAre("older"))
        << "not deleted yet, so still named";

    config::Config renamed = plant({"a", "b"});
    renamed.gateway.id = "line2";
    EXPECT_THAT(left_over(list, renamed).topics, ElementsAre("hi6/gateway/line1/status", "older"));
}

TEST(RetainedList, OfAnotherBrokerIsToldApart) {
    config::Config moved = plant({"b"});
    moved.mqtt.port = 8883;
    const LeftOver found = left_over(retained_list(plant({"a", "b"}), {}), moved);
    EXPECT_EQ(found.broker, "broker:1883");
    EXPECT_TRUE(found.elsewhere);
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
        {"twice", kHead + "a\na\n", {"a"}},
        {"filters, which would empty what others own", kHead + "#\n+/state\nhi6/#\na\n", {"a"}},
        {"zero", kHead + std::string("a\0b\nc\n", 6), {"c"}},
        {"no UTF-8", kHead + "\xff\xfe\nc\n", {"c"}},
        {"too long for a topic", kHead + std::string(70'000, 'x') + "\nc\n", {"c"}},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(left_over(one.list, plant({})).topics, one.topics);
    }
    EXPECT_EQ(left_over("a\n", plant({})).broker, "") << "not ours";
}

}  // namespace
}  // namespace hi6gw::app
