#include "command/request.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hi6gw::command {
namespace {

using namespace std::chrono_literals;

TEST(Request, TakesBareScalars) {
    const std::vector<std::pair<std::string, Scalar>> cases{
        {"1", std::int64_t{1}},
        {"0", std::int64_t{0}},
        {"-56", std::int64_t{-56}},
        {" 7\r\n", std::int64_t{7}},
        {"12.5", 12.5},
        {"1e3", 1000.0},
        {"-0.0", -0.0},
        {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
        {"9223372036854775808", 9223372036854775808.0},
        {"0x79", std::string("0x79")},
        {"true", std::string("true")},
        {"off", std::string("off")},
        {"half open", std::string("half open")},
        {"007", std::string("007")},  // not JSON's idea of a number: only an enum text can be it
        {"+1", std::string("+1")},
        {".5", std::string(".5")},
        {"1.", std::string("1.")},
        {"NaN", std::string("NaN")},
        {"Infinity", std::string("Infinity")}};
    for (const auto& [text, expected] : cases) {
        const auto request = parse_request(text);
        ASSERT_TRUE(request) << text << ": " << request.error().what;
        EXPECT_EQ(request->value, expected) << text;
        EXPECT_TRUE(request->id.empty());
        EXPECT_FALSE(request->ttl || request->pulse || request->expect);
    }
}

TEST(Request, KeepsTheSignOfAFloatsZero) {
    for (const char* text : {"-0", "-0.0", R"({"value":-0})", R"({"value":-0.0})"}) {
        EXPECT_TRUE(std::signbit(std::get<double>(parse_request(text)->value))) << text;
    }
}

TEST(Request, TakesTheWholeObject) {
    const auto request =
        parse_request(R"( {"value":1,"id":"order-4711","ttl":2000,"pulse":200,"expect":0}
)");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->value, Scalar(std::int64_t{1}));
    EXPECT_EQ(request->id, "order-4711");
    EXPECT_EQ(request->ttl, 2000ms);
    EXPECT_EQ(request->pulse, 200ms);
    EXPECT_EQ(request->expect, Scalar(std::int64_t{0}));
}

TEST(Request, TakesValuesOfEveryScalarType) {
    const std::vector<std::pair<std::string, Scalar>> cases{
        {R"({"value":true})", true},
        {R"({"value":false})", false},
        {R"({"value":"0x79"})", std::string("0x79")},
        {R"({"value":"closed"})", std::string("closed")},
        {R"({"\u0076alue":"\u00e4"})", std::string("\u00e4")},
        {R"({"value":18446744073709551615})", 18446744073709551615.0},
        {R"({"value":12.3})", 12.3},
        {R"({"value":0.30000000000000004})", 0.30000000000000004},
        {R"({"value":5e-324})", 5e-324}};
    for (const auto& [text, expected] : cases) {
        const auto request = parse_request(text);
        ASSERT_TRUE(request) << text << ": " << request.error().what;
        EXPECT_EQ(request->value, expected) << text;
    }
}

// Boost 1.81 converts doubles with an error of an ulp; the text decides here.
TEST(Request, RoundsNumbersCorrectly) {
    for (const double number : {0.1, 123.456, 1e22, 8.41, 9007199254740993.0,
                                2.2250738585072014e-308, 1.7976931348623157e308}) {
        std::ostringstream text;
        text.precision(17);
        text << "{\"value\":" << number << "}";
        const auto request = parse_request(text.str());
        ASSERT_TRUE(request) << text.str();
        const auto got = std::visit(
            [](const auto& plain) {
                if constexpr (std::is_arithmetic_v<std::decay_t<decltype(plain)>>) {
                    return static_cast<double>(plain);
                } else {
                    return std::nan("");
                }
            },
            request->value);
        EXPECT_EQ(got, number);
    }
}

TEST(Request, RefusesEverythingElse) {
    const std::string deep(2000, '[');
    for (const std::string& text : std::vector<std::string>{
             "",
             " \n",
             "\"1\"",
             "[1]",
             "{}",
             "{",
             R"({"value":1)",
             R"({"value":1}})",
             R"({"value":1} 2)",
             R"({"value":1,})",
             R"({"value":1,"value":1})",
             R"({"value":1,"\u0076alue":2})",
             R"({"value":1,"speed":1})",
             R"({"Value":1})",
             R"({"value":null})",
             R"({"value":[1]})",
             R"({"value":{"value":1}})",
             R"({"value":{}})",
             R"({"id":"a"})",
             R"({"value":1,"id":4711})",
             R"({"value":1,"id":""})",
             R"({"value":1,"id":null})",
             R"({"value":1,"id":"a\u0000b"})",
             R"({"value":1,"id":")" + std::string(kLongestId + 1, 'a') + R"("})",
             R"({"value":1,"ttl":0})",
             R"({"value":1,"ttl":-1})",
             R"({"value":1,"ttl":1.5})",
             R"({"value":1,"ttl":100.0})",
             R"({"value":1,"ttl":"100"})",
             R"({"value":1,"ttl":true})",
             R"({"value":1,"ttl":600001})",
             R"({"value":1,"pulse":0})",
             R"({"value":1,"pulse":60001})",
             R"({"value":1,"pulse":18446744073709551616})",
             R"({"value":1 /* why */})",
             "{\"value\":1} // why",
             R"({value:1})",
             R"({'value':1})",
             R"({"value":NaN})",
             R"({"value":Infinity})",
             R"({"value":1e400})",
             R"({"value":-1e400})",
             R"({"value":1e-400})",
             "1e400",
             R"({"value":01})",
             R"({"value":0x10})",
             R"({"value":+1})",
             R"({"value":"\ud800"})",
             "{\"value\":\"a\nb\"}",
             "\xff",
             "{\"value\":\"\xc3\x28\"}",
             "\xc0\xaf",
             std::string("{\"value\":1}\0", 12),
             "{\"value\":" + deep,
             std::string(kLongestPayload + 1, ' '),
         }) {
        const auto request = parse_request(text);
        EXPECT_FALSE(request) << text;
        EXPECT_TRUE(request || !request.error().what.empty());
    }
}

TEST(Request, HasItsLimitsWhereTheyAreSaid) {
    EXPECT_TRUE(parse_request(std::string(kLongestPayload - 1, ' ') + "1"));
    EXPECT_TRUE(parse_request(R"({"value":1,"ttl":600000,"pulse":60000})"));
    EXPECT_TRUE(parse_request(R"({"value":1,"ttl":1,"pulse":1})"));
    EXPECT_TRUE(parse_request(R"({"value":1,"id":")" + std::string(kLongestId, 'a') + R"("})"));
}

TEST(Request, NamesTheIdOfWhatItRefusesLater) {
    std::string id;
    EXPECT_FALSE(parse_request(R"({"id":"a-1","value":1,"speed":2})", &id));
    EXPECT_EQ(id, "a-1");
}

TEST(Request, NeverFailsOnCutInput) {
    const std::string whole =
        R"({"value":"\u00e4x","id":"a","ttl":2000,"pulse":200,"expect":1.5e1})";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(parse_request(whole.substr(0, size))) << size;
    }
    EXPECT_TRUE(parse_request(whole));
}

}  // namespace
}  // namespace hi6gw::command
