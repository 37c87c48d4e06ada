#include "sim/api.h"

#include "sim/json.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace hi6gw::sim {
namespace {

const std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'732'368'339)};

struct Controller {
    explicit Controller(ApiOptions options = {}) : api(memory, options) {}

    Reply get(const std::string& target) { return api.handle("GET", target, "", kNow); }
    Reply post(const std::string& target, const std::string& body) {
        return api.handle("POST", target, body, kNow);
    }
    void put(const std::string& name, std::uint32_t bits) {
        memory.set_bits(memory.place(name, IndexUnit::byte).value(), bits);
    }
    std::uint32_t at(const std::string& name) {
        return memory.bits(memory.place(name, IndexUnit::byte).value());
    }

    Memory memory;
    Api api;
};

constexpr const char* kDoVal = "/project/control/ios/dio/do_val";
constexpr const char* kSetRelay = "/project/plc/set_relay_value";

TEST(ApiSingleRead, AnswersEveryTypeOfEveryRelay) {
    Controller c;
    struct Case {
        const char* target;
        const char* body;
    };
    c.put("fb2.dil8", 0xC0A880C8);  // bytes C8 80 A8 C0
    c.put("fb2.dol8", 0xC0A880C8);
    c.put("sil8", 0xC0A880C8);
    c.put("sol8", 0xC0A880C8);
    const std::vector<std::pair<std::string, std::string>> types = {
        {"&sig_no=67", "1"},       // bit 3 of byte 8
        {"b&sig_no=8", "-56"},     //
        {"w&sig_no=9", "-22400"},  // A880, at an odd byte
        {"l&sig_no=8", "-1062698808"}, {"f&sig_no=8", "-5.2657204"},
    };
    for (const std::string relay : {"di", "do", "si", "so"}) {
        for (const auto& [rest, value] : types) {
            const auto target =
                relay[0] == 'd'
                    ? fmt::format("/project/control/ios/dio/{0}_val?blk_no=2&type={0}{1}", relay,
                                  rest)
                    : fmt::format("/project/control/ios/sio/{0}_val?type={0}{1}", relay, rest);
            const auto reply = c.get(target);
            EXPECT_EQ(reply.status, 200U) << target;
            EXPECT_EQ(reply.body, fmt::format(R"({{"_type":"JObject","val":{}}})", value))
                << target;
        }
    }
}

TEST(ApiSingleRead, CountsElementsWhenToldSo) {
    Controller c({.index_unit = IndexUnit::element});
    c.put("fb2.diw8", 77);
    c.put("fb2.dib4", 5);
    EXPECT_EQ(c.get("/project/control/ios/dio/di_val?type=diw&blk_no=2&sig_no=4").body,
              R"({"_type":"JObject","val":77})");
    EXPECT_EQ(c.get("/project/control/ios/dio/di_val?type=dib&blk_no=2&sig_no=4").body,
              R"({"_type":"JObject","val":5})");
    EXPECT_EQ(c.get("/project/control/ios/dio/di_val?type=diw&blk_no=2&sig_no=60").status, 400U);
}

TEST(ApiSingleRead, PrintsTheManualsTrailingCommaWhenToldSo) {
    Controller c({.trailing_comma = true});
    EXPECT_EQ(c.get("/project/control/ios/sio/so_val?type=sob&sig_no=3").body,
              R"({"_type":"JObject","val":0,})");
}

TEST(ApiBlockRead, ShowsTheBytesAsWords) {
    for (const auto& [object, relay] :
         std::vector<std::pair<std::string, std::string>>{{"fb2_do", "fb2.do"},
                                                          {"fb0_di", "fb0.di"},
                                                          {"fb9_x", "fb9.x"},
                                                          {"fb5_y", "fb5.y"},
                                                          {"m", "m"},
                                                          {"s", "s"},
                                                          {"r", "r"},
                                                          {"k", "k"}}) {
        Controller c;
        std::mt19937 random(3);
        std::vector<std::uint8_t> bytes(120);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = std::uint8_t(random());
            c.put(fmt::format("{}b{}", relay, i), bytes[i]);
        }
        for (const std::size_t start : {0U, 1U, 4U, 7U, 116U}) {
            const auto words = (120 - start) / 4;
            std::string expected;
            for (std::size_t w = 0; w < words; ++w) {
                const auto* const b = &bytes[start + 4 * w];
                const auto word = b[0] + 256LL * b[1] + 65536LL * b[2] + 16777216LL * b[3];
                expected += fmt::format("{}{}", w == 0 ? "" : ", ",
                                        word > 2147483647LL ? word - 4294967296LL : word);
            }
            const auto reply =
                c.get(fmt::format("/project/plc/{}/val_s32?st={}&len={}", object, start, words));
            EXPECT_EQ(reply.body, "[" + expected + "]") << object << start;
        }
    }
}

