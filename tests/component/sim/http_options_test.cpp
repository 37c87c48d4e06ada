// The options of hi6sim that concern HTTP and time, seen by a client of plain sockets.

#include "component/sim/raw_client.h"
#include "component/sim/sim_thread.h"

#include <gtest/gtest.h>

#include <future>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kZero = R"({"_type":"JObject","val":0})";

TEST(SimHttp, KeepsTheConnectionAndAnswersAsDocumented) {
    SimThread sim;
    RawClient client(sim.port());
    for (int i = 0; i < 3; ++i) {
        client.send(kRead);
        ASSERT_TRUE(client.read_until("}"));
        EXPECT_EQ(client.take(),
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                  "Content-Length: 27\r\n\r\n" +
                      std::string(kZero));
    }
    EXPECT_EQ(client.reads(), 3);  // header and body came together
    EXPECT_EQ(sim.stats().connections_total, 1U);
    EXPECT_EQ(sim.stats().requests_open_max, 1U);
}

TEST(SimHttp, SplitWritesSendTheBodyAfterTheHeader) {
    sim::Options options;
    options.split_writes = true;
    SimThread sim(options);
    RawClient client(sim.port());
    // Nagle holds the body back until the header is acknowledged: on a warm connection this
    // client's delayed ACK makes that visible as two reads.
    bool apart = false;
    for (int i = 0; i < 50 && !apart; ++i) {
        client.send(kRead);
        ASSERT_NE(client.read_some(), End::fin);
        apart = client.received().ends_with("\r\n\r\n");
        ASSERT_TRUE(client.read_until(kZero));
        client.take();
    }
    EXPECT_TRUE(apart);
}

TEST(SimHttp, ChunkedRepliesHaveSeveralChunks) {
    sim::Options options;
    options.chunked = true;
    SimThread sim(options);
    RawClient client(sim.port());
    client.send(kRead);
    ASSERT_TRUE(client.read_until("\r\n0\r\n\r\n"));
    EXPECT_NE(client.received().find(
                  "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"_type\":\"JObjec\r\nb\r\n"),
              std::string::npos)
        << client.received();
    EXPECT_EQ(client.received().find("Content-Length"), std::string::npos);
}

