// From the program's start to its first value, and to the last one of many.

#include "bench.h"
#include "wire.h"

#include <stdexcept>
#include <string>
#include <unordered_set>

namespace hi6gw::bench {
namespace {

using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Simulator;

bool is_good(const Message& message) {
    return message.payload.find("\"quality\":192") != std::string::npos;
}

// When the first good state arrived, and when each of `signals` had had one.
struct Arrived {
    Steady::time_point first;
    Steady::time_point last;
};
Arrived snapshot(Subscriber& states, std::size_t signals) {
    Arrived out;
    std::unordered_set<std::string> seen;
    const auto limit = Steady::now() + 60s;
    while (seen.size() < signals) {
        Message message;
        if (!states.next(is_good, message, limit)) {
            throw std::runtime_error("only " + std::to_string(seen.size()) + " values arrived");
        }
        out.first = seen.empty() ? message.arrived : out.first;
        out.last = message.arrived;
        seen.insert(message.topic);
    }
    return out;
}

void run(Report& report, const std::string& signals, std::size_t count, const std::string& goal) {
    Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--quiet"});
    for (int block = 0; block < 10; ++block) {
        fill(simulator, "fb" + std::to_string(block) + ".di", 0, 120);
    }
    Subscriber states(broker.port(), "hi6/r1/state/#");
    const auto started = Steady::now();
    Gateway gateway(gateway_yaml(broker, simulator, "100ms", "", signals));
    const Arrived at = snapshot(states, count);
    report.add("exec to the first value at a subscriber", "ms", ms(at.first - started), "500");
    report.add("exec to the last first value", "ms", ms(at.last - started));
    report.add("first to last value", "ms", ms(at.last - at.first), goal);
    if (gateway.stop() != 0) {
        throw std::runtime_error("the gateway did not end in order");
    }
}

}  // namespace

void measure_start(Report& report) {
    report.section("9. Start: 64 signals, 4 ms controller");
    run(report, kBits64, 64, "");
    report.section("9b. Start: 10,000 signals of one 4 ms controller");
    run(report,
        "      - {name: \"in/{i}\", address: \"di{i}\", for: 0..9599}\n"
        "      - {name: \"out/{i}\", address: \"do{i}\", for: 0..399}\n",
        10000, "1000");
}

}  // namespace hi6gw::bench
