#include "bench.h"
#include "wire.h"

#include <boost/json.hpp>

#include <cmath>
#include <stdexcept>

namespace hi6gw::bench {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Process;
using test::Simulator;

constexpr int kOutputs = 16;  // in turn, so that no output's rate limit is met

// When each POST was there, in order: the simulator's times are of the same clock.
std::vector<Steady::time_point> posts(const Simulator& simulator) {
    std::vector<Steady::time_point> out;
    for (std::int64_t since = 0;;) {
        const json::value log =
            json::parse(test::http_request(simulator.control_port(), "GET",
                                           "/log?since=" + std::to_string(since))
                            .body);
        const json::array& entries = log.at("entries").as_array();
        if (entries.empty()) {
            return out;
        }
        for (const json::value& entry : entries) {
            since = entry.at("seq").to_number<std::int64_t>();
            if (entry.at("method") == "POST") {
                out.emplace_back(std::chrono::microseconds(entry.at("t_us").as_int64()));
            }
        }
    }
}

// Sends commands for `time`, with every share of `spread` between them, so that every phase of the
// polls is met.
template <class Send>
void in_all_phases(Seconds time, std::chrono::milliseconds apart, std::chrono::milliseconds spread,
                   const Send& send) {
    constexpr double kGolden = 0.6180339887498949;
    double phase = 0;
    const auto end = Steady::now() + std::chrono::duration_cast<Steady::duration>(time);
    for (int n = 0; n < 5 || Steady::now() < end; ++n) {
        send(n);
        phase = std::fmod(phase + kGolden, 1.0);
        pass(apart + phase * spread);
    }
}

void expect_next(Subscriber& subscriber, const std::string& words, Message& found) {
    const auto wanted = [&](const Message& message) {
        return message.payload.find(words) != std::string::npos;
    };
    if (!subscriber.next(wanted, found, Steady::now() + 10s)) {
        throw std::runtime_error("nothing arrived with " + words);
    }
}

}  // namespace

void measure_commands(Report& report, Seconds time, const CommandLoad& load) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--post-time", "4ms", "--quiet"});
    fill(simulator, "fb3.di", 8, 120);
    Subscriber set(broker.port(), "hi6/r1/set/#");
    Subscriber result(broker.port(), "hi6/r1/result/#");
    const std::string outputs =
        "      - {name: \"o/{i}\", address: \"fb2.do{i}\", access: rw, for: 0..15}\n";
    Gateway gateway(
        gateway_yaml(broker, simulator, load.poll, "    max_load: 100%\n", kBits64 + outputs));
    if (!test::eventually([&] { return gateway.get("/readyz").status == 200; }, 10s)) {
        throw std::runtime_error("the gateway does not get going");
    }
    pass(1s);
    Publisher publisher(broker.port());
    std::vector<Steady::time_point> sent;
    std::vector<double> delivered;
    std::vector<double> answered;
    in_all_phases(time, load.apart, load.spread, [&](int n) {
        const std::string id = "\"id\":\"" + std::to_string(n) + "\"";
        const std::string topic = "hi6/r1/set/o/" + std::to_string(n % kOutputs);
        const auto at = publisher.publish(
            topic, R"({"value":)" + std::to_string(n / kOutputs % 2) + "," + id + "}");
        Message message;
        expect_next(set, id, message);
        sent.push_back(at);
        delivered.push_back(ms(message.arrived - at));
        expect_next(result, id, message);
        if (message.payload.find("verified") == std::string::npos) {
            throw std::runtime_error("not verified: " + message.payload);
        }
        answered.push_back(ms(message.arrived - at));
    });
    const auto arrived = posts(simulator);
    if (arrived.size() != sent.size()) {
        throw std::runtime_error("not one POST a command");
    }
    std::vector<double> posted;
    std::vector<double> above;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        posted.push_back(ms(arrived[i] - sent[i]));
        above.push_back(posted.back() - delivered[i]);
    }
    report.section("6. Set-command: " + load.title + ", 4 ms controller");
    add_percentiles(report, "publication to a bare subscriber (the broker's own delivery)",
                    delivered);
    add_percentiles(report, "publication to POST at the controller", posted);
    add_percentiles(report, "POST above that delivery", above, "", load.goal);
    add_percentiles(report, "publication to result (verified)", answered);
    report.add("commands", "", static_cast<double>(sent.size()));
}

// The same without a gateway: mosquitto_sub, a shell's loop, curl. No check, no read-back, no
// result.
void measure_curl(Report& report, Seconds time) {
    const Broker broker(quiet_broker());
    const Simulator simulator({"--get-time", "4ms", "--post-time", "4ms", "--quiet"});
    Subscriber set(broker.port(), "set");
    const std::string port = std::to_string(broker.port());
    const Process pipeline({{"/bin/bash", "-c",
                             "mosquitto_sub -p " + port +
                                 " -q 1 -t set | while read -r body; do [ $body != end ] || exit; "
                                 "curl -s -d \"$body\" " +
                                 simulator.url() + "/project/control/ios/dio/do_val; done"},
                            {},
                            {},
                            {}});
    Publisher publisher(broker.port());
    std::vector<Steady::time_point> sent;
    const auto body = [](int n) {
        return R"({"type":"do","blk_no":2,"sig_no":)" + std::to_string(n % kOutputs) +
               R"(,"val":)" + std::to_string(n / kOutputs % 2) + "}";
    };
    if (!test::eventually(
            [&] {
                publisher.publish("set", body(0));
                return simulator.stat("writes") > 0;
            },
            10s)) {
        throw std::runtime_error("the pipeline does not get going");
    }
    pass(1s);
    test::http_request(simulator.control_port(), "DELETE", "/log");
    in_all_phases(time, 50ms, 10ms,
                  [&](int n) { sent.push_back(publisher.publish("set", body(n))); });
    pass(500ms);
    const auto arrived = posts(simulator);
    publisher.publish("set", "end");  // of the shell's loop, and then of the subscriber before it
    pass(100ms);
    publisher.publish("set", "end");
    if (arrived.size() != sent.size()) {
        throw std::runtime_error("not one POST a command");
    }
    std::vector<double> posted;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        posted.push_back(ms(arrived[i] - sent[i]));
    }
    report.section("6b. The same by mosquitto_sub | curl (not verified, a connection a command)");
    add_percentiles(report, "publication to POST at the controller", posted);
}

}  // namespace hi6gw::bench
