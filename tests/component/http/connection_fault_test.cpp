// What each fault of the peer, the network or the caller becomes. The codes (C1, ...) are those of
// the fault matrix.
#include "component/http/loop.h"
#include "http/connection.h"
#include "support/scripted_controller.h"

#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <tuple>

namespace hi6gw::http {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using test::drive;
using test::http_reply;
using test::run;
using test::Script;
using test::ScriptedController;
using test::start;
using test::Steady;
using testing::HasSubstr;

constexpr auto kShort = 60ms;

struct FaultTest : testing::Test {
    boost::asio::io_context ioc{1};

    Endpoint at(std::uint16_t port) const { return Endpoint{"127.0.0.1", port}; }
    Error connect(Connection& connection, Steady::duration limit = 5s) {
        return run(ioc, connection.connect(Steady::now() + limit));
    }
    boost::asio::awaitable<Response> getting(Connection& connection, Steady::duration limit = 5s) {
        return connection.exchange(render_get(connection.endpoint(), "/a"), Steady::now() + limit);
    }
    Response get(Connection& connection, Steady::duration limit = 5s) {
        return run(ioc, getting(connection, limit));
    }
    // A free port: bound once, closed again.
    std::uint16_t refused_port() {
        tcp::acceptor acceptor(ioc, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        return acceptor.local_endpoint().port();
    }
};

// --- one request, one faulty answer
// ---------------------------------------------------------------------

struct Fault {
    const char* what;
    Script script;  // after the request was read
    ErrorKind kind;
    Phase phase;
    const char* detail;
};

class FaultyAnswers : public FaultTest, public testing::WithParamInterface<Fault> {};

TEST_P(FaultyAnswers, EndTheConnection) {
    const Fault& fault = GetParam();
    ScriptedController server({fault.script});
    Connection connection(ioc.get_executor(), at(server.port()));
    ASSERT_TRUE(connect(connection).ok());
    const auto begin = Steady::now();
    const Response response =
        get(connection, fault.kind == ErrorKind::timeout ? Steady::duration(kShort) : 5s);
    EXPECT_EQ(response.error.kind, fault.kind) << response.error.detail;
    EXPECT_EQ(response.error.phase, fault.phase) << to_string(response.error.phase);
    EXPECT_THAT(response.error.detail, HasSubstr(fault.detail));
    EXPECT_TRUE(response.error.request_started);
    EXPECT_EQ(response.body, "");
    EXPECT_FALSE(connection.usable());
    EXPECT_LT(Steady::now() - begin, 2s);
    EXPECT_TRUE(server.wait_until([](const auto& r) { return r.open == 0; }));  // no desync: closed
}

Script after_request() {
    return Script().expect("GET /a");
}
const std::string kOk = http_reply(200, "[7]");
const std::string kHead = "HTTP/1.1 200 OK\r\n";

INSTANTIATE_TEST_SUITE_P(
    Connection, FaultyAnswers,
    testing::Values(
        Fault{"C3NoAnswer", after_request().hold(), ErrorKind::timeout, Phase::first_byte,
              "waiting"},
        Fault{"StallInHeader", after_request().send(kHead).hold(), ErrorKind::timeout,
              Phase::header, ""},
        Fault{"C4StallInBody", after_request().send(kHead + "Content-Length: 9\r\n\r\n[").hold(),
              ErrorKind::timeout, Phase::body, "timeout reading the body"},
        Fault{"C5Dribble", after_request().dribble(kOk, 20ms), ErrorKind::timeout, Phase::header,
              ""},
        Fault{"C7ResetBeforeAnswer", after_request().reset(), ErrorKind::closed, Phase::first_byte,
              ""},
        Fault{"C7FinBeforeAnswer", after_request(), ErrorKind::closed, Phase::first_byte, "closed"},
        Fault{"FinInHeader", after_request().send(kHead), ErrorKind::closed, Phase::header, ""},
        Fault{"FinInBody", after_request().send(kHead + "Content-Length: 9\r\n\r\n["),
              ErrorKind::closed, Phase::body, ""},
        Fault{"FinInChunk",
              after_request().send(kHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
              ErrorKind::closed, Phase::body, ""},
        Fault{"C19HugeBody", after_request().send(kHead + "Content-Length: 262145\r\n\r\n").hold(),
              ErrorKind::too_large, Phase::first_byte, "body limit"},
        Fault{"C19EndlessChunks",
              after_request()
                  .send(kHead + "Transfer-Encoding: chunked\r\n\r\n")
                  .flood("400\r\n" + std::string(0x400, 'x') + "\r\n", 1000),
              ErrorKind::too_large, Phase::body, ""},
        Fault{"EndlessBodyUntilClose",
              after_request().send(kHead + "\r\n").flood(std::string(1024, 'x'), 1000),
              ErrorKind::too_large, Phase::body, ""},
        Fault{"C21TooLongLength",
              after_request().send(kHead + "Content-Length: 4\r\n\r\n[7]").hold(),
              ErrorKind::timeout, Phase::body, ""},
        Fault{"C21TooShortLength",
              after_request().send(kHead + "Content-Length: 2\r\n\r\n[7]").hold(),
              ErrorKind::malformed, Phase::first_byte, "unasked bytes"},
        Fault{"C24TwoAnswersAtOnce", after_request().send(kOk + kOk).hold(), ErrorKind::malformed,
              Phase::first_byte, "unasked bytes"},
        Fault{"C22ConflictingLengths",
              after_request()
                  .send(kHead + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n[7]")
                  .hold(),
              ErrorKind::malformed, Phase::first_byte, ""},
        Fault{"C22BareCarriageReturns",
              after_request().send("HTTP/1.1 200 OK\rContent-Length: 3\r\r[7]\r\r").hold(),
              ErrorKind::malformed, Phase::first_byte, ""},
        Fault{"C22HeaderBomb",
              after_request().send(kHead).flood("X: " + std::string(1000, 'y') + "\r\n", 1000),
              ErrorKind::too_large, Phase::header, ""},
        Fault{"NotHttp", after_request().send("SSH-2.0-OpenSSH_9.2\r\n").hold(),
              ErrorKind::malformed, Phase::first_byte, ""}),
    [](const auto& param_info) { return param_info.param.what; });

// --- between requests
// -----------------------------------------------------------------------------------

struct Between {
    const char* what;
    Script rest;  // after the first, sound exchange
};

class StaleConnections : public FaultTest, public testing::WithParamInterface<Between> {};

// C6, C8, C24: found before a byte of the next request goes out.
TEST_P(StaleConnections, AreNeverUsedAgain) {
    ScriptedController server({GetParam().rest});
    Connection connection(ioc.get_executor(), at(server.port()));
    ASSERT_TRUE(connect(connection).ok());
    ASSERT_TRUE(get(connection).error.ok());
    EXPECT_TRUE(connection.usable());
    server.go();
    Connection& looked_at = connection;
    if (std::string_view(GetParam().what).find("Unlooked") == std::string_view::npos) {
        ASSERT_TRUE(drive(ioc, [&] { return !looked_at.usable(); }));
    } else {
        ASSERT_TRUE(server.wait_until([](const auto& r) { return r.open == 0; }));
    }
    const Response response = get(connection);
    EXPECT_EQ(response.error.kind, ErrorKind::closed);
    EXPECT_FALSE(response.error.request_started);
    EXPECT_EQ(server.recorded().requests.size(), 1U);
}

Script after_exchange() {
    return Script().expect().send(kOk).wait_go();
}

INSTANTIATE_TEST_SUITE_P(
    Connection, StaleConnections,
    testing::Values(Between{"Fin", after_exchange()}, Between{"Reset", after_exchange().reset()},
                    Between{"FinUnlooked", after_exchange()},
                    Between{"ResetUnlooked", after_exchange().reset()},
                    Between{"UnaskedBytes", after_exchange().send("x").hold()},
                    Between{"SecondAnswer", after_exchange().send(kOk).hold()}),
    [](const auto& param_info) { return param_info.param.what; });

// --- connecting
// -----------------------------------------------------------------------------------------

TEST_F(FaultTest, C1RefusedIsReportedAtOnce) {
    Connection connection(ioc.get_executor(), at(refused_port()));
    const Error error = connect(connection);
    EXPECT_EQ(error.kind, ErrorKind::refused) << error.detail;
    EXPECT_EQ(error.phase, Phase::connect);
    EXPECT_FALSE(error.request_started);
    EXPECT_FALSE(connection.usable());
}

// A listener whose queue is full drops the SYN, as a black hole would.
struct BlackHole {
    explicit BlackHole(boost::asio::io_context& ioc) : acceptor(ioc) {
        const tcp::endpoint any(boost::asio::ip::address_v4::loopback(), 0);
        acceptor.open(any.protocol());
        acceptor.bind(any);
        acceptor.listen(0);
        for (int i = 0; i < 8; ++i) {  // by the system call: Asio's own connect would wait
            fillers.emplace_back(ioc, any.protocol());
            const tcp::endpoint full = acceptor.local_endpoint();
            ::fcntl(fillers.back().native_handle(), F_SETFL, O_NONBLOCK);
            std::ignore = ::connect(fillers.back().native_handle(), full.data(),
                                    static_cast<socklen_t>(full.size()));
        }
    }
    tcp::acceptor acceptor;
    std::vector<tcp::socket> fillers;
};

TEST_F(FaultTest, C2BlackHoleEndsAtTheDeadline) {
    BlackHole hole(ioc);
    Connection connection(ioc.get_executor(), at(hole.acceptor.local_endpoint().port()));
    const auto begin = Steady::now();
    const Error error = connect(connection, kShort);
    EXPECT_EQ(error.kind, ErrorKind::timeout) << error.detail;
    EXPECT_EQ(error.phase, Phase::connect);
    EXPECT_GE(Steady::now() - begin, kShort);
    EXPECT_LT(Steady::now() - begin, 2s);
}

TEST_F(FaultTest, UnresolvableNameIsNamed) {
    Connection connection(ioc.get_executor(), Endpoint{"no-such-host.invalid", 80});
    const Error error = connect(connection);
    EXPECT_EQ(error.phase, Phase::resolve);
    EXPECT_TRUE(error.kind == ErrorKind::unresolved || error.kind == ErrorKind::timeout)
        << error.detail;
}

TEST_F(FaultTest, ReconnectsAfterAnError) {
    ScriptedController server({Script().expect().reset(), Script().expect().send(kOk).hold()});
    Connection connection(ioc.get_executor(), at(server.port()));
    ASSERT_TRUE(connect(connection).ok());
    EXPECT_FALSE(get(connection).error.ok());
    ASSERT_TRUE(connect(connection).ok());
    EXPECT_TRUE(get(connection).error.ok());
    EXPECT_EQ(server.recorded().max_open, 1U);
}

TEST_F(FaultTest, AnUnconnectedOneSendsNothing) {
    Connection connection(ioc.get_executor(), at(refused_port()));
    EXPECT_FALSE(connection.usable());
    const Response response = get(connection);
    EXPECT_EQ(response.error.kind, ErrorKind::closed);
    EXPECT_FALSE(response.error.request_started);
}

TEST_F(FaultTest, APastDeadlineSendsNothing) {
    ScriptedController server({Script().expect().send(kOk).hold()});
    Connection connection(ioc.get_executor(), at(server.port()));
    ASSERT_TRUE(connect(connection).ok());
    const Response response = get(connection, -1s);
    EXPECT_EQ(response.error.kind, ErrorKind::timeout);
    EXPECT_FALSE(response.error.request_started);
    ASSERT_TRUE(server.wait_until([](const auto& r) { return r.connections == 1 && r.open == 0; }));
    EXPECT_TRUE(server.recorded().requests.empty());
}

TEST_F(FaultTest, TimesOutWhileSending) {
    ScriptedController server({Script().wait_go()});
    Connection connection(ioc.get_executor(), at(server.port()));
    ASSERT_TRUE(connect(connection).ok());
    // Made before the deadline is: that takes a while on a busy machine.
    std::string request =
        render_post(connection.endpoint(), "/v", std::string(16 * 1024 * 1024, 'x'));
    const Response response =
        run(ioc, connection.exchange(std::move(request), Steady::now() + kShort));
    EXPECT_EQ(response.error.kind, ErrorKind::timeout);
    EXPECT_EQ(response.error.phase, Phase::write);
    EXPECT_TRUE(response.error.request_started);
    server.go();
}

// How the peer sees the connection end, once it has read whatever comes.
boost::system::error_code end_of(tcp::socket& peer) {
    boost::system::error_code error;
    for (std::array<char, 4096> buffer{}; !error;) {
        peer.read_some(boost::asio::buffer(buffer), error);
    }
    return error;
}

// Else the kernel would deliver the rest of it later: after newer requests, on another connection.
TEST_F(FaultTest, WhatIsAbandonedIsTakenBack) {
    tcp::acceptor acceptor(ioc, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    Connection connection(ioc.get_executor(), at(acceptor.local_endpoint().port()));
    ASSERT_TRUE(connect(connection).ok());
    tcp::socket peer = acceptor.accept();
    EXPECT_EQ(get(connection, kShort).error.kind, ErrorKind::timeout);
    EXPECT_EQ(end_of(peer), boost::asio::error::connection_reset);
}

TEST_F(FaultTest, WhatIsNotNeededAnyMoreIsClosedInOrder) {
    tcp::acceptor acceptor(ioc, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    Connection connection(ioc.get_executor(), at(acceptor.local_endpoint().port()));
    ASSERT_TRUE(connect(connection).ok());
    tcp::socket peer = acceptor.accept();
    const auto exchange = start(ioc, getting(connection));
    ASSERT_TRUE(drive(ioc, [&] { return peer.available() > 0; }));
    peer.send(boost::asio::buffer(kOk));
    ASSERT_TRUE(drive(ioc, [&] { return exchange->ended(); }));
    EXPECT_TRUE(exchange->value->error.ok());
    connection.close();
    EXPECT_EQ(end_of(peer), boost::asio::error::eof);
}

// --- cancellation, closing and destruction at each suspension
// ---------------------------------------------

enum class Way { cancel, close, destroy, drop_loop };
enum class Where { connecting, sending, first_byte, header, body };

std::string name_of(const std::tuple<Way, Where>& param) {
    constexpr const char* ways[] = {"Cancel", "Close", "Destroy", "DropLoop"};
    constexpr const char* wheres[] = {"Connecting", "Sending", "FirstByte", "Header", "Body"};
    return std::string(ways[static_cast<int>(std::get<0>(param))]) + "While" +
           wheres[static_cast<int>(std::get<1>(param))];
}

class Interruptions : public testing::TestWithParam<std::tuple<Way, Where>> {
  protected:
    static Script script(Where where) {
        switch (where) {
            case Where::connecting:
            case Where::sending:
                return Script().wait_go();
            case Where::first_byte:
                return Script().expect().hold();
            case Where::header:
                return Script().expect().send(kHead).hold();
            case Where::body:
                return Script().expect().send(kHead + "Content-Length: 9\r\n\r\n[").hold();
        }
        return Script();
    }
};

TEST_P(Interruptions, LeaveNothingBehind) {
    const auto [way, where] = GetParam();
    ScriptedController server({script(where)});
    auto ioc = std::make_unique<boost::asio::io_context>(1);
    std::unique_ptr<BlackHole> hole;
    std::uint16_t port = server.port();
    if (where == Where::connecting) {
        hole = std::make_unique<BlackHole>(*ioc);
        port = hole->acceptor.local_endpoint().port();
    }
    auto connection =
        std::make_unique<Connection>(ioc->get_executor(), Endpoint{"127.0.0.1", port});
    const auto connecting = start(*ioc, connection->connect(Steady::now() + 9s));
    std::shared_ptr<test::Started<Response>> exchange;
    if (where != Where::connecting) {
        ASSERT_TRUE(drive(*ioc, [&] { return connecting->ended(); }));
        const std::size_t size = where == Where::sending ? 16 * 1024 * 1024 : 1;
        exchange = start(*ioc, connection->exchange(render_post(connection->endpoint(), "/v",
                                                                std::string(size, 'x')),
                                                    Steady::now() + 9s));
    }
    ioc->run_for(20ms);  // until it hangs where it shall
    switch (way) {
        case Way::cancel:
            (exchange ? exchange->signal : connecting->signal)
                .emit(boost::asio::cancellation_type::terminal);
            break;
        case Way::close:
            connection->close();
            break;
        case Way::destroy:
            connection.reset();
            break;
        case Way::drop_loop:
            hole.reset();
            connection.reset();
            ioc.reset();
            break;
    }
    if (ioc) {
        ASSERT_TRUE(
            drive(*ioc, [&] { return exchange ? exchange->ended() : connecting->ended(); }));
        const Error& error = exchange ? exchange->value->error : *connecting->value;
        EXPECT_EQ(error.kind, ErrorKind::cancelled) << error.detail;
        EXPECT_EQ(error.request_started, where != Where::connecting);
    }
    if (connection) {
        EXPECT_FALSE(connection->usable());
    }
    server.go();
    EXPECT_TRUE(server.wait_until([](const auto& r) { return r.open == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    Connection, Interruptions,
    testing::Combine(testing::Values(Way::cancel, Way::close, Way::destroy, Way::drop_loop),
                     testing::Values(Where::connecting, Where::sending, Where::first_byte,
                                     Where::header, Where::body)),
    [](const auto& param_info) { return name_of(param_info.param); });

TEST_F(FaultTest, CancelledWhileResolving) {
    auto connection =
        std::make_unique<Connection>(ioc.get_executor(), Endpoint{"no-such-host.invalid", 80});
    const auto connecting = start(ioc, connection->connect(Steady::now() + 9s));
    while (ioc.poll_one() > 0 && !connecting->ended()) {
    }
    connecting->signal.emit(boost::asio::cancellation_type::terminal);
    ASSERT_TRUE(drive(ioc, [&] { return connecting->ended(); }));
    EXPECT_TRUE(connecting->value->kind == ErrorKind::cancelled ||
                connecting->value->kind == ErrorKind::unresolved);
}

}  // namespace
}  // namespace hi6gw::http
