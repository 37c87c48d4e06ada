#include "support/rig.h"

#include "support/net.h"
#include "support/paths.h"

#include <boost/json.hpp>

#include <poll.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

// Of the address that follows; 0: none does.
std::uint16_t port_after(const std::string& text, const std::string& mark) {
    const auto at = text.find(mark);
    const auto colon = text.find(':', at == std::string::npos ? at : at + mark.size());
    return colon == std::string::npos
               ? std::uint16_t{0}
               : static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)));
}

}  // namespace

bool eventually(const std::function<bool()>& done, std::chrono::milliseconds limit,
                std::chrono::milliseconds pace) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        // Looks again after that; what is waited for is the condition.
        ::poll(nullptr, 0, static_cast<int>(pace.count()));
    }
    return true;
}

Simulator::Simulator(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    for (int attempt = 0; attempt < 5; ++attempt) {
        port_ = free_port();
        control_port_ = free_port();
        if (comes_up()) {
            return;
        }
    }
    throw std::runtime_error("hi6sim does not start: " + process_->err());
}

void Simulator::start() {
    if (!comes_up()) {
        throw std::runtime_error("hi6sim does not start again: " + process_->err());
    }
}

bool Simulator::comes_up() {
    std::vector<std::string> argv = {std::string(BINARY_DIR) + "/src/sim/hi6sim", "--port",
                                     std::to_string(port_), "--control-port",
                                     std::to_string(control_port_)};
    argv.insert(argv.end(), arguments_.begin(), arguments_.end());
    process_ = std::make_unique<Process>(ProcessOptions{argv, {}, {}, {}});
    return process_->wait_for_output("hi6sim control on http://", 10s) &&
           process_->wait_for_output("hi6sim listening on http://", 10s);
}

void Simulator::kill() {
    process_.reset();
}

void Simulator::set(const std::string& relay, double value) const {
    const json::object body{{"name", relay}, {"value", value}};
    const HttpReply reply = http_request(control_port_, "POST", "/memory", json::serialize(body));
    if (reply.status != 200) {
        throw std::runtime_error("set " + relay + ": " + reply.body);
    }
}

double Simulator::get(const std::string& relay) const {
    const HttpReply reply = http_request(control_port_, "GET", "/memory?name=" + relay);
    return json::parse(reply.body).at("value").to_number<double>();
}

void Simulator::fault(const std::string& text) const {
    const HttpReply reply = http_request(control_port_, "POST", "/faults", "[" + text + "]");
    if (reply.status != 200) {
        throw std::runtime_error("fault " + text + ": " + reply.body);
    }
}

void Simulator::clear_faults() const {
    http_request(control_port_, "DELETE", "/faults");
}

void Simulator::control(const std::string& text) const {
    const HttpReply reply = http_request(control_port_, "POST", "/control", text);
    if (reply.status != 200) {
        throw std::runtime_error("control " + text + ": " + reply.body);
    }
}

std::string Simulator::log() const {
    return http_request(control_port_, "GET", "/log?since=0").body;
}

std::vector<LoggedRequest> Simulator::requests(std::int64_t since) const {
    std::vector<LoggedRequest> out;
    for (;;) {
        const HttpReply reply =
            http_request(control_port_, "GET", "/log?since=" + std::to_string(since));
        const json::value log = json::parse(reply.body);
        const json::array& entries = log.at("entries").as_array();
        if (entries.empty()) {
            return out;
        }
        if (entries.front().at("seq").to_number<std::int64_t>() != since + 1) {
            throw std::runtime_error("the simulator's log has lost some of its requests");
        }
        for (const json::value& entry : entries) {
            since = entry.at("seq").to_number<std::int64_t>();
            LoggedRequest& one = out.emplace_back();
            one.seq = since;
            one.wall_us = entry.at("wall_us").as_int64();
            one.method = entry.at("method").as_string();
            one.target = entry.at("target").as_string();
            one.body = entry.at("body").as_string();
            one.status = entry.at("status").to_number<int>();
            one.applied = entry.at("applied").as_bool();
            one.done = entry.at("duration_us").to_number<std::int64_t>() > 0;
        }
    }
}