TEST(ApiBlockRead, HasDefaultsAndReadsLargeAreas) {
    Controller c;
    EXPECT_EQ(c.get("/project/plc/m/val_s32").body, "[0, 0, 0, 0, 0, 0, 0, 0]");
    c.put("mb19999", 0x80);
    EXPECT_EQ(c.get("/project/plc/m/val_s32?st=19996&len=1").body, "[-2147483648]");
    EXPECT_EQ(c.get("/project/plc/m/val_s32?len=5000").status, 200U);
}

TEST(ApiBlockRead, StartCountsWhatItWasToldTo) {
    struct Case {
        BlockStart start;
        const char* st;
        const char* body;
    };
    for (const auto& each :
         {Case{BlockStart::byte, "2", "[10]"}, Case{BlockStart::bit, "16", "[10]"},
          Case{BlockStart::bit, "17", "[5]"}, Case{BlockStart::word, "1", "[66051]"}}) {
        Controller c({.block_start = each.start});
        c.put("fb2.dow2", 10);
        if (each.start == BlockStart::word) {
            c.put("fb2.dol4", 66051);
        }
        EXPECT_EQ(c.get(fmt::format("/project/plc/fb2_do/val_s32?st={}&len=1", each.st)).body,
                  each.body);
    }
}

TEST(ApiBlockRead, ServesWindowsAndOnlyConfiguredOnes) {
    Controller c;
    ASSERT_TRUE(c.memory.add_window(3, "do", 2, 16, 8));
    c.put("fb2.dow16", 99);
    EXPECT_EQ(c.get("/project/plc/fn3_do/val_s32?st=0&len=2").body, "[99, 0]");
    EXPECT_EQ(c.get("/project/plc/fn3_do/val_s32?st=0&len=3").status, 400U);
    EXPECT_EQ(c.get("/project/plc/fn4_do/val_s32?st=0&len=1").status, 404U);
}

TEST(ApiWrite, OutputsTakeSignedAndUnsignedForms) {
    struct Case {
        const char* body;
        const char* relay;
        std::uint32_t bits;
    };
    Controller c;
    for (const auto& each : {
             Case{R"({"type":"dob","blk_no":2,"sig_no":3,"val":121})", "fb2.dob3", 0x79},
             Case{R"({"type":"dob","blk_no":2,"sig_no":3,"val":193})", "fb2.dob3", 0xC1},
             Case{R"({"type":"dob","blk_no":2,"sig_no":3,"val":-63})", "fb2.dob3", 0xC1},
             Case{R"({"type":"do","blk_no":9,"sig_no":959,"val":1})", "fb9.do959", 1},
             Case{R"({"type":"dow","blk_no":0,"sig_no":5,"val":-2})", "fb0.dow5", 0xFFFE},
             Case{R"({"type":"dol","blk_no":0,"sig_no":8,"val":4294967295})", "fb0.dol8",
                  0xFFFFFFFF},
             Case{R"({"type":"dof","blk_no":0,"sig_no":12,"val":1.5})", "fb0.dof12", 0x3FC00000},
             Case{R"({"type":"dof","blk_no":0,"sig_no":12,"val":2})", "fb0.dof12", 0x40000000},
         }) {
        EXPECT_EQ(c.post(kDoVal, each.body).status, 200U) << each.body;
        EXPECT_EQ(c.at(each.relay), each.bits) << each.body;
    }
}

TEST(ApiWrite, RelaysTakeNumbersAndStrings) {
    struct Case {
        const char* body;
        const char* relay;
        std::uint32_t bits;
    };
    Controller c;
    ASSERT_TRUE(c.memory.add_window(3, "do", 2, 16, 8));
    for (const auto& each : {
             Case{R"({"name":"fb3.dof14","value":"2.718"})", "fb3.dof14", 0x402DF3B6},
             Case{R"({"name":"fb3.dof14","value":2.718})", "fb3.dof14", 0x402DF3B6},
             Case{R"({"name":"mw501","value":"-3"})", "mw501", 0xFFFD},
             Case{R"({"name":"m159999","value":1})", "m159999", 1},
             Case{R"({"name":"rb0","value":255})", "rb0", 255},
             Case{R"({"name":"kl4","value":-1})", "kl4", 0xFFFFFFFF},
             Case{R"({"name":"fn3.dob0","value":7})", "fb2.dob16", 7},
             Case{R"({"name":"do961","value":1})", "fb1.do1", 1},
         }) {
        EXPECT_EQ(c.post(kSetRelay, each.body).status, 200U) << each.body;
        EXPECT_EQ(c.at(each.relay), each.bits) << each.body;
    }
}

