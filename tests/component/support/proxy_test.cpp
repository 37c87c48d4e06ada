// The faults that Proxy makes are the ones it says it makes.

#include "support/proxy.h"

#include "support/net.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }
    void say(const std::string& text) const {
        ASSERT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    }
    // Readable, ended or broken within the limit.
    [[nodiscard]] bool stirs(std::chrono::milliseconds limit) const {
        pollfd one{.fd = fd_, .events = POLLIN, .revents = 0};
        return ::poll(&one, 1, static_cast<int>(limit.count())) == 1;
    }
    // What comes next: "" for FIN, "reset", or "silence".
    [[nodiscard]] std::string hear(std::chrono::milliseconds limit = 5s) const {
        if (!stirs(limit)) {
            return "silence";
        }
        std::array<char, 256> buffer{};
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return got < 0 ? "reset" : std::string(buffer.data(), static_cast<std::size_t>(got));
    }

  private:
    int fd_;
};

sockaddr_in at(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

class ProxyTest : public testing::Test {
  protected:
    ProxyTest() {
        const sockaddr_in any = at(0);
        EXPECT_EQ(::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
        EXPECT_EQ(::listen(listener.fd(), 8), 0);
        sockaddr_in own{};
        socklen_t length = sizeof own;
        ::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&own), &length);
        proxy = std::make_unique<Proxy>(ntohs(own.sin_port));
    }
    // 0, or why not; does not wait for a black hole.
    [[nodiscard]] int try_connect(const Socket& socket) const {
        const sockaddr_in address = at(proxy->port());
        if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0) {
            return 0;
        }
        return errno;
    }
    [[nodiscard]] Socket client() const {
        Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(try_connect(socket), 0);
        return socket;
    }
    [[nodiscard]] Socket server() const {
        return Socket(::accept(listener.fd(), nullptr, nullptr));
    }

    Socket listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::unique_ptr<Proxy> proxy;
};

TEST_F(ProxyTest, PassesBothWaysAndTellsTheEnds) {
    const Socket here = client();
    Socket there = server();
    here.say("ping");
    EXPECT_EQ(there.hear(), "ping");
    there.say("pong");
    EXPECT_EQ(here.hear(), "pong");
    ::shutdown(there.fd(), SHUT_WR);
    EXPECT_EQ(here.hear(), "");
    here.say("still");
    EXPECT_EQ(there.hear(), "still");
    EXPECT_EQ(proxy->counts().links, 1U);
    EXPECT_EQ(proxy->counts().open_max, 1U);
}

TEST_F(ProxyTest, DelaysStallsAndDribbles) {
    const Socket here = client();
    const Socket there = server();
    proxy->to_client({.delay = 100ms});
    const auto begin = Steady::now();
    there.say("late");
    EXPECT_EQ(here.hear(), "late");
    EXPECT_GE(Steady::now() - begin, 100ms);
    proxy->stall();
    here.say("up");
    there.say("down");
    EXPECT_EQ(there.hear(50ms), "silence");
    EXPECT_EQ(here.hear(1ms), "silence");
    proxy->pass();
    EXPECT_EQ(there.hear(), "up");
    EXPECT_EQ(here.hear(), "down");
    proxy->to_server({.rate = 20});
    here.say("abcdef");
    const auto slow = Steady::now();
    std::string got = there.hear();
    EXPECT_LT(got.size(), 6U);
    while (got.size() < 6) {
        got += there.hear();
    }
    EXPECT_EQ(got, "abcdef");
    EXPECT_GE(Steady::now() - slow, 150ms);
}

TEST_F(ProxyTest, CutsTheWayItIsTold) {
    for (const auto& [end, heard] : {std::pair{Proxy::End::fin, ""}, {Proxy::End::rst, "reset"}}) {
        const Socket here = client();
        const Socket there = server();
        here.say("x");
        ASSERT_EQ(there.hear(), "x");
        proxy->cut(end);
        EXPECT_EQ(here.hear(), heard);
        EXPECT_EQ(there.hear(), heard);
    }
}

TEST_F(ProxyTest, HalfOpenSaysNothingToAnybody) {
    const Socket here = client();
    std::optional<Socket> there(server());
    here.say("x");
    ASSERT_EQ(there->hear(), "x");
    proxy->vanish(false);
    here.say("lost");
    EXPECT_EQ(there->hear(50ms), "silence");
    there.reset();
    EXPECT_EQ(here.hear(50ms), "silence");
    const Socket next = client();  // new links are not concerned
    const Socket served = server();
    next.say("y");
    EXPECT_EQ(served.hear(), "y");
    proxy->vanish(true);
    EXPECT_EQ(served.hear(), "reset");
    EXPECT_EQ(next.hear(50ms), "silence");
}

TEST_F(ProxyTest, RefusesOrSwallowsConnects) {
    proxy->door(Proxy::Door::refused);
    const Socket refused(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(try_connect(refused), ECONNREFUSED);
    proxy->door(Proxy::Door::black_hole);
    const Socket lost(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(try_connect(lost), EINPROGRESS);
    pollfd one{.fd = lost.fd(), .events = POLLOUT, .revents = 0};
    EXPECT_EQ(::poll(&one, 1, 100), 0);
    proxy->door(Proxy::Door::open);
    const Socket here = client();
    const Socket there = server();
    here.say("x");
    EXPECT_EQ(there.hear(), "x");
    EXPECT_EQ(proxy->counts().links, 1U) << "nothing of the black hole got through";
}

}  // namespace
}  // namespace hi6gw::test
