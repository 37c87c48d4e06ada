// Every fault action, seen by a client of plain sockets.

#include "component/sim/raw_client.h"
#include "component/sim/sim_thread.h"
#include "sim/json.h"

#include <gtest/gtest.h>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

void play(SimThread& sim, const std::string& fault) {
    const auto error =
        sim.ask([&](auto& s) { return s.faults().add(sim::parse_json(fault).value()); });
    ASSERT_EQ(error, "");
}

// The connection stays usable, and the next request is answered as ever.
void expect_answer(RawClient& client) {
    client.take();
    client.send(get("/api_ver"));
    EXPECT_TRUE(client.read_until("\r\n\r\n5")) << client.received();
}

struct EndCase {
    const char* action;
    End end;
    std::uint32_t output;  // fb2.dob3 afterwards
};

class SimFaultEnds : public testing::TestWithParam<EndCase> {};

TEST_P(SimFaultEnds, EndTheConnectionInsteadOfAReply) {
    const auto [action, end, output] = GetParam();
    SimThread sim;
    play(sim, std::string(R"({"action":")") + action + "\"}");
    RawClient client(sim.port());
    client.send(kWrite);
    EXPECT_EQ(client.read_to_end(), end);
    EXPECT_EQ(client.received(), "");
    EXPECT_EQ(sim.bits("fb2.dob3"), output);
    const auto entry = sim.ask([](auto& s) { return s.log().requests().back(); });
    EXPECT_EQ(entry.status, 0U);
    EXPECT_EQ(entry.applied, output != 0);
    EXPECT_EQ(entry.fault, action);
    // Once was asked for: a new connection is served.
    RawClient next(sim.port());
    expect_answer(next);
}

INSTANTIATE_TEST_SUITE_P(Actions, SimFaultEnds,
                         testing::Values(EndCase{"reset_before", End::reset, 0},
                                         EndCase{"reset_after", End::reset, 121},
                                         EndCase{"close_before", End::fin, 0},
                                         EndCase{"close_after", End::fin, 121}),
                         [](const auto& each) { return std::string(each.param.action); });

TEST(SimFault, DelayComesOnTopOfTheServiceTime) {
    SimThread sim;
    play(sim, R"({"action":"delay","ms":80})");
    RawClient client(sim.port());
    const auto start = Clock::now();
    client.send(kWrite);
    ASSERT_TRUE(client.read_until("}"));
    EXPECT_GE(Clock::now() - start, 80ms);
    EXPECT_EQ(sim.bits("fb2.dob3"), 121U);
    expect_answer(client);
}

TEST(SimFault, HangNeverAnswersAndDoesNotBlockOthers) {
    for (const bool apply : {false, true}) {
        SimThread sim;
        play(sim, std::string(R"({"action":"hang","method":"POST","apply":)") +
                      (apply ? "true}" : "false}"));
        RawClient hung(sim.port());
        hung.send(kWrite);
        ASSERT_TRUE(sim.eventually([](auto& s) { return s.log().stats().writes == 1; }));
        RawClient other(sim.port());
        expect_answer(other);
        EXPECT_EQ(hung.read_some(50ms), End::open);
        EXPECT_EQ(hung.received(), "");
        EXPECT_EQ(sim.bits("fb2.dob3"), apply ? 121U : 0U);
        EXPECT_EQ(sim.stats().requests_open, 1U);
    }
}

TEST(SimFault, AHungConnectionIsFreedWhenTheClientLeaves) {
    SimThread sim;
    play(sim, R"({"action":"hang"})");
    {
        RawClient client(sim.port());
        client.send(kRead);
        ASSERT_TRUE(sim.eventually([](auto& s) { return s.log().stats().requests_open == 1; }));
        client.send(std::string(100'000, 'x'));  // what comes meanwhile is swallowed
    }
    EXPECT_TRUE(sim.eventually([](auto& s) {
        return s.log().stats().connections_open == 0 && s.log().stats().requests_open == 0;
    }));
}

struct ReplyCase {
    const char* name;
    const char* fault;
    const char* reply;
    std::uint32_t output;
};

class SimFaultReplies : public testing::TestWithParam<ReplyCase> {};

TEST_P(SimFaultReplies, AnswerSomethingElseAndKeepTheConnection) {
    SimThread sim;
    play(sim, GetParam().fault);
    RawClient client(sim.port());
    client.send(kWrite);
    EXPECT_TRUE(client.read_until(GetParam().reply)) << client.received();
    EXPECT_EQ(sim.bits("fb2.dob3"), GetParam().output);
    expect_answer(client);
}

INSTANTIATE_TEST_SUITE_P(
    Actions, SimFaultReplies,
    testing::Values(
        ReplyCase{"status", R"({"action":"status","status":503})", "HTTP/1.1 503 Service Unavail",
                  0},
        ReplyCase{"status_body", R"({"action":"status","status":404,"body":"gone"})",
                  "Content-Length: 4\r\n\r\ngone", 0},
        ReplyCase{"status_applied", R"({"action":"status","apply":true})", "HTTP/1.1 500 ", 121},
        ReplyCase{"garbage", R"({"action":"garbage"})", "text/html\r\nContent-Length: 61\r\n", 121},
        ReplyCase{"body", R"({"action":"body","body":"{\"val\":\"1\"}"})",
                  "Content-Length: 11\r\n\r\n{\"val\":\"1\"}", 121},
        ReplyCase{"raw", R"({"action":"raw","body":"HTTP/1.1 200 OK\rx\u00ff\r\n"})",
                  "HTTP/1.1 200 OK\rx\xff\r\n", 121},
        ReplyCase{"dribble", R"({"action":"dribble","ms":1})", R"({"_type":"JObject"})", 121}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(SimFault, DribbleSendsByteByByte) {
    SimThread sim;
    play(sim, R"({"action":"dribble","ms":2})");
    RawClient client(sim.port());
    const auto start = Clock::now();
    client.send(kRead);
    ASSERT_TRUE(client.read_until("}"));
    EXPECT_GE(Clock::now() - start, 2ms * int(client.received().size() - 1));
    EXPECT_GE(client.reads(), 20);
}

TEST(SimFault, StallBodySendsHalfOfIt) {
    SimThread sim;
    play(sim, R"({"action":"stall_body"})");
    RawClient client(sim.port());
    client.send(kRead);
    ASSERT_TRUE(client.read_until("{\"_type\":"));
    EXPECT_EQ(client.read_to_end(50ms), End::open);
    EXPECT_TRUE(client.received().ends_with("Content-Length: 27\r\n\r\n{\"_type\":\"JOb"))
        << client.received();
}

TEST(SimFault, AFaultyReplyMayEndTheConnection) {
    SimThread sim;
    play(sim, R"({"action":"status","status":500,"close":true})");
    RawClient client(sim.port());
    client.send(kRead);
    EXPECT_EQ(client.read_to_end(), End::fin);
    EXPECT_NE(client.received().find("Connection: close"), std::string::npos);
}

}  // namespace
}  // namespace hi6gw::test
