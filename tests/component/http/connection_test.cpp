// What a sound connection does, over loopback TCP.
#include "http/connection.h"

#include "component/http/loop.h"
#include "support/scripted_controller.h"

#include <gmock/gmock.h>

namespace hi6gw::http {
namespace {

using namespace std::chrono_literals;
using test::http_reply;
using test::run;
using test::Script;
using test::ScriptedController;
using test::Steady;
using testing::HasSubstr;
using testing::IsEmpty;

struct ConnectionTest : testing::Test {
    boost::asio::io_context ioc{1};

    Endpoint at(const ScriptedController& server, std::string host = "127.0.0.1") const {
        return Endpoint{std::move(host), server.port()};
    }
    Error connect(Connection& connection) {
        return run(ioc, connection.connect(Steady::now() + 5s));
    }
    Response get(Connection& connection, std::string_view target = "/a") {
        return run(ioc, connection.exchange(render_get(connection.endpoint(), target),
                                            Steady::now() + 5s));
    }
};

TEST_F(ConnectionTest, CarriesManyExchangesOnOneConnection) {
    ScriptedController server({Script().expect("GET /a").send(http_reply(200, "[1]")).repeat()});
    Connection connection(ioc.get_executor(), at(server));
    ASSERT_TRUE(connect(connection).ok());
    for (int i = 0; i < 50; ++i) {
        const Response response = get(connection);
        ASSERT_TRUE(response.error.ok()) << response.error.detail;
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(response.body, "[1]");
        EXPECT_FALSE(response.peer_closes);
        EXPECT_LE(response.sent, response.answered);
        EXPECT_TRUE(connection.usable());
    }
    EXPECT_EQ(server.recorded().connections, 1U);
    EXPECT_EQ(server.recorded().requests.size(), 50U);
}

TEST_F(ConnectionTest, SendsARenderedPost) {
    ScriptedController server({Script().expect("POST /v").send(http_reply(200, ""))});
    Connection connection(ioc.get_executor(), at(server));
    ASSERT_TRUE(connect(connection).ok());
    const Response response =
        run(ioc, connection.exchange(render_post(connection.endpoint(), "/v", R"({"val":1})"),
                                     Steady::now() + 5s));
    EXPECT_TRUE(response.error.ok());
    EXPECT_THAT(server.recorded().requests.at(0).text, HasSubstr("\r\n\r\n{\"val\":1}"));
}

TEST_F(ConnectionTest, ReachesAControllerByNameAndByIpv6) {
    ScriptedController v4({Script().expect().send(http_reply(200, "4")).hold()});
    Connection by_name(ioc.get_executor(),
                       at(v4, "localhost"));  // ::1 may be tried first and refuse
    ASSERT_TRUE(connect(by_name).ok());
    EXPECT_EQ(get(by_name).body, "4");

    ScriptedController v6({Script().expect("Host: [::1]:").send(http_reply(200, "6")).hold()},
                          "::1");
    Connection by_v6(ioc.get_executor(), at(v6, "::1"));
    ASSERT_TRUE(connect(by_v6).ok());
    EXPECT_EQ(get(by_v6).body, "6");
}

TEST_F(ConnectionTest, ResolvesAgainAtEachConnect) {
    ScriptedController server({Script().expect().send(http_reply(200, "1")),
                               Script().expect().send(http_reply(200, "2"))});
    Connection connection(ioc.get_executor(), at(server, "localhost"));
    ASSERT_TRUE(connect(connection).ok());
    EXPECT_EQ(get(connection).body, "1");
    ASSERT_TRUE(connect(connection).ok());
    EXPECT_EQ(get(connection).body, "2");
}

struct Reply {
    const char* what;
    std::vector<std::string>
        pieces;  // sent one after the other, each seen by the client before the next
    std::string body;
    bool peer_closes;
};

class SoundReplies : public ConnectionTest, public testing::WithParamInterface<Reply> {};

TEST_P(SoundReplies, AreRead) {
    Script script;
    script.expect();
    for (const std::string& piece : GetParam().pieces) {
        script.send(piece).wait(2ms);  // apart, so that the kernel does not join them
    }
    ScriptedController server({script});
    Connection connection(ioc.get_executor(), at(server));
    ASSERT_TRUE(connect(connection).ok());
    const Response response = get(connection);
    ASSERT_TRUE(response.error.ok()) << response.error.detail;
    EXPECT_EQ(response.body, GetParam().body);
    EXPECT_EQ(response.peer_closes, GetParam().peer_closes);
    if (GetParam().peer_closes) {
        EXPECT_FALSE(connection.usable());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Connection, SoundReplies,
    testing::Values(
        Reply{"SplitWrites", {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "[7]"}, "[7]", false},
        Reply{"HalfHeaders",
              {"HTTP/1.1 200 OK\r\nConte", "nt-Length: 3\r\n", "\r\n[7]"},
              "[7]",
              false},
        Reply{"Chunked",
              {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\n[7\r\n",
               "1\r\n]\r\n0\r\nTrailer: t\r\n\r\n"},
              "[7]",
              false},
        Reply{"Interim", {"HTTP/1.1 100 Continue\r\n\r\n", http_reply(200, "[7]")}, "[7]", false},
        Reply{"UntilClose", {"HTTP/1.0 200 OK\r\n\r\n[", "7]"}, "[7]", true},
        Reply{"ConnectionClose", {http_reply(200, "[7]", "Connection: close\r\n")}, "[7]", true},
        Reply{"Http10", {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n[7]"}, "[7]", true},
        Reply{"Http10KeepAlive",
              {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n[7]"},
              "[7]",
              false},
        Reply{"LargestBody",
              {http_reply(200, std::string(kMaxBody, 'x'))},
              std::string(kMaxBody, 'x'),
              false}),
    [](const auto& param_info) { return param_info.param.what; });

// A peer that sends header and body apart, without TCP_NODELAY, waits for our acknowledgement in
// between: 40 ms an answer unless TCP_QUICKACK is set after each part.
TEST_F(ConnectionTest, AcknowledgesSplitWritesAtOnce) {
    ScriptedController server({Script()
                                   .expect()
                                   .send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
                                   .send("[7]")
                                   .repeat()},
                              "127.0.0.1", ScriptedController::Nagle::on);
    Connection connection(ioc.get_executor(), at(server));
    ASSERT_TRUE(connect(connection).ok());
    std::vector<Steady::duration> times;
    for (int i = 0; i < 41; ++i) {
        const Response response = get(connection);
        ASSERT_TRUE(response.error.ok()) << response.error.detail;
        times.push_back(response.answered - response.sent);
    }
    std::nth_element(times.begin(), times.begin() + 20, times.end());
    EXPECT_LT(times[20], 20ms);
}

TEST_F(ConnectionTest, SendsALargeRequestToASlowReader) {
    ScriptedController server({Script().wait_go().expect("POST").send(http_reply(200, "ok"))});
    Connection connection(ioc.get_executor(), at(server));
    ASSERT_TRUE(connect(connection).ok());
    const std::string body(16 * 1024 * 1024, 'x');  // more than the socket buffers hold
    const auto started = test::start(
        ioc,
        connection.exchange(render_post(connection.endpoint(), "/v", body), Steady::now() + 9s));
    ioc.run_for(20ms);
    EXPECT_FALSE(started->ended());
    server.go();
    ASSERT_TRUE(test::drive(ioc, [&] { return started->ended(); }));
    EXPECT_EQ(started->value->body, "ok");
}

TEST_F(ConnectionTest, RefusesASecondCallWhileOneIsUnderWay) {
    ScriptedController server({Script().expect().wait_go().send(http_reply(200, "1")).hold()});
    Connection connection(ioc.get_executor(), at(server));
    ASSERT_TRUE(connect(connection).ok());
    const auto first = test::start(
        ioc, connection.exchange(render_get(connection.endpoint(), "/a"), Steady::now() + 5s));
    ioc.poll();
    EXPECT_FALSE(connection.usable() && first->ended());
    EXPECT_THROW(get(connection), std::logic_error);
    server.go();
    ASSERT_TRUE(test::drive(ioc, [&] { return first->ended(); }));
    EXPECT_EQ(first->value->body, "1");
}

}  // namespace
}  // namespace hi6gw::http
