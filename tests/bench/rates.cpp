#include "bench.h"
#include "wire.h"

#include <boost/json.hpp>

#include <poll.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <stdexcept>

namespace hi6gw::bench {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Simulator;

// Requests a second that the simulator counts while `time` passes.
double reads_per_second(const Simulator& simulator, Seconds time) {
    const auto before = simulator.stat("reads");
    const auto began = Steady::now();
    pass(time);
    const auto reads = simulator.stat("reads") - before;
    return static_cast<double>(reads) / Seconds(Steady::now() - began).count();
}

void wait_until_read(const Simulator& simulator, std::int64_t reads) {
    if (!test::eventually([&] { return simulator.stat("reads") >= reads; }, 20s)) {
        throw std::runtime_error("the gateway does not read");
    }
}

// The first number after `mark` in what a program printed.
double number_after(const std::string& text, const std::string& mark) {
    const auto at = text.find(mark);
    if (at == std::string::npos) {
        throw std::runtime_error("no '" + mark + "' in: " + text);
    }
    return std::stod(text.substr(at + mark.size()));
}

double wrk(const Simulator& simulator, const std::string& path, Seconds time) {
    const int seconds = std::max(1, static_cast<int>(time.count()));
    const auto finished = test::run(
        {"wrk", "-c1", "-t1", "-d" + std::to_string(seconds) + "s", simulator.url() + path},
        std::chrono::seconds(seconds + 20));
    if (finished.out.find("Non-2xx") != std::string::npos) {
        throw std::runtime_error("wrk: " + finished.out);
    }
    return number_after(finished.out, "Requests/sec:");
}

struct Race {
    std::string name;
    std::string get_time;
    std::string signals;
    std::string path;  // what wrk asks for; what the gateway asks for looks alike
    std::string goal;
};

double gateway_rate(Report& report, const Simulator& simulator, const Race& race, Seconds time) {
    const Broker broker(quiet_broker());
    Gateway gateway(gateway_yaml(broker, simulator, "1ms", "    max_load: 100%\n", race.signals));
    const pid_t pid = gateway.process().pid();
    wait_until_read(simulator, simulator.stat("reads") + 500);  // the start is over
    const Seconds before = cpu_time(pid);
    const double rate = reads_per_second(simulator, time);
    const Seconds cpu = cpu_time(pid) - before;
    report.add(race.name + ": hi6gw", "reads/s", rate);
    report.add(race.name + ": hi6gw, CPU a read", "us", 1e6 * cpu.count() / (rate * time.count()));
    return rate;
}

void run_race(Report& report, const Race& race, Seconds time, bool wrk_first) {
    const Simulator simulator({"--get-time", race.get_time, "--quiet"});
    fill(simulator, "fb3.di", 8, 120);  // the bits that are watched stay 0
    fill(simulator, "fb0.do", 0, 120);
    fill(simulator, "m", 0, 20000);
    double other = wrk_first ? wrk(simulator, race.path, time) : 0;
    const double ours = gateway_rate(report, simulator, race, time);
    other = wrk_first ? other : wrk(simulator, race.path, time);
    report.add(race.name + ": wrk -c1 -t1", "reads/s", other);
    if (!race.goal.empty()) {
        report.add(race.name + ": ratio", "", ours / other, race.goal);
    }
}

}  // namespace

void measure_sweep(Report& report, Seconds time) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--quiet"});
    fill(simulator, "fb3.di", 8, 120);  // the bits that are watched stay 0
    const Gateway gateway(
        gateway_yaml(broker, simulator, "10ms", "",
                     "      - {name: \"in/{i}\", address: \"fb3.di{i}\", for: 0..959}\n"));
    wait_until_read(simulator, 100);
    test::http_request(simulator.control_port(), "DELETE", "/log");
    pass(time);
    std::map<std::string, double> targets;
    const json::value log = json::parse(simulator.log());
    for (const json::value& entry : log.at("entries").as_array()) {
        ++targets[std::string(entry.at("target").as_string())];
    }
    double all = 0;
    double sweeps = 0;  // each sweep asks for each of its targets once
    for (const auto& [target, count] : targets) {
        all += count;
        sweeps = std::max(sweeps, count);
    }
    report.section("2. All 960 bits of an area");
    report.add("requests per sweep", "", all / sweeps, "1");
    report.add("different requests", "", static_cast<double>(targets.size()), "1");
    report.add("sweeps", "/s", sweeps / time.count(), "100");
}

