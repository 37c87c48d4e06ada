// How the costs grow: with controllers, and with signals that do not change. One simulator stands
// for all controllers, so that what is measured is the gateway.

#include "bench.h"
#include "wire.h"

#include <unistd.h>

#include <fstream>
#include <map>
#include <stdexcept>

namespace hi6gw::bench {
namespace {

using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Simulator;

constexpr int kBits = 960;  // of a block
constexpr int kPolls = 10;  // a second

// What is configured of each controller.
struct Plant {
    int controllers;
    int blocks;
    int signals = kBits;  // of a block; 2: its first bit and its last, which take the same request
    [[nodiscard]] double all() const { return static_cast<double>(controllers) * blocks * signals; }
    [[nodiscard]] std::string name() const {
        return std::to_string(controllers) + " x " +
               (signals == kBits
                    ? std::to_string(blocks * kBits) + " bits"
                    : std::to_string(signals) + " of " + std::to_string(kBits) + " bits");
    }
};

std::string inputs(const Plant& plant) {
    std::string yaml;
    for (int block = 0; block < plant.blocks; ++block) {
        const std::string number = std::to_string(block);
        const std::string signal =
            "      - {name: \"in" + number + "/{i}\", address: \"fb" + number + ".di{i}\", for: ";
        yaml += plant.signals == kBits ? signal + "0..959}\n"
                                       : signal + "0..0}\n" + signal + "959..959}\n";
    }
    return yaml;
}

// A controller is an address: all of 127.0.0.0/8 is this machine.
std::string yaml_of(const Broker& broker, const Simulator& simulator, const Plant& plant) {
    std::string yaml = "gateway: {id: bench}\nmqtt: {url: \"" + broker.url() +
                       "\"}\ndefaults: {poll: 100ms}\ncontrollers:\n";
    for (int n = 0; n < plant.controllers; ++n) {
        yaml += "  - name: r" + std::to_string(n) + "\n    url: http://127.0." +
                std::to_string(n / 200) + "." + std::to_string(n % 200 + 1) + ":" +
                std::to_string(simulator.port()) + "\n    max_load: 100%\n    signals:\n" +
                inputs(plant);
    }
    return yaml;
}

struct Cost {
    double requests = 0;  // a second
    double cpu = 0;       // share of a core
    double simulator = 0;
    double resident = 0;  // bytes
};

Cost cost_of(const Plant& plant, Seconds time) {
    const Broker broker(quiet_broker());
    Simulator simulator(
        {"--host", "0.0.0.0", "--get-time", "0", "--max-connections", "1000", "--quiet"});
    for (int block = 0; block < plant.blocks; ++block) {
        fill(simulator, "fb" + std::to_string(block) + ".di", 0, kBits / 8);
    }
    Gateway gateway(yaml_of(broker, simulator, plant));
    const auto all_said = [&] {
        return gateway.metric("hi6gw_publish_seconds_count") >= plant.all();
    };
    if (!test::eventually(all_said, 120s, 500ms)) {
        throw std::runtime_error("the gateway does not say all");
    }
    pass(1s);
    const pid_t pid = gateway.process().pid();
    const auto reads = simulator.stat("reads");
    const Seconds cpu = cpu_time(pid);
    const Seconds other = cpu_time(simulator.process().pid());
    const auto began = Steady::now();
    pass(time);
    const double wall = Seconds(Steady::now() - began).count();
    Cost cost;
    cost.cpu = Seconds(cpu_time(pid) - cpu).count() / wall;
    cost.simulator = Seconds(cpu_time(simulator.process().pid()) - other).count() / wall;
    cost.requests = static_cast<double>(simulator.stat("reads") - reads) / wall;
    cost.resident = resident_bytes(pid);
    return cost;
}

}  // namespace

double resident_bytes(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/statm");
    double size = 0;
    double resident = 0;
    status >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// Written to, hence this process's alone.
double private_bytes(pid_t pid) {
    std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
    double kilobytes = 0;
    for (std::string word; rollup >> word;) {
        if (word == "Private_Dirty:") {
            rollup >> kilobytes;
        }
    }
    return kilobytes * 1024;
}

void measure_scale(Report& report, Seconds time) {
    report.section("11. Scale: every controller polled every 100 ms, nothing changes");
    std::map<std::string, Cost> costs;
    for (const Plant& plant :
         {Plant{1, 1}, {10, 1}, {100, 1}, {100, 1, 2}, {300, 1}, {1, 10}, {10, 10}, {100, 10}}) {
        const Cost cost = cost_of(plant, time);
        const std::string name = plant.name();
        const bool held = plant.controllers == 100 && plant.blocks == 1;
        report.add(name + ": requests", "/s", cost.requests,
                   std::to_string(plant.controllers * plant.blocks * kPolls));
        report.add(name + ": CPU", "% of a core", 100 * cost.cpu,
                   held && plant.signals == kBits ? "<= 10" : "");
        report.add(name + ": CPU of the simulator", "% of a core", 100 * cost.simulator);
        report.add(name + ": CPU a request", "us", 1e6 * cost.cpu / cost.requests);
        report.add(name + ": RSS", "MB", cost.resident / 1e6);
        costs[name] = cost;
    }
    const Cost& one = costs.at("1 x 960 bits");
    const Cost& hundred = costs.at("100 x 960 bits");
    report.add("a further signal that does not change, memory", "B",
               (costs.at("1 x 9600 bits").resident - one.resident) / (9.0 * kBits), "<= 200");
    report.add("a further controller of 960 bits, memory", "kB",
               (hundred.resident - one.resident) / 99 / 1000);
    report.add("100 x 960 bits / 100 x 2 of 960 bits, CPU", "",
               hundred.cpu / costs.at("100 x 2 of 960 bits").cpu, "1");
    report.add("100 x 960 bits, signals read a second for a whole core", "million",
               100.0 * kBits * kPolls / hundred.cpu / 1e6, ">= 1");
    report.note(
        "300 controllers of 9,600 bits would be more than a gateway takes: 1,000,000 signals.");
}

}  // namespace hi6gw::bench
