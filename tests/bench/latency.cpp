#include "bench.h"
#include "modbus.h"
#include "support/temp_dir.h"
#include "wire.h"

#include <boost/json.hpp>
#include <mqtt/async_client.h>

#include <MQTTAsync.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

namespace hi6gw::bench {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Process;
using test::Simulator;

using Bits = std::array<int, 64>;

struct Observed {
    Change change;
    Steady::time_point arrived;
};

// Where the bits are changed and seen: on their topics, at the beginning of the payload.
struct Watched {
    std::function<Change(std::size_t bit, int value)> set;
    std::string before;  // the bit's number
    std::string after;
    std::string value;  // before it
    std::string end;
};

Watched hi6_inputs(Control& control) {
    return {[&control](std::size_t bit, int value) {
                return control.set("fb3.di" + std::to_string(bit), value);
            },
            "hi6/r1/state/in/", "", R"({"value":)", ","};
}

// One of 64 bits at a time changes. The waits after a message spread over `span`, the period, in
// steps of the golden ratio: every phase of the poll grid comes up equally often, in no order that
// the gateway could meet, and without the scatter that chance would add to the percentiles.
std::vector<Observed> toggle(const Watched& watched, Subscriber& subscriber, Bits& bits,
                             Seconds time, Steady::duration least_wait, Steady::duration span) {
    static std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<std::size_t> which(0, 63);
    constexpr double kGolden = 0.6180339887498949;
    double phase = 0;
    std::vector<Observed> all;
    const auto end = Steady::now() + std::chrono::duration_cast<Steady::duration>(time);
    while (Steady::now() < end) {
        const auto wait =
            least_wait + std::chrono::duration_cast<Steady::duration>(phase * Seconds(span));
        subscriber.drop_until(Steady::now() + wait);
        phase = std::fmod(phase + kGolden, 1.0);
        const std::size_t bit = which(random);
        bits.at(bit) ^= 1;
        const std::string topic = watched.before + std::to_string(bit) + watched.after;
        const std::string value = watched.value + std::to_string(bits.at(bit)) + watched.end;
        const auto wanted = [&](const Message& message) {
            return message.topic == topic && message.payload.starts_with(value);
        };
        Message message;
        const Change change = watched.set(bit, bits.at(bit));
        if (!subscriber.next(wanted, message, change.sent + 10s)) {
            throw std::runtime_error("a change did not arrive: " + topic);
        }
        all.push_back({change, message.arrived});
    }
    return all;
}

// The CPU time of a process, second by second: what a shared machine does beside it for a moment
// does not spoil the median.
class CpuMeter {
  public:
    explicit CpuMeter(pid_t pid) : pid_(pid), first_(reading()), sampler_([this] { sample(); }) {}
    CpuMeter(const CpuMeter&) = delete;
    CpuMeter& operator=(const CpuMeter&) = delete;
    ~CpuMeter() { stop(); }

    void stop() {
        if (sampler_.joinable()) {
            mean_ = share(first_, reading());
            {
                const std::lock_guard lock(mutex_);
                stopping_ = true;
            }
            changed_.notify_one();
            sampler_.join();
            if (seconds_.empty()) {
                seconds_.push_back(mean_);
            }
        }
    }
    void add_to(Report& report, const std::string& goal = "") const {
        report.add("CPU meanwhile", "% of a core", mean_, goal);
        report.add("CPU, the median second", "% of a core", percentile(seconds_, 0.5), goal);
    }

  private:
    struct Reading {
        Steady::time_point at;
        Seconds cpu;
    };
    [[nodiscard]] Reading reading() const { return {Steady::now(), cpu_time(pid_)}; }
    static double share(const Reading& from, const Reading& to) {
        return 100 * (to.cpu - from.cpu).count() / Seconds(to.at - from.at).count();
    }
    void sample() {
        Reading last = first_;
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, 1s, [this] { return stopping_; })) {
            const Reading now = reading();
            seconds_.push_back(share(last, now));
            last = now;
        }
    }

    pid_t pid_;
    Reading first_;
    double mean_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::vector<double> seconds_;
    std::thread sampler_;  // last: it uses the others
};

// Where each read ended, hence sampled: the simulator samples right before it replies.
std::vector<Steady::time_point> read_ends(const Simulator& simulator) {
    std::vector<Steady::time_point> ends;
    const json::value log = json::parse(simulator.log());
    for (const json::value& entry : log.at("entries").as_array()) {
        const auto since_boot = std::chrono::microseconds(entry.at("t_us").as_int64() +
                                                          entry.at("duration_us").as_int64());
        ends.emplace_back(since_boot);
    }
    return ends;
}

