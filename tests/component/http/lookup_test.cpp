// A name server that never answers, and one whose answers change. This program has a getaddrinfo
// of its own, which the linker prefers to the C library's.

#include "http/lookup.h"

#include "http/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include <netdb.h>
#include <netinet/in.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace {

struct NameServer {
    std::mutex mutex;
    std::condition_variable changed;
    bool answers = false;
    int waiting = 0;
};

NameServer& silent_server() {
    static auto* const server = new NameServer;  // outlives threads that still wait for it
    return *server;
}

// Where moves.test is: the last number of 127.0.0.N.
std::atomic<int> moved_to{1};

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* /*service*/, const addrinfo* /*hints*/,
                           addrinfo** found) {
    if (std::strcmp(host, "moves.test") == 0) {
        static sockaddr_in address{};  // one look-up at a time, and it is copied
        static addrinfo answer{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(0x7f000000U + static_cast<unsigned>(moved_to.load()));
        answer.ai_family = AF_INET;
        answer.ai_socktype = SOCK_STREAM;
        answer.ai_addr = reinterpret_cast<sockaddr*>(&address);
        answer.ai_addrlen = sizeof address;
        *found = &answer;
        return 0;
    }
    if (std::strcmp(host, "silent.test") == 0) {
        NameServer& server = silent_server();
        std::unique_lock lock(server.mutex);
        ++server.waiting;
        server.changed.notify_all();
        server.changed.wait(lock, [&server] { return server.answers; });
        --server.waiting;
        server.changed.notify_all();
    }
    *found = nullptr;
    return EAI_NONAME;
}

extern "C" void freeaddrinfo(addrinfo* /*found*/) {}

namespace hi6gw::http {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kPatience = 20s;

class SilentNameServer : public testing::Test {
  protected:
    ~SilentNameServer() override {
        NameServer& server = silent_server();
        std::unique_lock lock(server.mutex);
        server.answers = true;
        server.changed.notify_all();
        server.changed.wait(lock, [&server] { return server.waiting == 0; });
        server.answers = false;
    }
    static bool is_asked() {
        NameServer& server = silent_server();
        std::unique_lock lock(server.mutex);
        return server.changed.wait_for(lock, kPatience, [&server] { return server.waiting > 0; });
    }
};

TEST_F(SilentNameServer, HoldsUpNoOtherName) {
    boost::asio::io_context loop;
    Lookup silent(loop.get_executor(), [](const auto&, const auto&) { FAIL(); });
    silent.start("silent.test");
    ASSERT_TRUE(is_asked());
    bool answered = false;
    Lookup other(loop.get_executor(),
                 [&answered](const boost::system::error_code& error, const auto& addresses) {
                     answered = true;
                     EXPECT_TRUE(error);
                     EXPECT_TRUE(addresses.empty());
                 });
    other.start("other.test");
    const auto work = boost::asio::make_work_guard(loop);
    const auto limit = Steady::now() + kPatience;
    while (!answered && Steady::now() < limit) {
        loop.run_one_for(100ms);
    }
    EXPECT_TRUE(answered);
    EXPECT_FALSE(other.running());
    EXPECT_TRUE(silent.running());
}

TEST_F(SilentNameServer, KeepsNeitherTheLoopNorTheConnectionFromEnding) {
    std::optional<Error> error;
    {
        boost::asio::io_context loop;
        Connection connection(loop.get_executor(), Endpoint{"silent.test", 80});
        boost::asio::co_spawn(loop, connection.connect(Steady::now() + 50ms),
                              [&error](const std::exception_ptr& failure, Error result) {
                                  EXPECT_FALSE(failure);
                                  error = std::move(result);
                              });
        loop.run_for(kPatience);
        EXPECT_TRUE(loop.stopped()) << "the look-up counts as work of the loop";
        EXPECT_TRUE(is_asked());
    }  // would wait for ever if the look-up were waited for
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, ErrorKind::timeout);
    EXPECT_EQ(error->phase, Phase::resolve);
}

// Fault C26.
TEST(MovedController, IsFoundAtItsNewAddress) {
    using boost::asio::ip::tcp;
    boost::asio::io_context loop;
    const auto at = [](const char* address, std::uint16_t port) {
        return tcp::endpoint(boost::asio::ip::make_address(address), port);
    };
    tcp::acceptor before(loop, at("127.0.0.1", 0));
    tcp::acceptor after(loop, at("127.0.0.2", before.local_endpoint().port()));
    Connection connection(loop.get_executor(),
                          Endpoint{"moves.test", before.local_endpoint().port()});
    const auto connect = [&] {
        std::optional<Error> error;
        boost::asio::co_spawn(loop, connection.connect(Steady::now() + kPatience),
                              [&error](const std::exception_ptr& failure, Error result) {
                                  EXPECT_FALSE(failure);
                                  error = std::move(result);
                              });
        loop.restart();
        loop.run_for(kPatience);
        return error && error->ok();
    };
    before.non_blocking(true);
    after.non_blocking(true);
    boost::system::error_code none;
    ASSERT_TRUE(connect());
    EXPECT_TRUE(before.accept(none).is_open());
    moved_to = 2;
    ASSERT_TRUE(connect());
    EXPECT_TRUE(after.accept(none).is_open());
    EXPECT_FALSE(before.accept(none).is_open());
}

}  // namespace
}  // namespace hi6gw::http