TEST(ApiErrors, BadReadsAre400) {
    Controller c;
    for (const char* const target : {
             "/project/control/ios/dio/di_val",
             "/project/control/ios/dio/di_val?type=dib&blk_no=2",
             "/project/control/ios/dio/di_val?type=dib&sig_no=2",
             "/project/control/ios/dio/di_val?blk_no=2&sig_no=2",
             "/project/control/ios/dio/di_val?type=dob&blk_no=2&sig_no=2",
             "/project/control/ios/dio/di_val?type=did&blk_no=2&sig_no=2",
             "/project/control/ios/dio/di_val?type=dib&blk_no=10&sig_no=2",
             "/project/control/ios/dio/di_val?type=dib&blk_no=-1&sig_no=2",
             "/project/control/ios/dio/di_val?type=dib&blk_no=2&sig_no=120",
             "/project/control/ios/dio/di_val?type=di&blk_no=2&sig_no=960",
             "/project/control/ios/dio/di_val?type=diw&blk_no=2&sig_no=119",
             "/project/control/ios/dio/di_val?type=dif&blk_no=2&sig_no=117",
             "/project/control/ios/dio/di_val?type=dib&blk_no=2&sig_no=-1",
             "/project/control/ios/dio/di_val?type=dib&blk_no=2&sig_no=x",
             "/project/control/ios/dio/di_val?type=dib&blk_no=2&sig_no=99999999999999999999",
             "/project/control/ios/sio/si_val?type=sob&sig_no=1",
             "/project/plc/fb2_do/val_s32?st=0&len=31",
             "/project/plc/fb2_do/val_s32?st=1&len=30",
             "/project/plc/fb2_do/val_s32?st=120&len=1",
             "/project/plc/fb2_do/val_s32?st=-1&len=1",
             "/project/plc/fb2_do/val_s32?st=0&len=0",
             "/project/plc/fb2_do/val_s32?st=0&len=-1",
             "/project/plc/fb2_do/val_s32?st=a&len=1",
             "/project/plc/fb2_do/val_s32?st=9223372036854775807&len=1",
             "/project/plc/fb2_do/val_s32?st=0&len=9223372036854775807",
             "no target",
             "/%zz",
         }) {
        const auto reply = c.get(target);
        EXPECT_EQ(reply.status, 400U) << target;
        EXPECT_TRUE(parse_object(reply.body)) << reply.body;
    }
}

TEST(ApiErrors, UnknownPathsAre404) {
    Controller c({.block_read = false});
    Controller with_block;
    for (const char* const target :
         {"/", "/project", "/project/control/ios/dio/xx_val", "/project/control/ios/sio/di_val",
          "/api_ver/", "/project/plc//val_s32", "/project/plc/val_s32"}) {
        EXPECT_EQ(c.get(target).status, 404U) << target;
        EXPECT_TRUE(parse_object(c.get(target).body)) << target;
    }
    for (const char* const object :
         {"si", "so", "di", "fb10_do", "fn3_do", "fb2.do", "fb2_so", "fb2_m", "q"}) {
        const auto target = fmt::format("/project/plc/{}/val_s32?st=0&len=1", object);
        EXPECT_EQ(with_block.get(target).status, 404U) << target;
    }
    EXPECT_EQ(c.get("/project/plc/fb2_do/val_s32?st=0&len=1").status, 404U);
    EXPECT_EQ(c.post("/project/control/ios/dio/di", "{}").status, 404U);
}

TEST(ApiErrors, WrongMethodsAre405AndNameTheRightOne) {
    Controller c;
    struct Case {
        const char* method;
        const char* target;
        const char* allow;
    };
    for (const auto& each :
         {Case{"POST", "/api_ver", "GET"}, Case{"PUT", kDoVal, "GET, POST"},
          Case{"POST", "/project/control/ios/dio/di_val", "GET"}, Case{"GET", kSetRelay, "POST"},
          Case{"DELETE", "/project/plc/m/val_s32", "GET"}, Case{"HEAD", "/project/rgen", "GET"},
          Case{"", "/project/rgen", "GET"}}) {
        const auto reply = c.api.handle(each.method, each.target, "", kNow);
        EXPECT_EQ(reply.status, 405U) << each.target;
        EXPECT_EQ(reply.allow, each.allow) << each.target;
    }
}

