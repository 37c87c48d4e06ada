#pragma once
// The real programs, as a plant would run them: hi6sim and hi6gw as processes, each with its files
// in a directory of its own. What a test asserts comes from outside the gateway: the simulator's
// request log and what a subscriber got.

#include "support/broker.h"
#include "support/http_request.h"
#include "support/process.h"
#include "support/temp_dir.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::test {

// Polls `done` until it holds, every `pace`; false after `limit`.
bool eventually(const std::function<bool()>& done, std::chrono::milliseconds limit,
                std::chrono::milliseconds pace = std::chrono::milliseconds(5));

// A request as the simulator's log has it.
struct LoggedRequest {
    std::int64_t seq = 0;
    std::int64_t wall_us = 0;  // when the whole request was there, since the epoch
    std::string method;
    std::string target;
    std::string body;
    int status = 0;  // of the reply; 0: none, or not yet
    bool applied = false;
    bool done = false;  // it is over; else the above may still change
};

class Simulator {
  public:
    explicit Simulator(std::vector<std::string> arguments = {});

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint16_t control_port() const { return control_port_; }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] Process& process() { return *process_; }

    void set(const std::string& relay, double value) const;  // at once, inputs too
    [[nodiscard]] double get(const std::string& relay) const;
    void fault(const std::string& json) const;  // one object of POST /faults
    void clear_faults() const;
    void control(const std::string& json) const;  // POST /control
    [[nodiscard]] std::string log() const;        // GET /log
    // All after this one, in the order of arrival; throws when the log is not whole.
    [[nodiscard]] std::vector<LoggedRequest> requests(std::int64_t since = 0) const;
    [[nodiscard]] std::vector<LoggedRequest> posts() const;  // those of requests()
    [[nodiscard]] std::string stats() const;                 // GET /stats
    [[nodiscard]] std::int64_t stat(const std::string& name) const;
    // When each connection was opened, in us since the epoch.
    [[nodiscard]] std::vector<std::int64_t> connects() const;
    void kill();
    void start();  // again, on the same ports
    // Another device takes its place.
    void become(std::vector<std::string> arguments) {
        kill();
        arguments_ = std::move(arguments);
        start();
    }

  private:
    bool comes_up();

    std::vector<std::string> arguments_;
    std::uint16_t port_ = 0;
    std::uint16_t control_port_ = 0;
    std::unique_ptr<Process> process_;
};

struct GatewayOptions {
    std::vector<std::pair<std::string, std::string>> env;
    std::vector<std::string> before;  // a command that starts the program: env, unshare, ...
};

// What a process has taken of the machine.
struct Usage {
    std::int64_t rss_kb = 0;
    std::size_t fds = 0;
    std::size_t threads = 0;
};
[[nodiscard]] Usage usage_of(pid_t pid);
// What a process may take of memory and give back later without its having grown. A sanitizer keeps
// what was freed for a while (Gateway bounds that), and its shadow.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
inline constexpr std::int64_t kMemorySlackKb = (kSanitized ? 64 : 4) * 1024;

class Gateway {
  public:
    // `yaml`: the configuration. `http: {listen: 127.0.0.1:0}` is added when it has no http key.
    explicit Gateway(const std::string& yaml, GatewayOptions options = {});

    [[nodiscard]] Process& process() { return *process_; }
    // Of the operations server, once it runs.
    [[nodiscard]] std::uint16_t http_port() const;
    [[nodiscard]] HttpReply get(const std::string& target) const {
        return http_request(http_port(), "GET", target);
    }
    // The sum of a metric over all its label sets that contain `label` (""): 0 when it is not
    // there.
    [[nodiscard]] double metric(const std::string& name, const std::string& label = "") const;
    // SIGTERM; the exit code, or -1 when it takes longer than the 5 s it has.
    int stop();
    void start();                           // again, after the process has ended
    void rewrite(const std::string& yaml);  // the configuration, for a restart or a reload
    [[nodiscard]] static std::string program();
    [[nodiscard]] const std::filesystem::path& config() const { return config_; }
    [[nodiscard]] std::string state_directory() const {
        return (directory_.path() / "state").string();
    }

  private:
    TempDir directory_;
    GatewayOptions options_;
    std::filesystem::path config_;
    std::unique_ptr<Process> process_;
};

}  // namespace hi6gw::test