TEST(SimHttp, CloseEachSaysSoAndDoesSo) {
    sim::Options options;
    options.close_each = true;
    SimThread sim(options);
    RawClient client(sim.port());
    client.send(kRead);
    EXPECT_EQ(client.read_to_end(), End::fin);
    EXPECT_NE(client.received().find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_TRUE(client.received().ends_with(kZero));
}

TEST(SimHttp, Http10ClosesAfterEachReply) {
    sim::Options options;
    options.http10 = true;
    options.chunked = true;  // HTTP/1.0 has no chunks
    SimThread sim(options);
    RawClient client(sim.port());
    client.send(kRead);
    EXPECT_EQ(client.read_to_end(), End::fin);
    EXPECT_TRUE(client.received().starts_with("HTTP/1.0 200 OK\r\n"));
    EXPECT_TRUE(client.received().ends_with("\r\n\r\n" + std::string(kZero)));
}

TEST(SimHttp, KeepAliveMaxClosesWithoutWarning) {
    sim::Options options;
    options.keep_alive_max = 3;
    SimThread sim(options);
    RawClient client(sim.port());
    for (int i = 0; i < 3; ++i) {
        client.send(kRead);
        ASSERT_TRUE(client.read_until(kZero));
        EXPECT_EQ(client.take().find("Connection: close"), std::string::npos);
    }
    EXPECT_EQ(client.read_to_end(), End::fin);
}

TEST(SimHttp, ClosesWhenTheClientAsksAndNotesIt) {
    SimThread sim;
    RawClient client(sim.port());
    client.send("GET /api_ver HTTP/1.1\r\nHost: r1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), End::fin);
    EXPECT_TRUE(client.received().ends_with("\r\n\r\n5"));
    EXPECT_EQ(sim.stats().asked_close, 1U);
}

TEST(SimHttp, HeadHasNoBody) {
    SimThread sim;
    RawClient client(sim.port());
    client.send("HEAD /api_ver HTTP/1.1\r\nHost: r1\r\n\r\n" + get("/api_ver"));
    ASSERT_TRUE(client.read_until("\r\n\r\n5"));
    EXPECT_NE(client.received().find("405 Method Not Allowed"), std::string::npos);
    EXPECT_NE(client.received().find("\r\nAllow: GET\r\n"), std::string::npos);
    EXPECT_EQ(client.received().find('{'), std::string::npos);
}

TEST(SimHttp, ServiceTimesAreSpent) {
    sim::Options options;
    options.get_time = 40ms;
    options.post_time = 80ms;
    SimThread sim(options);
    RawClient client(sim.port());
    const auto start = Clock::now();
    client.send(kRead);
    ASSERT_TRUE(client.read_until("}"));
    const auto read = Clock::now();
    client.take();
    client.send(kWrite);
    ASSERT_TRUE(client.read_until("}"));
    EXPECT_GE(read - start, 40ms);
    EXPECT_GE(Clock::now() - read, 80ms);
}

TEST(SimHttp, AReadIsSampledAtTheEndOfItsServiceTime) {
    sim::Options options;
    options.get_time = 1s;
    SimThread sim(options);
    RawClient client(sim.port());
    client.send(kRead);
    ASSERT_TRUE(sim.eventually([](auto& s) { return s.log().stats().requests_open == 1; }));
    sim.ask([](auto& s) {
        s.memory().set_bits(s.memory().place("fb2.dob3", sim::IndexUnit::byte).value(), 7);
        return 0;
    });
    ASSERT_TRUE(client.read_until("}"));
    EXPECT_NE(client.received().find(R"("val":7})"), std::string::npos);
}

TEST(SimHttp, ServesOneRequestAtATimeOverAllConnections) {
    sim::Options options;
    options.get_time = 300ms;
    SimThread sim(options);
    RawClient a(sim.port());
    RawClient b(sim.port());
    RawClient c(sim.port());
    const auto start = Clock::now();
    for (auto* const client : {&a, &b, &c}) {
        client->send(kRead);
    }
    for (auto* const client : {&a, &b, &c}) {
        ASSERT_TRUE(client->read_until("}"));
    }
    EXPECT_GE(Clock::now() - start, 900ms);
    EXPECT_EQ(sim.stats().requests_open_max, 3U);
    EXPECT_EQ(sim.stats().connections_open_max, 3U);
}

TEST(SimHttp, PipeliningIsAnsweredInOrderAndShowsInTheStats) {
    SimThread sim;
    RawClient client(sim.port());
    client.send(kWrite + kRead + get("/api_ver"));
    ASSERT_TRUE(client.read_until("\r\n\r\n5"));
    EXPECT_NE(client.received().find(R"("val":121})"), std::string::npos);
    EXPECT_EQ(sim.stats().requests_open_max, 2U);
}

TEST(SimHttp, ConnectionsOverTheLimitAreClosed) {
    sim::Options options;
    options.max_connections = 1;
    SimThread sim(options);
    RawClient first(sim.port());
    first.send(kRead);
    ASSERT_TRUE(first.read_until("}"));
    RawClient second(sim.port());
    EXPECT_EQ(second.read_to_end(), End::fin);
    EXPECT_EQ(sim.stats().connections_refused, 1U);
    EXPECT_EQ(sim.stats().connections_open_max, 2U);
    first.take();
    first.send(kRead);
    EXPECT_TRUE(first.read_until("}"));
}

TEST(SimHttp, RefusesWhatIsNotHttp) {
    struct Case {
        const char* name;
        std::string bytes;
    };
    SimThread sim;
    for (const auto& each : {
             Case{"garbage", "\x16\x03\x01 no http at all\r\n\r\n"},
             Case{"header bomb", "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x')},
             Case{"huge body", "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"},
             Case{"two lengths",
                  "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
             Case{"bad length", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"},
         }) {
        RawClient client(sim.port());
        client.send(each.bytes);
        EXPECT_NE(client.read_to_end(), End::open) << each.name;
        EXPECT_TRUE(client.received().empty() ||
                    client.received().starts_with("HTTP/1.1 400 Bad Request\r\n"))
            << each.name << client.received();
    }
    EXPECT_EQ(sim.stats().malformed, 5U);
    EXPECT_TRUE(sim.eventually([](auto& s) { return s.log().stats().connections_open == 0; }));
    EXPECT_EQ(sim.stats().requests_total, 0U);
}

TEST(SimHttp, ARequestMayComeInPieces) {
    SimThread sim;
    RawClient client(sim.port());
    for (const char c : kWrite) {
        client.send({&c, 1});
    }
    ASSERT_TRUE(client.read_until("}"));
    EXPECT_EQ(sim.bits("fb2.dob3"), 121U);
}

TEST(SimHttp, StopsWithConnectionsOpenAndRequestsWaiting) {
    sim::Options options;
    options.get_time = 1h;
    auto sim = std::make_unique<SimThread>(options);
    RawClient idle(sim->port());
    RawClient served(sim->port());
    RawClient waiting(sim->port());
    served.send(kRead);
    waiting.send(kRead);
    ASSERT_TRUE(sim->eventually([](auto& s) { return s.log().stats().requests_open == 2; }));
    sim.reset();
    EXPECT_NE(served.read_to_end(), End::open);
    EXPECT_NE(waiting.read_to_end(), End::open);
    EXPECT_NE(idle.read_to_end(), End::open);
}

}  // namespace
}  // namespace hi6gw::test