std::vector<LoggedRequest> Simulator::posts() const {
    std::vector<LoggedRequest> out = requests();
    std::erase_if(out, [](const LoggedRequest& one) { return one.method != "POST"; });
    return out;
}

std::string Simulator::stats() const {
    return http_request(control_port_, "GET", "/stats").body;
}

std::int64_t Simulator::stat(const std::string& name) const {
    return json::parse(stats()).at(name).to_number<std::int64_t>();
}

std::vector<std::int64_t> Simulator::connects() const {
    std::vector<std::int64_t> out;
    const json::value all = json::parse(http_request(control_port_, "GET", "/connections").body);
    for (const json::value& one : all.as_array()) {
        out.push_back(one.at("wall_us").as_int64());
    }
    return out;
}

Usage usage_of(pid_t pid) {
    const std::filesystem::path process = "/proc/" + std::to_string(pid);
    Usage usage;
    std::ifstream status(process / "status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) {
            usage.rss_kb = std::stoll(line.substr(6));
        } else if (line.starts_with("Threads:")) {
            usage.threads = std::stoul(line.substr(8));
        }
    }
    std::error_code gone;
    for (std::filesystem::directory_iterator fd(process / "fd", gone), end; !gone && fd != end;
         fd.increment(gone)) {
        ++usage.fds;
    }
    return usage;
}

Gateway::Gateway(const std::string& yaml, GatewayOptions options) : options_(std::move(options)) {
    rewrite(yaml);
    start();
}

void Gateway::rewrite(const std::string& yaml) {
    const bool has_http = yaml.starts_with("http:") || yaml.find("\nhttp:") != std::string::npos;
    config_ =
        directory_.file("hi6gw.yaml", has_http ? yaml : yaml + "\nhttp: {listen: 127.0.0.1:0}\n");
}

std::string Gateway::program() {
    return std::string(BINARY_DIR) + "/src/hi6gw";
}

void Gateway::start() {
    std::vector<std::string> argv = options_.before;
    argv.insert(argv.end(), {program(), "run", "-c", config_.string()});
    // For sanitizer builds; see the file.
    const std::string leaks =
        "print_suppressions=0:suppressions=" SOURCE_DIR "/tests/support/lsan.supp";
    ProcessOptions process;
    process.argv = std::move(argv);
    // A sanitizer holds back 256 MB of freed memory by default, in which no growth could be seen;
    // and wants to be the first library loaded (Shim), but does not need to be.
    const char* const given = std::getenv("ASAN_OPTIONS");  // NOLINT(concurrency-mt-unsafe)
    const std::string sanitizer = (given == nullptr ? "" : std::string(given) + ':') +
                                  "quarantine_size_mb=8:verify_asan_link_order=0";
    process.env = {{"STATE_DIRECTORY", state_directory()},
                   {"LSAN_OPTIONS", leaks},
                   {"ASAN_OPTIONS", sanitizer}};
    process.env.insert(process.env.end(), options_.env.begin(), options_.env.end());
    process.directory = directory_.path().string();
    process_ = std::make_unique<Process>(std::move(process));
    if (!process_->wait_for_output(" runs: ", 10s)) {
        throw std::runtime_error("hi6gw does not start: " + process_->err());
    }
}

std::uint16_t Gateway::http_port() const {
    return port_after(process_->err(), "metrics and health on http://");
}

double Gateway::metric(const std::string& name, const std::string& label) const {
    std::istringstream lines(get("/metrics").body);
    double sum = 0;
    for (std::string line; std::getline(lines, line);) {
        const bool named = line.starts_with(name + "{") || line.starts_with(name + " ");
        if (named && line.find(label) != std::string::npos) {
            sum += std::stod(line.substr(line.rfind(' ') + 1));
        }
    }
    return sum;
}

int Gateway::stop() {
    process_->signal(SIGTERM);
    return process_->wait(5s).value_or(-1);
}

}  // namespace hi6gw::test
