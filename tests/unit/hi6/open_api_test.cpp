// Request texts and replies of the Open API; replies may be any bytes.
#include "hi6/open_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <random>
#include <string>
#include <vector>

namespace hi6gw::hi6 {
namespace {

using ::testing::HasSubstr;

Address at(std::string_view text) {
    return parse_address(text, IndexUnit::byte).value();
}
std::uint32_t bits(float number) {
    return std::bit_cast<std::uint32_t>(number);
}

std::int32_t word_at(const std::vector<std::byte>& bytes, std::size_t word) {
    std::int64_t number = 0;
    for (std::size_t i = 4; i-- > 0;) {
        number = number * 256 + std::to_integer<int>(bytes[4 * word + i]);
    }
    return static_cast<std::int32_t>(number >= 2147483648LL ? number - 4294967296LL : number);
}

TEST(OpenApi, Targets) {
    EXPECT_EQ(block_target({{Scope::fb, 2, Relay::do_}, 0, 30}),
              "/project/plc/fb2_do/val_s32?st=0&len=30");
    EXPECT_EQ(block_target({{Scope::fn, 63, Relay::x}, 8, 1}),
              "/project/plc/fn63_x/val_s32?st=8&len=1");
    EXPECT_EQ(block_target({{Scope::plain, 0, Relay::m}, 19996, 1}),
              "/project/plc/m/val_s32?st=19996&len=1");
    EXPECT_EQ(single_target(at("fb2.dob3")),
              "/project/control/ios/dio/do_val?type=dob&blk_no=2&sig_no=3");
    EXPECT_EQ(single_target(at("fb0.di959")),
              "/project/control/ios/dio/di_val?type=di&blk_no=0&sig_no=959");
    EXPECT_EQ(single_target(at("sof3")), "/project/control/ios/sio/so_val?type=sof&sig_no=3");
    EXPECT_EQ(single_target(at("si1")), "/project/control/ios/sio/si_val?type=si&sig_no=1");
}

TEST(OpenApi, WriteBodies) {
    EXPECT_EQ(do_val_body(at("fb2.dob3"), 121),
              R"({"type":"dob","blk_no":2,"sig_no":3,"val":121})");
    EXPECT_EQ(do_val_body(at("fb2.dob3"), 0xc1),
              R"({"type":"dob","blk_no":2,"sig_no":3,"val":-63})");
    EXPECT_EQ(do_val_body(at("fb2.do3"), 1), R"({"type":"do","blk_no":2,"sig_no":3,"val":1})");
    EXPECT_EQ(do_val_body(at("fb2.dol0"), 0x80000000U),
              R"({"type":"dol","blk_no":2,"sig_no":0,"val":-2147483648})");
    EXPECT_EQ(do_val_body(at("fb2.dof0"), bits(2.0F)),
              R"({"type":"dof","blk_no":2,"sig_no":0,"val":2.0})");
    EXPECT_EQ(set_relay_body(at("fb3.dof14"), bits(2.718F)),
              R"({"name":"fb3.dof14","value":"2.718"})");
    EXPECT_EQ(set_relay_body(at("mw501"), 0xffff), R"({"name":"mw501","value":-1})");
    EXPECT_EQ(set_relay_body(at("fn3.do5"), 1), R"({"name":"fn3.do5","value":1})");
    EXPECT_EQ(set_relay_body(at("kf0"), bits(-0.0F)), R"({"name":"kf0","value":"-0.0"})");
    EXPECT_EQ(set_relay_body(at("kf0"), bits(1e20F)), R"({"name":"kf0","value":"1e+20"})");
}

// What is written reads back as the same bits.
TEST(OpenApi, EveryFiniteFloatSurvivesTheWayThereAndBack) {
    std::mt19937 random(3);
    for (int i = 0; i < 50000; ++i) {
        const auto raw = static_cast<std::uint32_t>(random());
        if (raw / 8388608 % 256 == 255) {
            continue;
        }
        const std::string body = do_val_body(at("fb1.dof4"), raw);
        const auto back = parse_single(body, Width::real);
        ASSERT_TRUE(back) << body;
        ASSERT_EQ(back->raw, raw) << body;
    }
}

TEST(OpenApi, WordsAreTakenInOrderAsLittleEndianBytes) {
    std::vector<std::byte> out(12);
    const auto reply = parse_words("[1, -2139095040, 4294967295]", out);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->words, 3U);
    EXPECT_FALSE(reply->surplus);
    EXPECT_FALSE(reply->trailing_comma);
    EXPECT_EQ(std::to_integer<int>(out[0]), 1);
    EXPECT_EQ(std::to_integer<int>(out[3]), 0);
    EXPECT_EQ(word_at(out, 1), -2139095040);
    EXPECT_EQ(word_at(out, 2), -1);
}

TEST(OpenApi, RandomWordsRoundTrip) {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        std::vector<std::int32_t> sent(random() % 40);
        std::string body = "[";
        for (auto& word : sent) {
            word = static_cast<std::int32_t>(random());
            body += (body.size() > 1 ? " ,\t" : "") + std::to_string(word);
        }
        std::vector<std::byte> out(4 * (random() % 40), std::byte{0xee});
        const auto reply = parse_words(body + "]\r\n", out);
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->words, std::min(sent.size(), out.size() / 4));
        ASSERT_EQ(reply->surplus, sent.size() > out.size() / 4);
        for (std::size_t i = 0; i < reply->words; ++i) {
            ASSERT_EQ(word_at(out, i), sent[i]);
        }
        for (std::size_t i = 4 * reply->words; i < out.size(); ++i) {
            ASSERT_EQ(out[i], std::byte{0xee});
        }
    }
}

