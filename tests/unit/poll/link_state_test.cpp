#include "poll/link_state.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace hi6gw::poll {
namespace {

TEST(LinkState, StartsOfflineAndSaysWhy) {
    const LinkState link;
    EXPECT_EQ(link.state(), "offline");
    EXPECT_EQ(link.reason(), "not connected yet");
    EXPECT_FALSE(link.is_online());
}

struct Row {
    const char* name;
    std::function<void(LinkState&)> facts;
    std::string_view state;
    std::string reason;  // a part of it; empty: none at all
    std::string_view read_mode = "block";
};

class LinkStateTable : public testing::TestWithParam<Row> {};

TEST_P(LinkStateTable, AddsUpTheFacts) {
    LinkState link;
    GetParam().facts(link);
    EXPECT_EQ(link.state(), GetParam().state);
    EXPECT_EQ(link.read_mode(), GetParam().read_mode);
    if (GetParam().reason.empty()) {
        EXPECT_EQ(link.reason(), "");
    } else {
        EXPECT_NE(link.reason().find(GetParam().reason), std::string::npos) << link.reason();
    }
}

std::vector<Row> rows() {
    return {
        {"online", [](LinkState& l) { l.online(); }, "online", ""},
        {"offline_again",
         [](LinkState& l) {
             l.online();
             l.offline("connect: refused");
         },
         "offline", "connect: refused"},
        {"keepalive",
         [](LinkState& l) {
             l.online();
             l.keep_alive_refused(true);
         },
         "degraded", "keepalive_refused"},
        {"keepalive_over",
         [](LinkState& l) {
             l.online();
             l.keep_alive_refused(true);
             l.keep_alive_refused(false);
         },
         "online", ""},
        {"unauthorised",
         [](LinkState& l) {
             l.online();
             l.unauthorised(true);
         },
         "degraded", "unauthorised"},
        {"server_errors",
         [](LinkState& l) {
             l.online();
             l.server_errors(true, "server_error: 503");
         },
         "degraded", "server_error: 503"},
        {"server_errors_over",
         [](LinkState& l) {
             l.online();
             l.server_errors(true, "server_error: 503");
             l.server_errors(false, "ignored");
         },
         "online", ""},
        {"single_by_choice",
         [](LinkState& l) {
             l.online();
             l.block_reads(AreaMode::single, false, "");
         },
         "online", "", "single"},
        {"proof_pending",
         [](LinkState& l) {
             l.online();
             l.block_reads(AreaMode::block, false, "pending: all zero");
         },
         "online", "pending: all zero"},
        {"disproven",
         [](LinkState& l) {
             l.online();
             l.block_reads(AreaMode::single, true, "index_unit should be element");
         },
         "degraded", "index_unit should be element", "single"},
        {"offline_hides_the_rest",
         [](LinkState& l) {
             l.online();
             l.unauthorised(true);
             l.offline("gone");
         },
         "offline", "gone"},
        {"two_reasons",
         [](LinkState& l) {
             l.online();
             l.server_errors(true, "server_error: 500");
             l.block_reads(AreaMode::single, true, "no block read");
         },
         "degraded", "server_error: 500; no block read", "single"},
    };
}

INSTANTIATE_TEST_SUITE_P(Facts, LinkStateTable, testing::ValuesIn(rows()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(LinkState, ComparesByWhatItSays) {
    LinkState one;
    LinkState other;
    EXPECT_EQ(one, other);
    one.online();
    EXPECT_NE(one, other);
    other.online();
    EXPECT_EQ(one, other);
    one.server_errors(true, "x");
    EXPECT_NE(one, other);
    EXPECT_TRUE(one.failing());
    EXPECT_FALSE(other.failing());
}

}  // namespace
}  // namespace hi6gw::poll
