#include "support/broker.h"

#include "support/net.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace hi6gw::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// Debian installs it where only root's PATH looks.
std::string mosquitto() {
    return ::access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
}

}  // namespace

Broker::Broker(BrokerOptions options) : options_(std::move(options)) {
    for (int attempt = 0; attempt < 5; ++attempt) {
        if (start_on(free_port())) {
            return;
        }
    }
    throw std::runtime_error("mosquitto does not start: " + (process_ ? process_->err() : ""));
}

void Broker::start() {
    if (!start_on(port_)) {
        throw std::runtime_error("mosquitto does not start again: " + process_->err());
    }
}

bool Broker::start_on(std::uint16_t port) {
    process_.reset();
    port_ = port;
    std::string text = "listener " + std::to_string(port) + " 127.0.0.1\n";
    text += "user " + std::string(::geteuid() == 0 ? "root" : "nobody") + '\n';
    text += "log_dest stderr\nlog_type all\nset_tcp_nodelay true\n";
    if (options_.username.empty()) {
        text += "allow_anonymous true\n";
    } else {
        const std::string file = (directory_.path() / "passwords").string();
        run({"mosquitto_passwd", "-b", "-c", file, options_.username, options_.password});
        text += "allow_anonymous false\npassword_file " + file + '\n';
    }
    if (options_.persistence) {
        text += "persistence true\npersistence_location " + directory_.path().string() + "/\n";
    }
    for (const std::string& line : options_.config) {
        text += line + '\n';
    }
    ProcessOptions process;
    process.argv = {mosquitto(), "-c", directory_.file("mosquitto.conf", text).string()};
    process_ = std::make_unique<Process>(std::move(process));
    const auto limit = Clock::now() + seconds(10);
    while (Clock::now() < limit && !process_->wait(milliseconds(2))) {
        if (accepts(port)) {
            return true;
        }
    }
    return false;
}

void Broker::stop() {
    process_->signal(SIGTERM);
    if (!process_->wait(seconds(10))) {
        throw std::runtime_error("mosquitto does not stop");
    }
}

void Broker::kill() {
    process_->signal(SIGKILL);
    if (!process_->wait(seconds(10))) {
        throw std::runtime_error("mosquitto survived SIGKILL");
    }
}

void Broker::pause() {
    process_->signal(SIGSTOP);
}

void Broker::resume() {
    process_->signal(SIGCONT);
}

}  // namespace hi6gw::test