TEST(OpenApi, WordsShortLongAndWithTheManualsTrailingComma) {
    const struct {
        const char* body;
        std::size_t words;
        bool surplus, comma;
    } cases[] = {{"[]", 0, false, false},           {"[1]", 1, false, false},
                 {" \n[1 , 2 ] ", 2, false, false}, {"[1,2,3]", 2, true, false},
                 {"[1,2,]", 2, false, true},        {"[1,2,3 ,\n]", 2, true, true}};
    for (const auto& c : cases) {
        std::array<std::byte, 8> out{};
        const auto reply = parse_words(c.body, out);
        ASSERT_TRUE(reply) << c.body;
        EXPECT_EQ(reply->words, c.words) << c.body;
        EXPECT_EQ(reply->surplus, c.surplus) << c.body;
        EXPECT_EQ(reply->trailing_comma, c.comma) << c.body;
    }
}

TEST(OpenApi, WordsThatAreNotTheDocumentedFormAreRefusedAndNothingIsWritten) {
    const std::string deep(100000, '[');
    const std::string_view bodies[] = {"",
                                       "  \r\n",
                                       "[1,,2]",
                                       "[,]",
                                       "[,1]",
                                       "[1,2",
                                       "[1",
                                       "[",
                                       "]",
                                       "1",
                                       "[1]]",
                                       "[1] x",
                                       "[1][2]",
                                       "[1,\"2\"]",
                                       "[1,2.0]",
                                       "[1,2e0]",
                                       "[1,null]",
                                       "[1,true]",
                                       "[1,[2]]",
                                       "[[1,2]]",
                                       "[1,{\"a\":2}]",
                                       "{\"val\":1}",
                                       "{}",
                                       "null",
                                       "\"[1]\"",
                                       "[1 2]",
                                       "[1,+2]",
                                       "[1,02]",
                                       "[1,0x2]",
                                       "[1,-]",
                                       "[1,NaN]",
                                       "[1,Infinity]",
                                       "[1,4294967296]",
                                       "[1,-2147483649]",
                                       "[1,18446744073709551617]",
                                       "[1,9223372036854775808]",
                                       "[1,2]/*x*/",
                                       "[1,/**/2]",
                                       "[1,2,,]",
                                       "<html>",
                                       "\xef\xbb\xbf[1]",
                                       "[1,2]\x01",
                                       deep};
    for (const std::string_view body : bodies) {
        std::array<std::byte, 8> out;
        out.fill(std::byte{0xee});
        const auto reply = parse_words(body, out);
        EXPECT_FALSE(reply) << body.substr(0, 80);
        EXPECT_THAT(out, ::testing::Each(std::byte{0xee})) << body.substr(0, 80);
    }
    EXPECT_FALSE(parse_words(std::string_view("[1]\0", 4), {}));
}