// Until the first read that saw the change was over. Where a read ended while the change was under
// way, the arrival tells whether it was that one or the next.
Steady::time_point first_read(const std::vector<Steady::time_point>& ends, const Observed& seen) {
    auto at = std::ranges::lower_bound(ends, seen.change.sent);
    if (at != ends.end() && *at <= seen.change.replied && at + 1 != ends.end() &&
        at[1] <= seen.arrived) {
        ++at;
    }
    return at == ends.end() ? seen.arrived : *at;
}

}  // namespace

void measure_latency(Report& report, Seconds time, const std::string& max_load) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--quiet"});
    fill(simulator, "fb3.di", 8, 120);  // the bits that are watched stay 0
    Subscriber subscriber(broker.port(), "hi6/r1/state/#");
    Gateway gateway(
        gateway_yaml(broker, simulator, "10ms", "    max_load: " + max_load + "\n", kBits64));
    Control control(simulator.control_port());
    Bits bits{};
    toggle(hi6_inputs(control), subscriber, bits, 1s, 2ms, 10ms);  // to warm up
    test::http_request(simulator.control_port(), "DELETE", "/log");
    CpuMeter cpu(gateway.process().pid());
    const auto began = Steady::now();
    const std::vector<Observed> all =
        toggle(hi6_inputs(control), subscriber, bits, time, 2ms, 10ms);
    cpu.stop();
    const Seconds wall = Steady::now() - began;
    const auto ends = read_ends(simulator);

    std::vector<double> measured;
    std::vector<double> ideal;
    std::vector<double> above;
    std::vector<double> uncertain;
    for (const Observed& seen : all) {
        const auto read = first_read(ends, seen);
        measured.push_back(ms(seen.arrived - seen.change.middle()));
        ideal.push_back(std::max(0.0, ms(read - seen.change.middle())));
        above.push_back(ms(seen.arrived - read));
        uncertain.push_back(ms(seen.change.replied - seen.change.sent) / 2);
    }
    const double p50 = percentile(measured, 0.5);
    const double p99 = percentile(measured, 0.99);
    report.section("1. Change to MQTT message: 64 bits, 10 ms period, 4 ms controller, max_load " +
                   max_load);
    add_percentiles(report, "change to message", measured, "5.5", "10.5");
    report.add("above 5 ms, p50", "ms", p50 - 5, "0.5");
    report.add("above 10 ms, p99", "ms", p99 - 10, "0.5");
    add_percentiles(report, "change to end of the first read that saw it", ideal, "5 in theory",
                    "9.9 in theory");
    add_percentiles(report, "end of that read to message", above, "0.5", "");
    report.add("p99 of messages less p99 of reads", "ms", p99 - percentile(ideal, 0.99), "0.5");
    report.add("uncertainty of the moment of change (half the control request), p50", "+-ms",
               percentile(uncertain, 0.5));
    report.add("the same, p99", "+-ms", percentile(uncertain, 0.99));
    report.add("changes", "", static_cast<double>(all.size()));
    report.add("reads", "/s", static_cast<double>(ends.size()) / wall.count(), "100");
    report.add("poll overruns", "", gateway.metric("hi6gw_poll_overruns_total"));
    cpu.add_to(report, "1.3");
}

void measure_seed_latency(Report& report, Seconds time) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--quiet"});
    Subscriber subscriber(broker.port(), "hi6/r1/state/#");
    const Process script({{"/usr/bin/python3", std::string(BENCH_DIR) + "/seed_poller.py",
                           std::to_string(simulator.port()), std::to_string(broker.port()), "64"},
                          {},
                          {},
                          {}});
    Control control(simulator.control_port());
    Bits bits{};
    const auto once = [](const Message& message) { return message.topic.ends_with("/63"); };
    Message message;
    if (!subscriber.next(once, message, Steady::now() + 20s)) {
        throw std::runtime_error("seed_poller.py does not get going: " + script.err());
    }
    std::vector<double> measured;
    for (const Observed& seen : toggle(hi6_inputs(control), subscriber, bits, time, 10ms, 500ms)) {
        measured.push_back(ms(seen.arrived - seen.change.middle()));
    }
    report.section("1b. The same done with the vendor's synchronous sample (one GET a signal)");
    add_percentiles(report, "change to message", measured, "", "");
    report.add("changes", "", static_cast<double>(measured.size()));
}

