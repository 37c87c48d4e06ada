// The operations server over real sockets: its pages, and clients that are slow, greedy or hostile.
#include "ops/server.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <sys/socket.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

namespace hi6gw::ops {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A client of blocking reads that give up after five seconds.
class Client {
  public:
    explicit Client(std::uint16_t port) : socket_(ioc_) {
        socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
        const timeval limit{5, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void send(const std::string& bytes) {
        boost::system::error_code
            ignored;  // the server may have closed already; what it said counts
        asio::write(socket_, asio::buffer(bytes), ignored);
    }
    // All bytes until the server closes.
    std::string rest() {
        std::string bytes;
        char some[4096];
        for (;;) {
            const auto n = ::recv(socket_.native_handle(), some, sizeof some, 0);
            if (n <= 0) {
                closed_ = n == 0 || errno == ECONNRESET;
                return bytes;
            }
            bytes.append(some, static_cast<std::size_t>(n));
        }
    }
    std::string ask(const std::string& bytes) {
        send(bytes);
        return rest();
    }
    [[nodiscard]] bool closed() const { return closed_; }

  private:
    asio::io_context ioc_;
    tcp::socket socket_;
    bool closed_ = false;
};

class ServerTest : public testing::Test {
  protected:
    void start(Limits limits = Limits()) {
        Pages pages;
        pages.metrics = [this] {
            if (broken) {
                throw std::runtime_error("broken page");
            }
            return std::string("x 1\n");
        };
        pages.readiness = [this] {
            return ready ? Readiness{true, R"({"ready":true})"}
                         : Readiness{false, R"({"ready":false,"mqtt":"away"})"};
        };
        server = std::make_unique<Server>(ioc.get_executor(), "127.0.0.1", 0, pages, limits);
        asio::co_spawn(
            ioc, server->run(),
            asio::bind_cancellation_slot(stop.slot(), [this](const std::exception_ptr& failure) {
                ended.set_value(failure != nullptr);
            }));
        thread = std::thread([this] { ioc.run(); });
    }
    // True when run() ended by itself after its cancellation.
    bool cancel() {
        asio::post(ioc, [this] { stop.emit(asio::cancellation_type::terminal); });
        return ended.get_future().wait_for(5s) == std::future_status::ready;
    }
    void TearDown() override {
        ioc.stop();
        if (thread.joinable()) {
            thread.join();
        }
    }
    Client client() const { return Client(server->port()); }
    static std::string get(const std::string& target, const char* method = "GET") {
        return std::string(method) + " " + target +
               " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    }

    std::atomic<bool> ready = false;
    std::atomic<bool> broken = false;
    asio::io_context ioc{1};
    asio::cancellation_signal stop;
    std::promise<bool> ended;
    std::unique_ptr<Server> server;
    std::thread thread;
};

TEST_F(ServerTest, ServesItsPages) {
    start();
    EXPECT_THAT(client().ask(get("/metrics")),
                AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("text/plain; version=0.0.4"),
                      HasSubstr("\r\n\r\nx 1\n")));
    EXPECT_THAT(client().ask(get("/metrics?name=x")), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(client().ask(get("/healthz")), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(client().ask(get("/readyz")),
                AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\"mqtt\":\"away\"")));
    ready = true;
    EXPECT_THAT(client().ask(get("/readyz")),
                AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("application/json")));
    EXPECT_THAT(client().ask(get("/")), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(client().ask(get("/metrics/../healthz")), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(client().ask(get("/metrics", "DELETE")),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD")));
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
    start();
    const std::string reply = client().ask(get("/metrics", "HEAD"));
    EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 4"),
                             testing::EndsWith("\r\n\r\n")));
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
    start();
    const std::string keep = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    const std::string reply = client().ask(keep + keep + get("/nowhere"));
    const auto second = reply.find("x 1\n", reply.find("x 1\n") + 1);
    ASSERT_NE(second, std::string::npos);
    EXPECT_GT(reply.find(" 404 "), second);
}

TEST_F(ServerTest, RefusesWhatIsNoRequest) {
    start();
    EXPECT_THAT(client().ask("\x16\x03\x01garbage\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(client().ask("GET /metrics HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(client().ask("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
                StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(client().ask(get("/healthz")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, DropsAClientThatNeverEndsItsRequest) {
    Limits limits;
    limits.exchange = 50ms;
    start(limits);
    Client slow = client();
    EXPECT_EQ(slow.ask("GET /metr"), "");
    EXPECT_TRUE(slow.closed());
}

TEST_F(ServerTest, DropsAnIdleClient) {
    Limits limits;
    limits.idle = 50ms;
    start(limits);
    Client idle = client();
    EXPECT_EQ(idle.rest(), "");
    EXPECT_TRUE(idle.closed());
}

TEST_F(ServerTest, TakesNoMoreConnectionsThanItsLimit) {
    Limits limits;
    limits.connections = 2;
    start(limits);
    const std::string keep = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    auto first = std::make_unique<Client>(server->port());
    Client second = client();
    Client third = client();
    EXPECT_EQ(third.ask(keep), "");
    EXPECT_TRUE(third.closed());
    first->send(get("/healthz"));
    EXPECT_THAT(first->rest(),
                StartsWith("HTTP/1.1 200 "));  // closed by the server: its place is free
    EXPECT_THAT(client().ask(get("/healthz")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, OutlivesAPageThatFails) {
    start();
    broken = true;
    EXPECT_EQ(client().ask(get("/metrics")), "");
    EXPECT_THAT(client().ask(get("/healthz")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, EndsAllSessionsWhenCancelled) {
    start();
    Client idle = client();
    Client busy = client();
    busy.send("GET /metr");
    EXPECT_TRUE(cancel());
    EXPECT_EQ(idle.rest(), "");
    EXPECT_TRUE(idle.closed());
    EXPECT_EQ(busy.rest(), "");
}

TEST_F(ServerTest, SaysSoWhenTheAddressIsTaken) {
    start();
    EXPECT_THROW(Server(ioc.get_executor(), "127.0.0.1", server->port(), Pages()),
                 boost::system::system_error);
}

}  // namespace
}  // namespace hi6gw::ops