TEST(ApiErrors, BadWritesAre400AndChangeNothing) {
    Controller c;
    for (const char* const body : {
             "",
             "[]",
             "1",
             "{",
             "{\"type\":\"dob\"",
             R"({})",
             R"({"type":"dob","blk_no":2,"sig_no":3})",
             R"({"type":"dob","blk_no":2,"sig_no":3,"val":256})",
             R"({"type":"dob","blk_no":2,"sig_no":3,"val":-129})",
             R"({"type":"dob","blk_no":2,"sig_no":3,"val":"1"})",
             R"({"type":"dob","blk_no":2,"sig_no":3,"val":null})",
             R"({"type":"dob","blk_no":2,"sig_no":3,"val":1.5})",
             R"({"type":"dob","blk_no":10,"sig_no":3,"val":1})",
             R"({"type":"dob","blk_no":"2","sig_no":3,"val":1})",
             R"({"type":"dob","blk_no":2,"sig_no":120,"val":1})",
             R"({"type":"dob","blk_no":2,"sig_no":-1,"val":1})",
             R"({"type":"dib","blk_no":2,"sig_no":3,"val":1})",
             R"({"type":"do","blk_no":2,"sig_no":3,"val":2})",
             R"({"type":"dof","blk_no":2,"sig_no":3,"val":1e40})",
         }) {
        EXPECT_EQ(c.post(kDoVal, body).status, 400U) << body;
    }
    for (const char* const body :
         {"", R"({"name":"mw0"})", R"({"value":1})", R"({"name":5,"value":1})",
          R"({"name":"mw0","value":70000})", R"({"name":"mw0","value":"x"})",
          R"({"name":"mw0","value":true})", R"({"name":"mw0","value":[1]})",
          R"({"name":"mw20000","value":1})", R"({"name":"fb2.di3","value":1})",
          R"({"name":"so3","value":1})", R"({"name":"fb2.y3","value":1})",
          R"({"name":"fn3.do3","value":1})", R"({"name":"","value":1})"}) {
        EXPECT_EQ(c.post(kSetRelay, body).status, 400U) << body;
    }
    EXPECT_EQ(c.post(kSetRelay, std::string(5000, '[')).status, 400U);
    for (const char* const untouched : {"fb2.dol0", "ml0", "fb2.dil0", "fb2.yl0", "sol0"}) {
        EXPECT_EQ(c.at(untouched), 0U) << untouched;
    }
}

TEST(ApiState, TellsVersionsModeMotorAndTime) {
    Controller c;
    EXPECT_EQ(c.get("/api_ver").body, "5");
    EXPECT_NE(c.get("/versions/sysver").body.find(R"({"name":"com","ver":)"), std::string::npos);
    EXPECT_EQ(c.get("/project/robot/motor_on_state").body, R"({"_type":"JObject","val":0})");
    EXPECT_EQ(c.get("/clock/date_time").body,
              R"({"_type":"JObject","year":2024,"mon":11,"day":23,"hour":13,"min":25,"sec":39})");
    c.api.robot().motor = 2;
    c.api.robot().cur_mode = 0;
    EXPECT_EQ(c.get("/project/robot/motor_on_state").body, R"({"_type":"JObject","val":2})");
    const auto rgen = parse_object(c.get("/project/rgen").body);
    ASSERT_TRUE(rgen);
    EXPECT_EQ(integer_member(*rgen, "cur_mode"), 0);
    EXPECT_EQ(integer_member(*rgen, "enable_state"), 1);  // off, as this field counts
}

TEST(Api, SurvivesAnyBytes) {
    Controller c;
    std::mt19937 random(5);
    const std::string seed =
        R"(/project/plc/fb2_do/val_s32?st=0&len=30 {"type":"dob","blk_no":2,"sig_no":3,"val":1})";
    for (int i = 0; i < 20'000; ++i) {
        auto text = seed;
        for (int n = 0; n < 4; ++n) {
            text[random() % text.size()] = char(random());
        }
        const auto cut = random() % text.size();
        const auto get = c.get(text.substr(0, cut)).status;
        const auto post = c.post(i % 2 == 0 ? kDoVal : kSetRelay, text.substr(cut)).status;
        ASSERT_TRUE(get == 200 || get == 400 || get == 404 || get == 405);
        ASSERT_TRUE(post == 200 || post == 400);
    }
}

}  // namespace
}  // namespace hi6gw::sim
