#pragma once
// The measurements. Each starts the programs that it needs anew and adds one figure a row.

#include "report.h"
#include "support/rig.h"

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace hi6gw::bench {

using Seconds = std::chrono::duration<double>;

// latency.cpp: from a change in the controller to the message at a subscriber.
void measure_latency(Report& report, Seconds time, const std::string& max_load);
void measure_seed_latency(Report& report, Seconds time);
// `node_red`: where its npm package is.
void measure_node_red_latency(Report& report, Seconds time, const std::string& node_red);

// `modmqttd`: mqmgateway's program, which polls a Modbus/TCP device of the same pace.
void measure_mqmgateway_latency(Report& report, Seconds time, const std::string& modmqttd);
// What of the gateway's CPU the MQTT client is, which a publisher at QoS 0 does not have.
void measure_paho_cpu(Report& report, Seconds time);

// rates.cpp: what the controller and this machine see of the gateway.
void measure_sweep(Report& report, Seconds time);
// `wrk_first`: takes turns from round to round.
void measure_back_to_back(Report& report, Seconds time, bool wrk_first);
void measure_load(Report& report, Seconds time);
void measure_split_writes(Report& report, Seconds time);

// commands.cpp: from a command's publication to its POST and its result.
struct CommandLoad {
    std::string title;
    std::string poll;
    std::chrono::milliseconds apart;   // between a result and the next command, at least;
    std::chrono::milliseconds spread;  // and this much more at most
    std::string goal;                  // of the p99 above the broker's delivery
};
void measure_commands(Report& report, Seconds time, const CommandLoad& load);
void measure_curl(Report& report, Seconds time);
// journal.cpp: events through the journal, beside SQLite alone.
void measure_journal(Report& report, Seconds time);
// burst.cpp: many messages at once.
void measure_burst(Report& report);
void measure_reconnect(Report& report);
// start.cpp: from the program's start to its first value, and to the last one of 10,000.
void measure_start(Report& report);
// scale.cpp: how the costs grow.
void measure_scale(Report& report, Seconds time);

// What several share.
void add_percentiles(Report& report, const std::string& what, const std::vector<double>& values,
                     const std::string& goal50 = "", const std::string& goal99 = "");
[[nodiscard]] test::BrokerOptions quiet_broker();
[[nodiscard]] std::string gateway_yaml(const test::Broker& broker, const test::Simulator& simulator,
                                       const std::string& poll, const std::string& controller_keys,
                                       const std::string& signals);
// Gives bytes first..end of an area values by which the gateway can prove the block read at once.
void fill(const test::Simulator& simulator, const std::string& area, int first, int end);
// CPU time of a process so far, all threads, user and system.
[[nodiscard]] Seconds cpu_time(pid_t pid);
[[nodiscard]] double resident_bytes(pid_t pid);  // as ps and top show it
[[nodiscard]] double private_bytes(pid_t pid);
void pass(Seconds time);
[[nodiscard]] double ms(std::chrono::steady_clock::duration time);

inline const std::string kBits64 =
    "      - {name: \"in/{i}\", address: \"fb3.di{i}\", for: 0..63}\n";

}  // namespace hi6gw::bench