TEST(OpenApi, SinglesOfEveryWidth) {
    const struct {
        std::string_view body;
        Width width;
        std::uint32_t raw;
        bool comma;
    } cases[] = {
        {R"({"_type":"JObject","val":-56})", Width::byte, 0xc8, false},
        {R"({"_type" : "JObject", "val" : -56, })", Width::byte, 0xc8, true},
        {R"({"val":200})", Width::byte, 200, false},
        {R"({"val":255})", Width::byte, 255, false},
        {R"({"val":-128})", Width::byte, 128, false},
        {R"({"val":0})", Width::bit, 0, false},
        {R"({"val":1})", Width::bit, 1, false},
        {R"({"val":-32768})", Width::word, 0x8000, false},
        {R"({"val":65535})", Width::word, 0xffff, false},
        {R"({"val":-2147483648})", Width::dword, 0x80000000U, false},
        {R"({"val":4294967295})", Width::dword, 0xffffffffU, false},
        {R"({"val":-0})", Width::dword, 0, false},
        {R"({"val":2.5})", Width::real, bits(2.5F), false},
        {R"({"val":5})", Width::real, bits(5.0F), false},
        {R"({"val":5.0,})", Width::real, bits(5.0F), true},
        {R"({"val":-0})", Width::real, bits(-0.0F), false},
        {R"({"val":-0.0})", Width::real, bits(-0.0F), false},
        {R"({"val":0.10000000149011612})", Width::real, bits(0.1F), false},
        {R"({"val":3.4028234663852886e38})", Width::real, 0x7f7fffffU, false},
        {R"({"val":1e-45})", Width::real, 1, false},
        {R"({"val":-1e-60})", Width::real, bits(-0.0F), false},
        {R"({"val":1e-400})", Width::real, 0, false},
        {R"({"val":340282346638528859811704183484516925440})", Width::real, 0x7f7fffffU, false},
        {R"({"v":{"val":9},"a":["val",{"val":8}],"val":1,"z":{"val":7}})", Width::byte, 1, false},
        {R"({"value":9,"va":8,"val":1,"valx":"val"})", Width::byte, 1, false},
        {R"({"v\u0061l":1})", Width::byte, 1, false},
        {"\n {\t\"val\" :1 }\r\n", Width::byte, 1, false},
    };
    for (const auto& c : cases) {
        const auto reply = parse_single(c.body, c.width);
        ASSERT_TRUE(reply) << c.body << reply.error().what;
        EXPECT_EQ(reply->raw, c.raw) << c.body;
        EXPECT_EQ(reply->trailing_comma, c.comma) << c.body;
    }
}

