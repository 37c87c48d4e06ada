#include "unit/command/make.h"

#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

TEST(ResultPayload, HasTheFieldsOfTheContract) {
    CommandResult result = make_result(test::command(), State::verified, Reason::ok, test::at(25));
    result.readback = std::int64_t{1};
    result.attempts = 2;
    std::string out = "before ";
    append_result(out, result);
    EXPECT_EQ(out, R"(before {"id":"id-1","state":"verified","reason":"ok","value":1,"readback":1,)"
                   R"("attempts":2,"received":1000000,"done":1000025})");
}

TEST(ResultPayload, SaysNullForWhatIsNotKnown) {
    CommandResult result;
    result.reason = Reason::bad_payload;
    std::string out;
    append_result(out, result);
    EXPECT_EQ(out, R"({"id":null,"state":"rejected","reason":"bad_payload","value":null,)"
                   R"("readback":null,"attempts":0,"received":0,"done":0})");
}

TEST(ResultPayload, MarksDuplicatesAndEscapesIdAndClient) {
    CommandResult result;
    result.id = "a\"b";
    result.client = "line\\1";
    result.value = 12.5;
    result.duplicate = true;
    std::string out;
    append_result(out, result);
    EXPECT_EQ(out, R"({"id":"a\"b","state":"rejected","reason":"ok","value":12.5,"readback":null,)"
                   R"("attempts":0,"received":0,"done":0,"duplicate":true,"client":"line\\1"})");
}

TEST(ResultPayload, NamesEveryStateAndReasonOnce) {
    std::set<std::string_view> names;
    for (unsigned i = 0; i <= static_cast<unsigned>(State::aborted); ++i) {
        EXPECT_TRUE(names.insert(to_string(static_cast<State>(i))).second);
    }
    names.clear();
    for (unsigned i = 0; i <= static_cast<unsigned>(Reason::server_error); ++i) {
        EXPECT_TRUE(names.insert(to_string(static_cast<Reason>(i))).second);
    }
    EXPECT_EQ(to_string(State::would_apply), "would_apply");
    EXPECT_EQ(to_string(Reason::shutting_down), "shutting_down");
    EXPECT_EQ(to_string(Reason::server_error), "server_error");
}

TEST(CommandRange, OverlapsAndCovers) {
    struct Case {
        const char *a, *b;
        bool overlap, a_covers_b;
    };
    for (const Case& c :
         {Case{"fb2.do24", "fb2.dob3", true, false}, Case{"fb2.dob3", "fb2.do24", true, true},
          Case{"fb2.dob3", "fb2.do32", false, false}, Case{"fb2.dow3", "fb2.dob4", true, true},
          Case{"fb2.dow3", "fb2.dow4", true, false}, Case{"fb2.dow3", "fb3.dow3", false, false},
          Case{"mw3", "rw3", false, false}, Case{"ml0", "mf0", true, true}}) {
        const Command a = test::command(c.a);
        const Command b = test::command(c.b);
        EXPECT_EQ(overlaps(bits_of(a), bits_of(b)), c.overlap) << c.a << ' ' << c.b;
        EXPECT_EQ(overlaps(bits_of(b), bits_of(a)), c.overlap) << c.a << ' ' << c.b;
        EXPECT_EQ(covers(a, b), c.a_covers_b) << c.a << ' ' << c.b;
    }
    Command elsewhere = test::command("fb2.dob3");
    elsewhere.controller = 1;
    EXPECT_FALSE(covers(test::command("fb2.dob3"), elsewhere));
}

}  // namespace
}  // namespace hi6gw::command
