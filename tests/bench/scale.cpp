// How the costs grow: with controllers, and with signals that do not change. One simulator stands
// for all controllers, so that what is measured is the gateway.

#include "bench.h"
#include "wire.h"

#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace hi6gw::bench {
namespace {

using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Simulator;

constexpr int kBits = 960;  // of a block

std::string inputs(int blocks) {
    std::string yaml;
    for (int block = 0; block < blocks; ++block) {
        const std::string number = std::to_string(block);
        yaml += "      - {name: \"in" + number + "/{i}\", address: \"fb" + number +
                ".di{i}\", for: 0..959}\n";
    }
    return yaml;
}

// A controller is an address: all of 127.0.0.0/8 is this machine.
std::string plant(const Broker& broker, const Simulator& simulator, int controllers, int blocks) {
    std::string yaml = "gateway: {id: bench}\nmqtt: {url: \"" + broker.url() +
                       "\"}\ndefaults: {poll: 100ms}\ncontrollers:\n";
    for (int n = 0; n < controllers; ++n) {
        yaml += "  - name: r" + std::to_string(n) + "\n    url: http://127.0." +
                std::to_string(n / 200) + "." + std::to_string(n % 200 + 1) + ":" +
                std::to_string(simulator.port()) + "\n    max_load: 100%\n    signals:\n" +
                inputs(blocks);
    }
    return yaml;
}

struct Cost {
    double requests = 0;  // a second
    double cpu = 0;       // share of a core
    double simulator = 0;
    double resident = 0;  // bytes
};

Cost cost_of(int controllers, int blocks, Seconds time) {
    const Broker broker(quiet_broker());
    Simulator simulator(
        {"--host", "0.0.0.0", "--get-time", "0", "--max-connections", "1000", "--quiet"});
    for (int block = 0; block < blocks; ++block) {
        fill(simulator, "fb" + std::to_string(block) + ".di", 0, kBits / 8);
    }
    Gateway gateway(plant(broker, simulator, controllers, blocks));
    const double signals = static_cast<double>(controllers) * blocks * kBits;
    const auto all_said = [&] { return gateway.metric("hi6gw_publish_seconds_count") >= signals; };
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
    Cost one;
    Cost hundred;
    for (const auto& [controllers, blocks] :
         {std::pair{1, 1}, {10, 1}, {100, 1}, {300, 1}, {1, 10}, {10, 10}}) {
        const Cost cost = cost_of(controllers, blocks, time);
        const std::string name =
            std::to_string(controllers) + " x " + std::to_string(blocks * kBits) + " bits";
        report.add(name + ": requests", "/s", cost.requests,
                   std::to_string(controllers * blocks * 10));
        report.add(name + ": CPU", "% of a core", 100 * cost.cpu,
                   controllers == 100 ? "<= 10" : "");
        report.add(name + ": CPU of the simulator", "% of a core", 100 * cost.simulator);
        report.add(name + ": CPU a request", "us", 1e6 * cost.cpu / cost.requests);
        report.add(name + ": RSS", "MB", cost.resident / 1e6);
        if (controllers == 1 && blocks == 1) {
            one = cost;
        } else if (controllers == 100) {
            hundred = cost;
        } else if (controllers == 1) {
            report.add("a further signal that does not change", "B",
                       (cost.resident - one.resident) / (9.0 * kBits), "<= 200");
        }
    }
    report.add("a further controller of 960 bits", "kB",
               (hundred.resident - one.resident) / 99 / 1000);
}

}  // namespace hi6gw::bench
