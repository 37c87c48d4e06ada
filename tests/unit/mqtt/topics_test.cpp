#include "mqtt/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hi6gw::mqtt {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kAll = {"prefix", "gateway", "controller", "signal", "client"};
constexpr TopicTemplate::Values kValues{"hi6", "line1", "r1", "clamp/close", "scada"};

TopicTemplate make(std::string_view text) {
    return TopicTemplate::parse(text, kAll).value();
}

TEST(TopicTemplate, ExpandsEveryPlaceholder) {
    struct Case {
        std::string text, topic;
    };
    for (const auto& [text, topic] : std::vector<Case>{
             {"{prefix}/{controller}/state/{signal}", "hi6/r1/state/clamp/close"},
             {"{prefix}/gateway/{gateway}/status", "hi6/gateway/line1/status"},
             {"{prefix}/{controller}/set/{client}/{signal}", "hi6/r1/set/scada/clamp/close"},
             {"{signal}", "clamp/close"},
             {"a{prefix}b{controller}{gateway}", "ahi6br1line1"},
             {"plain", "plain"},
             {"/{prefix}//x", "/hi6//x"},
         }) {
        EXPECT_EQ(make(text).expand(kValues), topic) << text;
    }
}

TEST(TopicTemplate, EndsAroundTheSignalGiveTheExpandedTopic) {
    for (const std::string text :
         {"{prefix}/{controller}/state/{signal}", "{signal}/of/{controller}", "{signal}",
          "x/{signal}/y", "{prefix}/{controller}/all"}) {
        const auto made = make(text);
        const auto ends = made.ends(kValues);
        const std::string signal = made.uses("signal") ? std::string(kValues.signal) : "";
        EXPECT_EQ(ends.before + signal + ends.after, made.expand(kValues)) << text;
    }
    EXPECT_EQ(make("{prefix}/{controller}/all").ends(kValues).before, "hi6/r1/all");
}

TEST(TopicTemplate, FilterReplacesTheClientByAWildcard) {
    EXPECT_EQ(make("{prefix}/{controller}/set/{client}/{signal}").filter(kValues),
              "hi6/r1/set/+/clamp/close");
    EXPECT_EQ(make("{client}/{signal}").filter(kValues), "+/clamp/close");
    EXPECT_EQ(make("{prefix}/set/{signal}").filter(kValues), "hi6/set/clamp/close");
}

TEST(TopicTemplate, KnowsItsPlaceholders) {
    const auto made = make("signal/{controller}");
    EXPECT_TRUE(made.uses("controller"));
    EXPECT_FALSE(made.uses("signal"));
}

TEST(TopicTemplate, RefusesWhatCannotBeATopic) {
    struct Case {
        std::string text, what;
    };
    for (const auto& [text, what] : std::vector<Case>{
             {"", "is empty"},
             {"a/+/b", "wildcard"},
             {"a/#", "wildcard"},
             {"$SYS/x", "reserved"},
             {"a\xff", "UTF-8"},
             {std::string("a\0b", 3), "control"},
             {"a/{signal", "{ without }"},
             {"a}/b", "} without {"},
             {"a/{signa}/b", "unknown placeholder {signa}; allowed here: {prefix} {gateway}"},
             {"a/{}/b", "unknown placeholder {}"},
             {"{{signal}}", "unknown placeholder {{signal}"},
             {"{signal}/{signal}", "once"},
             {"{client}/{client}", "once"},
             {"x{client}/{signal}", "whole topic level"},
             {"{client}{signal}", "whole topic level"},
             {std::string(65536, 'x'), "65536 bytes"},
         }) {
        const auto made = TopicTemplate::parse(text, kAll);
        ASSERT_TRUE(made.has_error()) << text;
        EXPECT_THAT(made.error().what, HasSubstr(what)) << text;
    }
}

TEST(TopicTemplate, RefusesAPlaceholderThatThisTopicDoesNotHave) {
    const auto made = TopicTemplate::parse("{prefix}/{signal}", {"prefix", "controller"});
    ASSERT_TRUE(made.has_error());
    EXPECT_THAT(made.error().what, HasSubstr("allowed here: {prefix} {controller}"));
}

TEST(TopicName, AcceptsUpToTheLongestName) {
    EXPECT_EQ(topic_fault(std::string(65535, 'x')), std::nullopt);
    EXPECT_EQ(topic_fault("a/$b/\xC2\xB0"), std::nullopt);
    EXPECT_NE(topic_fault(std::string(65536, 'x')), std::nullopt);
}

// An independent formulation: encode every code point by the textbook, and nothing else is valid.
std::string encode(std::uint32_t c) {
    const auto byte = [](std::uint32_t b) { return static_cast<char>(b); };
    if (c < 0x80) {
        return {byte(c)};
    }
    if (c < 0x800) {
        return {byte(0xc0 | (c >> 6)), byte(0x80 | (c & 0x3f))};
    }
    if (c < 0x10000) {
        return {byte(0xe0 | (c >> 12)), byte(0x80 | ((c >> 6) & 0x3f)), byte(0x80 | (c & 0x3f))};
    }
    return {byte(0xf0 | (c >> 18)), byte(0x80 | ((c >> 12) & 0x3f)), byte(0x80 | ((c >> 6) & 0x3f)),
            byte(0x80 | (c & 0x3f))};
}

TEST(Utf8, AcceptsExactlyTheUnicodeScalarValues) {
    for (std::uint32_t c = 0; c <= 0x13ffff; ++c) {
        const bool scalar = c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
        ASSERT_EQ(is_utf8(encode(c)), scalar) << std::hex << c;
    }
}

TEST(Utf8, RefusesLongFormsAndFragments) {
    for (const std::string text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                                   "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xc3", "\xe2\x82",
                                   "\xf0\x9f\x98", "\xf5\x80\x80\x80", "\xff", "\xe2\x28\xa1"}) {
        EXPECT_FALSE(is_utf8(text)) << text;
        EXPECT_FALSE(is_utf8("ok" + text)) << text;
    }
}

TEST(Utf8, FindsControlCharacters) {
    for (std::uint32_t c = 0; c < 0x800; ++c) {
        const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
        EXPECT_EQ(has_control_character("a" + encode(c) + "b"), control) << std::hex << c;
    }
}

}  // namespace
}  // namespace hi6gw::mqtt
