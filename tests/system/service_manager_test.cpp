// The daemon and the service manager: what is said when, and what it can rely on then.

#include "support/paths.h"
#include "support/rig.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

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
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets are bound
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("bind: " + path());
        }
    }
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;
    ~ServiceManager() { ::close(fd_); }

    [[nodiscard]] std::string path() const { return (directory_.path() / "notify").string(); }
    // The next message; empty: none within the limit.
    [[nodiscard]] std::string next(std::chrono::seconds limit = 10s) const {
        const timeval patience{.tv_sec = limit.count(), .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        std::array<char, 4096> text{};
        const auto length = ::recv(fd_, text.data(), text.size(), 0);
        return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0U};
    }
    // The next message with this in it; empty: none within 10 s of the one before.
    [[nodiscard]] std::string next_with(std::string_view what) const {
        std::string said = next();
        while (!said.empty() && said.find(what) == std::string::npos) {
            said = next();
        }
        return said;
    }
    // False: nothing was said of the watchdog for so long.
    [[nodiscard]] bool is_fed_within(std::chrono::seconds limit) const {
        const auto until = std::chrono::steady_clock::now() + limit;
        for (auto now = until - limit; now < until; now = std::chrono::steady_clock::now()) {
            if (next(1s).find("WATCHDOG=1") != std::string::npos) {
                return true;
            }
        }
        return false;
    }

  private:
    TempDir directory_;
    int fd_;
};

ProcessOptions started_by(const ServiceManager& manager, const std::filesystem::path& config,
                          const std::string& program = Gateway::program()) {
    ProcessOptions options;
    options.argv = {program, "run", "-c", config.string()};
    options.env = {{"NOTIFY_SOCKET", manager.path()},
                   {"STATE_DIRECTORY", (config.parent_path() / "state").string()}};
    return options;
}

const std::string kNobodyThere =
    "http: {listen: off}\nmqtt: {url: mqtt://127.0.0.1:1}\ncontrollers:\n"
    "  - {name: r1, url: http://127.0.0.1:1, signals: [{name: a, address: fb2.di3}]}\n";

// It was a matter of microseconds, which a busy machine stretches: one round in four failed.
TEST(ServiceManager, MayStopItAsSoonAsItIsReady) {
    const TempDir directory;
    const auto config = directory.file("hi6gw.yaml", kNobodyThere);
    for (int round = 0; round < 20; ++round) {
        const ServiceManager manager;
        Process gateway(started_by(manager, config));
        (void)manager.next_with("READY=1");
        gateway.signal(SIGTERM);
        ASSERT_EQ(gateway.wait(10s), 0) << "round " << round << ": " << gateway.err();
    }
}

// What systemd 253 and later want of Type=notify-reload is said, too: MONOTONIC_USEC in the same
// message. READY ends a reload whatever came of it, or the service would be "reloading" for ever.
TEST(ServiceManager, IsToldOfAReloadAndOfItsEnd) {
    const TempDir directory;
    const auto config = directory.file("hi6gw.yaml", kNobodyThere);
    const ServiceManager manager;
    Process gateway(started_by(manager, config));
    ASSERT_FALSE(manager.next_with("READY=1").empty());
    const auto monotonic_usec = [] {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    };
    for (const bool broken : {false, true}) {
        (void)directory.file("hi6gw.yaml", broken ? "nonsense: [" : kNobodyThere + "log: {}\n");
        const std::int64_t before = monotonic_usec();
        gateway.signal(SIGHUP);
        const std::string said = manager.next_with("RELOADING=1");
        const std::string key = "\nMONOTONIC_USEC=";
        const std::size_t at = said.find(key);
        ASSERT_NE(at, std::string::npos) << said;
        const std::int64_t when = std::stoll(said.substr(at + key.size()));
        EXPECT_GE(when, before);
        EXPECT_LE(when, monotonic_usec());
        EXPECT_FALSE(manager.next_with("READY=1").empty()) << gateway.err();
        EXPECT_TRUE(gateway.wait_for_output(
            broken ? "the configuration is refused" : "the configuration has not changed", 10s));
    }
    gateway.signal(SIGTERM);
    EXPECT_FALSE(manager.next_with("STOPPING=1").empty());
    EXPECT_EQ(gateway.wait(10s), 0);
}

TEST(Watchdog, IsFedWhoeverIsAway) {
    const TempDir directory;
    const auto config = directory.file("hi6gw.yaml", kNobodyThere);
    const ServiceManager manager;
    Process gateway(started_by(manager, config));
    for (int i = 0; i < 13; ++i) {  // longer than a part may be late
        ASSERT_TRUE(manager.is_fed_within(3s)) << gateway.err();
    }
}

// A gateway that has a fault of its own (support/stuck), and two robots.
struct Stuck {
    Stuck() : config(directory.file("hi6gw.yaml", yaml())), gateway(program()) {}

    [[nodiscard]] std::string yaml() const {
        const std::string signals = "signals: [{name: a, address: fb2.di3, poll: 100ms}]}\n";
        return "http: {listen: off}\nmqtt: {url: \"" + broker.url() +
               "\", keep_alive: 4s}\ncontrollers:\n  - {name: r1, url: \"" + robot.url() + "\", " +
               signals + "  - {name: r2, url: \"" + other.url() + "\", " + signals;
    }
    [[nodiscard]] ProcessOptions program() const {
        ProcessOptions options =
            started_by(manager, config, BINARY_DIR "/tests/support/stuck/hi6gw_stuck");
        options.env.emplace_back("HI6GW_STUCK", (directory.path() / "stuck").string());
        return options;
    }
    // Once it works.
    void bring_about(const std::string& fault) {
        ASSERT_FALSE(
            manager.next_with("STATUS=broker connected, 2 of 2 controllers online").empty())
            << gateway.err();
        ASSERT_TRUE(manager.is_fed_within(3s));
        (void)directory.file("stuck", fault);
    }
    [[nodiscard]] bool starves_within(std::chrono::seconds limit) const {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (std::chrono::steady_clock::now() < until) {
            if (!manager.is_fed_within(4s)) {
                return true;
            }
        }
        return false;
    }

    TempDir directory;
    Broker broker;
    Simulator robot;
    Simulator other;
    ServiceManager manager;
    std::filesystem::path config;
    Process gateway;
};

TEST(Watchdog, IsNotFedWhenThePollingOfOneControllerIsStuck) {
    Stuck it;
    it.bring_about(std::to_string(it.robot.port()));
    EXPECT_TRUE(it.starves_within(20s));
    EXPECT_TRUE(it.gateway.wait_for_output("the polling of r1 makes no progress", 0s))
        << it.gateway.err();
    const auto requests = it.other.requests().size();
    EXPECT_TRUE(eventually([&] { return it.other.requests().size() > requests + 5; }, 5s))
        << "the event loop goes on";
}

TEST(Watchdog, IsNotFedWhenTheSessionIsStuck) {
    Stuck it;
    it.bring_about("session");
    EXPECT_TRUE(it.starves_within(20s));
    EXPECT_TRUE(it.gateway.wait_for_output("the session with the broker makes no progress", 0s))
        << it.gateway.err();
}

TEST(Watchdog, IsNotFedWhenTheEventLoopIsStuck) {
    Stuck it;
    it.bring_about("loop");
    EXPECT_TRUE(it.starves_within(5s));
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