void measure_node_red_latency(Report& report, Seconds time, const std::string& node_red) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--quiet"});
    Subscriber subscriber(broker.port(), "hi6/r1/state/#");
    const test::TempDir directory;  // Node-RED writes beside its flow
    const std::filesystem::path flow = directory.path() / "flow.json";
    std::filesystem::copy_file(std::string(BENCH_DIR) + "/node_red/flow.json", flow);
    const Process process(
        {{"node", node_red + "/red.js", "-u", directory.path().string(), "-D",
          "httpAdminRoot=false", "-D", "httpNodeRoot=false", flow.string()},
         {{"BLOCK_URL", simulator.url() + "/project/plc/fb3_di/val_s32?st=0&len=2"},
          {"BROKER_PORT", std::to_string(broker.port())}},
         {},
         {}});
    const auto once = [](const Message& message) { return message.topic.ends_with("/63"); };
    Message message;
    if (!subscriber.next(once, message, Steady::now() + 30s)) {
        throw std::runtime_error("Node-RED does not get going: " + process.out() + process.err());
    }
    Control control(simulator.control_port());
    Bits bits{};
    toggle(hi6_inputs(control), subscriber, bits, 3s, 2ms, 10ms);  // until its code is compiled
    test::http_request(simulator.control_port(), "DELETE", "/log");
    CpuMeter cpu(process.pid());
    const auto began = Steady::now();
    std::vector<double> measured;
    for (const Observed& seen : toggle(hi6_inputs(control), subscriber, bits, time, 2ms, 10ms)) {
        measured.push_back(ms(seen.arrived - seen.change.middle()));
    }
    cpu.stop();
    const Seconds wall = Steady::now() - began;
    report.section("1c. The same done with Node-RED: a flow with a block read every 10 ms");
    add_percentiles(report, "change to message", measured, "", "");
    report.add("changes", "", static_cast<double>(measured.size()));
    report.add("reads", "/s", static_cast<double>(read_ends(simulator).size()) / wall.count());
    cpu.add_to(report);
    report.add("RSS", "MB", resident_bytes(process.pid()) / 1e6);
}

void measure_mqmgateway_latency(Report& report, Seconds time, const std::string& modmqttd) {
    const Broker broker(quiet_broker());
    ModbusDevice device;
    Subscriber subscriber(broker.port(), "o/#");
    const test::TempDir directory;
    const std::filesystem::path file = directory.path() / "modmqttd.yaml";
    {
        std::ofstream yaml(file);
        yaml << "modmqttd: {log_level: warning}\nmodbus:\n  networks:\n    - {name: tcp, address: "
                "127.0.0.1, port: "
             << device.port()
             << ", slaves: [{address: 1, poll_groups: [{register: 1, register_type: coil, count: "
                "64}]}]}\nmqtt:\n  client_id: mqm\n  refresh: 10ms\n  broker: {host: localhost, "
                "port: "
             << broker.port() << "}\n  objects:\n";
        for (int bit = 0; bit < 64; ++bit) {
            yaml << "    - {topic: o/" << bit << ", state: {register: tcp.1." << bit + 1
                 << ", register_type: coil}}\n";
        }
    }
    const Process process({{modmqttd, "--config", file.string()}, {}, {}, {}});
    const auto once = [](const Message& message) { return message.topic == "o/63/state"; };
    Message message;
    if (!subscriber.next(once, message, Steady::now() + 20s)) {
        throw std::runtime_error("mqmgateway does not get going: " + process.out() + process.err());
    }
    const Watched coils{[&device](std::size_t bit, int value) { return device.set(bit, value); },
                        "o/", "/state", "", ""};
    Bits bits{};
    toggle(coils, subscriber, bits, 1s, 2ms, 10ms);  // to warm up
    CpuMeter cpu(process.pid());
    std::vector<double> measured;
    for (const Observed& seen : toggle(coils, subscriber, bits, time, 2ms, 10ms)) {
        measured.push_back(ms(seen.arrived - seen.change.middle()));
    }
    cpu.stop();
    report.section(
        "1d. mqmgateway at a Modbus/TCP device of the same pace (it publishes at QoS 0)");
    add_percentiles(report, "change to message", measured, "", "");
    report.add("changes", "", static_cast<double>(measured.size()));
    cpu.add_to(report);
    report.add("RSS", "MB", resident_bytes(process.pid()) / 1e6);
}

void measure_paho_cpu(Report& report, Seconds time) {
    const Broker broker(quiet_broker());
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);  // as in the gateway
    ::mqtt::async_client client("tcp://127.0.0.1:" + std::to_string(broker.port()), "bare",
                                ::mqtt::create_options(MQTTVERSION_5));
    ::mqtt::connect_options options;
    options.set_mqtt_version(MQTTVERSION_5);
    options.set_clean_start(true);
    client.connect(options)->wait();
    std::size_t published = 0;
    CpuMeter cpu(::getpid());
    const auto began = Steady::now();
    while (Steady::now() < began + time) {
        pass(12ms);  // about as many messages as the others' changes
        client.publish("hi6/r1/state/in/" + std::to_string(published % 64),
                       R"({"value":1,"timestamp":"2026-01-01T00:00:00.000Z","quality":"good"})", 1,
                       true);
        ++published;
    }
    cpu.stop();
    const Seconds wall = Steady::now() - began;
    client.disconnect()->wait();
    report.section("1e. Paho alone: a loop that sleeps and publishes at QoS 1, and nothing else");
    report.add("messages", "/s", static_cast<double>(published) / wall.count());
    cpu.add_to(report);
}

}  // namespace hi6gw::bench
