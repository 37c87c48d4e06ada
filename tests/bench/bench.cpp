// hi6gw_bench: figures of the gateway beside what they are held against. run.sh builds and starts
// it. Every scenario runs once a round, next to its comparison, so that whatever else the machine
// does meanwhile hits both; medians of the rounds are what counts.

#include "bench.h"

#include <CLI/CLI.hpp>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>

namespace hi6gw::bench {

using namespace std::chrono_literals;

// The log of every packet that tests want costs time that no plant pays.
test::BrokerOptions quiet_broker() {
    test::BrokerOptions options;
    options.config = {"log_type none"};
    return options;
}

std::string gateway_yaml(const test::Broker& broker, const test::Simulator& simulator,
                         const std::string& poll, const std::string& controller_keys,
                         const std::string& signals) {
    return "gateway: {id: bench}\nmqtt: {url: \"" + broker.url() + "\"}\ndefaults: {poll: " + poll +
           "}\ncontrollers:\n  - name: r1\n    url: " + simulator.url() + "\n" + controller_keys +
           "    signals:\n" + signals;
}

void fill(const test::Simulator& simulator, const std::string& area, int first, int end) {
    std::string values;
    for (int byte = first; byte < end; ++byte) {
        values += (values.empty() ? "" : ",") + std::to_string(byte % 127 + 1);
    }
    const auto reply = test::http_request(
        simulator.control_port(), "POST", "/memory",
        R"({"name":")" + area + "b" + std::to_string(first) + R"(","values":[)" + values + "]}");
    if (reply.status != 200) {
        throw std::runtime_error("filling " + area + ": " + reply.body);
    }
}

void add_percentiles(Report& report, const std::string& what, const std::vector<double>& values,
                     const std::string& goal50, const std::string& goal99) {
    report.add(what + ", p50", "ms", percentile(values, 0.5), goal50);
    report.add(what + ", p99", "ms", percentile(values, 0.99), goal99);
}

Seconds cpu_time(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
        throw std::runtime_error("no CPU time of process " + std::to_string(pid));
    }
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void pass(Seconds time) {
    ::poll(nullptr, 0, static_cast<int>(time.count() * 1000));
}

double ms(std::chrono::steady_clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

namespace {

struct Options {
    int rounds = 3;
    double seconds = 20;
    std::vector<std::string> only;
    std::string node_red;
    std::string modmqttd;
    std::string about;
    std::string out;
};

void one_round(Report& report, int round, const Options& options) {
    const Seconds time(options.seconds);
    const std::vector<std::string>& only = options.only;
    const auto named = [&only](const std::string& name) {
        return only.empty() || std::ranges::find(only, name) != only.end();
    };
    const std::vector<std::pair<std::string, std::function<void()>>> scenarios = {
        {"latency", [&] { measure_latency(report, time, "100%"); }},
        {"latency", [&] { measure_latency(report, time, "50%"); }},
        {"seed", [&] { measure_seed_latency(report, time); }},
        {"nodered",
         [&] {
             if (!options.node_red.empty()) {
                 measure_node_red_latency(report, time, options.node_red);
             }
         }},
        {"mqmgateway",
         [&] {
             if (!options.modmqttd.empty()) {
                 measure_mqmgateway_latency(report, time, options.modmqttd);
             }
         }},
        {"paho", [&] { measure_paho_cpu(report, time); }},
        {"sweep", [&] { measure_sweep(report, time / 4); }},
        {"race", [&] { measure_back_to_back(report, time / 4, round % 2 == 0); }},
        {"load", [&] { measure_load(report, time / 2); }},
        {"split", [&] { measure_split_writes(report, time / 2); }},
        {"commands",
         [&] { measure_commands(report, time, {"idle lane", "10s", 50ms, 10ms, "2"}); }},
        {"commands",
         [&] {
             measure_commands(report, 3 * time,  // a command every 1.6 s
                              {"idle lane, silence of 1 to 2.2 s between", "10s", 1s, 1200ms, "2"});
         }},
        {"commands",
         [&] { measure_commands(report, time, {"polled every 10 ms", "10ms", 50ms, 10ms, ""}); }},
        {"commands", [&] { measure_curl(report, time); }},
        {"journal", [&] { measure_journal(report, time / 2); }},
        {"burst", [&] { measure_burst(report); }},
        {"start", [&] { measure_start(report); }},
        {"reconnect", [&] { measure_reconnect(report); }},
        {"scale", [&] { measure_scale(report, time / 4); }}};
    for (const auto& [name, measure] : scenarios) {
        if (named(name)) {
            measure();
        }
    }
    std::array<double, 1> load{};
    ::getloadavg(load.data(), 1);
    report.section("The machine meanwhile");
    report.add("load average (1 min, this benchmark included)", "", load.front());
}

int main(int argc, char** argv) {
    CLI::App app("Figures of hi6gw beside what they are held against", "hi6gw_bench");
    Options options;
    app.add_option("--rounds", options.rounds, "How often each scenario runs")
        ->capture_default_str();
    app.add_option("--seconds", options.seconds, "Length of a latency run; the others are shorter")
        ->capture_default_str();
    app.add_option(
        "--only", options.only,
        "Of: latency seed nodered mqmgateway paho sweep race load split commands journal burst "
        "start reconnect scale");
    app.add_option("--node-red", options.node_red,
                   "Node-RED's npm package; without it, it is left out");
    app.add_option("--modmqttd", options.modmqttd,
                   "mqmgateway's program; without it, it is left out");
    app.add_option("--about", options.about, "What to say of the machine");
    app.add_option("--out", options.out, "File for the table; the plot goes beside it, as .svg");
    CLI11_PARSE(app, argc, argv);
    Report report;
    for (int round = 0; round < options.rounds; ++round) {
        std::cerr << "round " << round + 1 << " of " << options.rounds << '\n';
        one_round(report, round, options);
    }
    const std::string text = "# Figures of the last run\n\nMade by `tests/bench/run.sh`: " +
                             std::to_string(options.rounds) + " rounds. " + options.about + "\n" +
                             report.table();
    std::cout << text;
    if (!options.out.empty()) {
        const std::filesystem::path plot =
            std::filesystem::path(options.out).replace_extension(".svg");
        std::ofstream(plot) << report.plot();
        std::ofstream(options.out) << text << "\n![Medians, and spread, as shares of their goals]("
                                   << plot.filename().string() << ")\n";
    }
    return 0;
}

}  // namespace
}  // namespace hi6gw::bench

int main(int argc, char** argv) {
    try {
        return hi6gw::bench::main(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "hi6gw_bench: " << error.what() << '\n';
        return 1;
    }
}
