#pragma once
// A real mosquitto on a free port of 127.0.0.1, with its configuration in a directory of its own.

#include "support/process.h"
#include "support/temp_dir.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::test {

struct BrokerOptions {
    std::vector<std::string>
        config;            // more lines of mosquitto.conf, e.g. "max_inflight_messages 5"
    std::string username;  // not empty: nobody else gets in
    std::string password;
    bool persistence = false;  // retained messages survive stop() and start()
};

class Broker {
  public:
    // Starts it and waits until it accepts connections; throws if it does not.
    explicit Broker(BrokerOptions options = {});

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] const BrokerOptions& options() const { return options_; }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

    void start();   // again, on the same port, after stop() or kill()
    void stop();    // SIGTERM, as an operator would
    void kill();    // SIGKILL
    void pause();   // SIGSTOP: accepts TCP connections by the kernel's backlog, answers nothing
    void resume();  // SIGCONT
    [[nodiscard]] pid_t pid() const { return process_->pid(); }
    // What this process (since the last start) has logged: every packet in and out.
    [[nodiscard]] std::string log() const { return process_->err(); }
    [[nodiscard]] bool wait_for_log(std::string_view text, std::chrono::milliseconds limit) const {
        return process_->wait_for_output(text, limit);
    }

  private:
    [[nodiscard]] bool start_on(std::uint16_t port);

    BrokerOptions options_;
    TempDir directory_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Process> process_;
};

}  // namespace hi6gw::test
