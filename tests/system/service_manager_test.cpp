// The daemon and the service manager: what is said when, and what it can rely on then.

#include "support/rig.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

// The socket that sd_notify(3) writes to.
class ServiceManager {
  public:
    ServiceManager() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        const timeval limit{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets are bound
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("bind: " + path());
        }
    }
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;
    ~ServiceManager() { ::close(fd_); }

    [[nodiscard]] std::string path() const { return (directory_.path() / "notify").string(); }
    // The next message; empty: none within 10 s.
    [[nodiscard]] std::string next() const {
        std::array<char, 4096> text{};
        const auto length = ::recv(fd_, text.data(), text.size(), 0);
        return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0U};
    }

  private:
    TempDir directory_;
    int fd_;
};

// It was a matter of microseconds, which a busy machine stretches: one round in four failed.
TEST(ServiceManager, MayStopItAsSoonAsItIsReady) {
    const TempDir directory;
    const auto config = directory.file(
        "hi6gw.yaml",
        "http: {listen: off}\nmqtt: {url: mqtt://127.0.0.1:1}\ncontrollers:\n"
        "  - {name: r1, url: http://127.0.0.1:1, signals: [{name: a, address: fb2.di3}]}\n");
    for (int round = 0; round < 20; ++round) {
        const ServiceManager manager;
        ProcessOptions options;
        options.argv = {Gateway::program(), "run", "-c", config.string()};
        options.env = {{"NOTIFY_SOCKET", manager.path()}};
        Process gateway(std::move(options));
        std::string said = manager.next();
        while (!said.empty() && said.find("READY=1") == std::string::npos) {
            said = manager.next();
        }
        gateway.signal(SIGTERM);
        ASSERT_EQ(gateway.wait(10s), 0) << "round " << round << ": " << gateway.err();
    }
}

// As sd-daemon(3) has it: the journal takes the level off the line, and has the time itself.
TEST(ServiceManager, GetsTheLogWithItsLevelsUnlessItIsRedirected) {
    const TempDir directory;
    const auto config = directory.file(
        "hi6gw.yaml",
        "http: {listen: off}\nmqtt: {url: mqtt://127.0.0.1:1}\ncontrollers:\n"
        "  - {name: r1, url: http://127.0.0.1:1, signals: [{name: a, address: fb2.di3}]}\n");
    for (const bool ours : {true, false}) {
        const ServiceManager manager;
        ProcessOptions options;
        options.argv = {"/bin/bash", "-c",
                        std::string("JOURNAL_STREAM=$(stat -L -c ") + (ours ? "%d:%i" : "%d:1%i") +
                            " /proc/self/fd/2) exec \"$0\" run -c \"$1\"",
                        Gateway::program(), config.string()};
        options.env = {{"NOTIFY_SOCKET", manager.path()}, {"WATCHDOG_USEC", "100000"}};
        Process gateway(std::move(options));
        EXPECT_TRUE(gateway.wait_for_output("runs: 1 controllers", 10s));
        std::string said = manager.next();
        while (!said.empty() && said.find("WATCHDOG=1") == std::string::npos) {
            said = manager.next();
        }
        EXPECT_FALSE(said.empty());
        gateway.signal(SIGTERM);
        ASSERT_EQ(gateway.wait(10s), 0) << gateway.err();
        EXPECT_EQ(gateway.err().find("<6>[gateway] hi6gw") != std::string::npos, ours)
            << gateway.err();
    }
}

}  // namespace
}  // namespace hi6gw::test
