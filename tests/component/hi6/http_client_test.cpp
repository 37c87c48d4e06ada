// The HTTP client of a controller over loopback TCP: what it sends, and what it makes of answers.
#include "hi6/http_client.h"

#include "component/http/loop.h"
#include "support/scripted_controller.h"

#include <gmock/gmock.h>

#include <array>
#include <bit>

namespace hi6gw::hi6 {
namespace {

using namespace std::chrono_literals;
using test::http_reply;
using test::run;
using test::Script;
using test::ScriptedController;
using test::Steady;
using testing::HasSubstr;

Address at(std::string_view text) {
    return parse_address(text, IndexUnit::byte).value();
}

struct HttpClientTest : testing::Test {
    boost::asio::io_context ioc{1};
    std::array<std::byte, 8> out{};

    std::unique_ptr<ControllerClient> connect(const ScriptedController& server) {
        auto client = make_http_client(ioc.get_executor(), "127.0.0.1", server.port());
        const LinkFault fault = run(ioc, client->connect(soon()));
        EXPECT_TRUE(fault.ok()) << fault.detail;
        return client;
    }
    static Steady::time_point soon() { return Steady::now() + 5s; }
    Reply block(ControllerClient& client) {
        return run(ioc, client.read_block({{Scope::fb, 2, Relay::do_}, 4, 2}, out, soon()));
    }
};

TEST_F(HttpClientTest, ReadsBlocksAndSinglesOnOneConnection) {
    ScriptedController server({Script()
                                   .expect("GET /project/plc/fb2_do/val_s32?st=4&len=2 HTTP/1.1")
                                   .send(http_reply(200, "[1,-2]"))
                                   .expect("do_val?type=dob&blk_no=2&sig_no=3 HTTP/1.1")
                                   .send(http_reply(200, R"({"_type":"JObject","val":-56})"))
                                   .repeat()});
    const auto client = connect(server);
    for (int i = 0; i < 3; ++i) {
        const Reply words = block(*client);
        ASSERT_EQ(words.outcome, Outcome::ok) << words.detail;
        EXPECT_EQ(words.words, 2U);
        EXPECT_EQ(out[0], std::byte{1});
        EXPECT_EQ(out[4], std::byte{0xfe});
        EXPECT_LE(words.sent, words.answered);
        const Reply single = run(ioc, client->read_single(at("fb2.dob3"), soon()));
        ASSERT_EQ(single.outcome, Outcome::ok) << single.detail;
        EXPECT_EQ(single.raw, 0xc8U);
        EXPECT_TRUE(client->connected());
    }
    EXPECT_FALSE(client->keep_alive_refused());
    EXPECT_EQ(server.recorded().connections, 1U);
}

TEST_F(HttpClientTest, WritesOutputsAndRelaysByTheirOwnRequests) {
    ScriptedController server({Script()
                                   .expect("POST /project/control/ios/dio/do_val")
                                   .send(http_reply(200, ""))
                                   .expect("POST /project/plc/set_relay_value")
                                   .send(http_reply(200, "{}"))});
    const auto client = connect(server);
    EXPECT_EQ(run(ioc, client->write(at("fb2.dob3"), 121, soon())).outcome, Outcome::ok);
    EXPECT_EQ(
        run(ioc, client->write(at("mf4"), std::bit_cast<std::uint32_t>(2.718F), soon())).outcome,
        Outcome::ok);
    ASSERT_EQ(server.recorded().requests.size(), 2U);
    EXPECT_THAT(server.recorded().requests[0].text,
                HasSubstr(R"({"type":"dob","blk_no":2,"sig_no":3,"val":121})"));
    EXPECT_THAT(server.recorded().requests[1].text, HasSubstr(R"({"name":"mf4","value":"2.718"})"));
}

TEST_F(HttpClientTest, NeverSendsWhatTheApiDoesNotHave) {
    ScriptedController server({Script().hold()});
    const auto client = connect(server);
    EXPECT_EQ(run(ioc, client->write(at("fb2.di3"), 1, soon())).outcome, Outcome::refused);
    EXPECT_EQ(run(ioc, client->read_single(at("mw4"), soon())).outcome, Outcome::refused);
    EXPECT_TRUE(server.recorded().requests.empty());
}

TEST_F(HttpClientTest, StatusesSayWhatToDo) {
    const struct {
        unsigned status;
        Outcome outcome;
        const char* detail;
    } cases[] = {{400, Outcome::refused, "HTTP 400: 'why'"},
                 {404, Outcome::refused, "HTTP 404"},
                 {401, Outcome::unauthorised, "HTTP 401"},
                 {403, Outcome::unauthorised, "HTTP 403"},
                 {302, Outcome::server_error, "redirect not followed"},
                 {500, Outcome::server_error, "HTTP 500"},
                 {503, Outcome::server_error, "HTTP 503"}};
    for (const auto& c : cases) {
        ScriptedController server({Script().expect().send(http_reply(c.status, "why")).repeat()});
        const auto client = connect(server);
        const Reply reply = block(*client);
        EXPECT_EQ(reply.outcome, c.outcome) << c.status;
        EXPECT_EQ(reply.status, c.status);
        EXPECT_THAT(reply.detail, HasSubstr(c.detail));
        EXPECT_TRUE(client->connected()) << c.status;
    }
}

TEST_F(HttpClientTest, GarbageInASoundFrameKeepsTheConnection) {
    ScriptedController server({Script()
                                   .expect()
                                   .send(http_reply(200, "<html>\x01"))
                                   .expect()
                                   .send(http_reply(200, "[7]"))});
    const auto client = connect(server);
    const Reply garbage = block(*client);
    EXPECT_EQ(garbage.outcome, Outcome::bad_data);
    EXPECT_THAT(garbage.detail, HasSubstr("'<html>\\x01'"));
    EXPECT_EQ(garbage.words, 0U);
    const Reply next = block(*client);
    EXPECT_EQ(next.outcome, Outcome::ok);
    EXPECT_EQ(next.words, 1U);
    EXPECT_EQ(server.recorded().connections, 1U);
}

TEST_F(HttpClientTest, NoAnswerIsLostAndAClosedConnectionIsNotSent) {
    ScriptedController server({Script().expect().reset()});
    const auto client = connect(server);
    EXPECT_EQ(run(ioc, client->write(at("fb2.do3"), 1, soon())).outcome, Outcome::lost);
    EXPECT_FALSE(client->connected());
    const Reply after = block(*client);
    EXPECT_EQ(after.outcome, Outcome::not_sent);
    EXPECT_FALSE(after.detail.empty());
}

TEST_F(HttpClientTest, TimeoutAfterTheRequestIsLost) {
    ScriptedController server({Script().hold()});
    const auto client = connect(server);
    const Reply reply = run(ioc, client->read_single(at("fb2.do3"), Steady::now() + 50ms));
    EXPECT_EQ(reply.outcome, Outcome::lost);
    EXPECT_THAT(reply.detail, HasSubstr("time"));
    EXPECT_FALSE(client->connected());
}

TEST_F(HttpClientTest, SaysThatKeepAliveIsRefused) {
    ScriptedController server(
        {Script().expect("GET /api_ver").send(http_reply(200, "5", "Connection: close\r\n"))});
    const auto client = connect(server);
    std::string target(kApiVersionTarget);
    const Reply reply = run(ioc, client->get(std::move(target), soon()));
    EXPECT_EQ(reply.outcome, Outcome::ok);
    EXPECT_EQ(reply.body, "5");
    EXPECT_TRUE(client->keep_alive_refused());
    EXPECT_FALSE(client->connected());
}

TEST_F(HttpClientTest, ConnectFaultsHaveWords) {
    std::uint16_t free_port = 0;
    {
        const ScriptedController gone({});
        free_port = gone.port();
    }
    const auto client = make_http_client(ioc.get_executor(), "127.0.0.1", free_port);
    const LinkFault fault = run(ioc, client->connect(soon()));
    EXPECT_EQ(fault.kind, LinkFault::Kind::refused);
    EXPECT_FALSE(fault.detail.empty());
}

}  // namespace
}  // namespace hi6gw::hi6