TEST(OpenApi, SinglesThatAreNotTheDocumentedFormAreRefused) {
    const struct {
        std::string_view body;
        Width width;
        const char* says;
    } cases[] = {
        {"", Width::byte, "empty body"},
        {" \n", Width::byte, "empty body"},
        {"{}", Width::byte, "no \"val\""},
        {R"({"_type":"JObject"})", Width::byte, "no \"val\""},
        {R"({"a":{"val":1}})", Width::byte, "no \"val\""},
        {R"({"val":1,"val":1})", Width::byte, "two members"},
        {R"({"val":1,"v\u0061l":2})", Width::byte, "two members"},
        {R"({"val":"1"})", Width::byte, "not a whole number"},
        {R"({"val":""})", Width::byte, "not a whole number"},
        {R"({"val":"\n1"})", Width::byte, "not a whole number"},
        {R"({"val":"2.5"})", Width::real, "not a number"},
        {R"({"val":1.0})", Width::byte, "not a whole number"},
        {R"({"val":1e0})", Width::byte, "not a whole number"},
        {R"({"val":true})", Width::bit, "not a whole number"},
        {R"({"val":null})", Width::real, "not a number"},
        {R"({"val":[1]})", Width::byte, "not a whole number"},
        {R"({"val":[]})", Width::real, "not a number"},
        {R"({"val":{"val":1}})", Width::byte, "not a whole number"},
        {R"({"val":2})", Width::bit, "out of range"},
        {R"({"val":-1})", Width::bit, "out of range"},
        {R"({"val":256})", Width::byte, "out of range"},
        {R"({"val":-129})", Width::byte, "out of range"},
        {R"({"val":65536})", Width::word, "out of range"},
        {R"({"val":4294967296})", Width::dword, "out of range"},
        {R"({"val":99999999999999999999})", Width::dword, "not a whole number"},
        {R"({"val":1e39})", Width::real, "out of range"},
        {R"({"val":-1e400})", Width::real, "out of range"},
        {R"({"val":1e400})", Width::real, "out of range"},
        {R"({"val":NaN})", Width::real, ""},
        {R"({"val":-Infinity})", Width::real, ""},
        {R"({"val":01})", Width::byte, ""},
        {R"({"val":+1})", Width::byte, ""},
        {R"({"val":1,,})", Width::byte, ""},
        {R"({,"val":1})", Width::byte, ""},
        {R"({"val":,})", Width::byte, ""},
        {R"({"val":1)", Width::byte, ""},
        {R"({"val":1}})", Width::byte, ""},
        {R"({"val":1}{"val":2})", Width::byte, ""},
        {R"({"val":1} junk)", Width::byte, ""},
        {R"({val:1})", Width::byte, ""},
        {R"([{"val":1}])", Width::byte, "not an object"},
        {R"([])", Width::byte, "not an object"},
        {R"("val")", Width::byte, "not an object"},
        {R"(1)", Width::byte, "not an object"},
        {R"(1)", Width::real, "not an object"},
        {R"(1.5)", Width::real, "not an object"},
        {R"(null)", Width::byte, "not an object"},
        {"<html>404</html>", Width::byte, "'<html>404</html>'"},
        {"{\"val\":1}\x80", Width::byte, "\\x80"},
    };
    for (const auto& c : cases) {
        const auto reply = parse_single(c.body, c.width);
        ASSERT_FALSE(reply) << c.body;
        EXPECT_THAT(reply.error().what, HasSubstr(c.says)) << c.body;
    }
}

TEST(OpenApi, DepthAndErrorTextsAreBounded) {
    std::string deep = "{\"a\":";
    for (int i = 0; i < 100000; ++i) {
        deep += "{\"a\":";
    }
    const auto reply = parse_single(deep, Width::byte);
    ASSERT_FALSE(reply);
    EXPECT_LT(reply.error().what.size(), 400U);
}

TEST(OpenApi, ApiVersion) {
    EXPECT_EQ(parse_api_version("5").value(), 5);
    EXPECT_EQ(parse_api_version(" 12\r\n").value(), 12);
    for (const char* body : {"", " ", "5.0", "\"5\"", "[5]", "5 6", "v5", "99999999999999999999"}) {
        EXPECT_FALSE(parse_api_version(body)) << body;
    }
}

TEST(OpenApi, SystemVersion) {
    const auto modules = parse_system_version(
        R"({"modules":[{"name":"com","ver":"V60.34-05","build-date":"x"},{"name":"tp","ver":60.3},]})");
    ASSERT_TRUE(modules) << modules.error().what;
    ASSERT_EQ(modules->size(), 2U);
    EXPECT_EQ((*modules)[0].name, "com");
    EXPECT_EQ((*modules)[0].version, "V60.34-05");
    EXPECT_EQ((*modules)[1].name, "tp");
    EXPECT_FALSE((*modules)[1].version.empty());
    EXPECT_EQ(parse_system_version(R"({"modules":[{}]})")->at(0).name, "");
    for (const char* body : {"", "5", "[]", "{}", R"({"modules":{}})", R"({"modules":[1]})"}) {
        EXPECT_FALSE(parse_system_version(body)) << body;
    }
}

}  // namespace
}  // namespace hi6gw::hi6
