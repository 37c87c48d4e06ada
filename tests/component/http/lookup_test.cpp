// A name server that never answers. This program has a getaddrinfo of its own, which the linker
// prefers to the C library's.

#include "http/lookup.h"

#include "http/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <netdb.h>

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

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* /*service*/, const addrinfo* /*hints*/,
                           addrinfo** found) {
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

}  // namespace
}  // namespace hi6gw::http