void measure_back_to_back(Report& report, Seconds time, bool wrk_first) {
    std::string many;  // 160 blocks of 30 words
    for (int block = 0; block < 160; ++block) {
        for (const int word : {0, 29}) {
            const std::string index = std::to_string(block * 120 + word * 4);
            many += "      - {name: \"m" + index + "\", address: \"ml" + index + "\"}\n";
        }
    }
    report.section("3. Back to back: poll 1ms, max_load 100%");
    const std::string one = "/project/plc/fb3_di/val_s32?st=0&len=2";
    for (const Race& each : {Race{"160 blocks, instant controller", "0", many,
                                  "/project/plc/m/val_s32?st=0&len=30", "0.9"},
                             Race{"one block, 4 ms controller", "4ms", kBits64, one, "0.9"},
                             Race{"one block, instant controller", "0", kBits64, one, ""}}) {
        run_race(report, each, time, wrk_first);
    }
    report.note(
        "One block of an instant controller is read 1000 times a second: the shortest period is 1 "
        "ms.");
}

void measure_load(Report& report, Seconds time) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--quiet"});
    fill(simulator, "fb3.di", 8, 120);  // the bits that are watched stay 0
    report.section("4. What it costs: 64 bits");
    for (const auto& [poll, name] :
         std::map<std::string, std::string>{{"10ms", "100 requests/s"}, {"1h", "idle"}}) {
        Gateway gateway(gateway_yaml(broker, simulator, poll, "", kBits64));
        const pid_t pid = gateway.process().pid();
        wait_until_read(simulator, simulator.stat("reads") + (poll == "1h" ? 3 : 100));
        pass(1s);
        const Seconds before = cpu_time(pid);
        const auto began = Steady::now();
        const double reads = reads_per_second(simulator, time);
        const Seconds wall = Steady::now() - began;
        const Seconds cpu = cpu_time(pid) - before;
        report.add(name + ": requests", "/s", reads);
        report.add(name + ": CPU", "% of a core", 100 * cpu.count() / wall.count(),
                   poll == "1h" ? "" : "<= 1.3");
        report.add(name + ": RSS", "MB", resident_bytes(pid) / 1e6, "<= 12");
        report.add(name + ": of that not text of programs and libraries", "MB",
                   private_bytes(pid) / 1e6);
    }
}

void measure_split_writes(Report& report, Seconds time) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "0", "--split-writes", "--quiet"});
    fill(simulator, "fb3.di", 8, 120);  // the bits that are watched stay 0
    report.section("5. Controller that sends header and body apart (--split-writes), instant");
    {
        const Gateway gateway(gateway_yaml(broker, simulator, "5ms", "", kBits64));
        wait_until_read(simulator, 100);
        const double overruns = gateway.metric("hi6gw_poll_overruns_total");
        report.add("hi6gw, poll 5ms", "reads/s", reads_per_second(simulator, time), "200");
        report.add("hi6gw, poll overruns", "",
                   gateway.metric("hi6gw_poll_overruns_total") - overruns, "0");
    }
    const auto plain = test::run({"/usr/bin/python3", std::string(BENCH_DIR) + "/plain_reader.py",
                                  std::to_string(simulator.port()),
                                  "/project/plc/fb3_di/val_s32?st=0&len=2", "3"});
    report.add("Python's http.client, as fast as it can", "reads/s", std::stod(plain.out));
}

}  // namespace hi6gw::bench
