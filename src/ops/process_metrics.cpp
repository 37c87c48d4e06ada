#include "ops/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace hi6gw::ops {
namespace {

using prometheus::MetricType;

void add(std::vector<prometheus::MetricFamily>& families, MetricType type, const char* name,
         const char* help, double value) {
    prometheus::ClientMetric metric;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    families.push_back({name, help, type, {metric}});
}

// Fields of /proc/self/stat behind the command's name (proc(5)); index 0 is the state.
std::vector<double> stat_fields() {
    std::ifstream file("/proc/self/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) {
        return {};
    }
    std::istringstream rest(text.substr(name_end + 1));
    std::string state;
    rest >> state;
    std::vector<double> fields{0.0};
    fields.insert(fields.end(), std::istream_iterator<double>(rest), {});
    return fields;
}

// Seconds since the Unix epoch at which the machine was booted. Not from /proc/stat: the unit's
// sandbox (ProcSubset=pid) hides it.
double boot_time() {
    timespec wall{};
    timespec since_boot{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return static_cast<double>(wall.tv_sec - since_boot.tv_sec) +
           static_cast<double>(wall.tv_nsec - since_boot.tv_nsec) * 1e-9;
}

}  // namespace

void add_process_metrics(std::vector<prometheus::MetricFamily>& families) {
    const std::vector<double> stat = stat_fields();
    if (stat.size() > 21) {
        const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
        // Once: a clock that is set later does not move the start.
        static const double booted = boot_time();
        add(families, MetricType::Counter, "process_cpu_seconds_total",
            "User and system CPU time spent.", (stat[11] + stat[12]) / ticks);
        add(families, MetricType::Gauge, "process_threads", "Threads of the process.", stat[17]);
        add(families, MetricType::Gauge, "process_start_time_seconds",
            "Start time since the Unix epoch.", booted + stat[19] / ticks);
        add(families, MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory size.",
            stat[20]);
        add(families, MetricType::Gauge, "process_resident_memory_bytes", "Resident memory size.",
            stat[21] * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    }
    std::error_code ec;
    const std::filesystem::directory_iterator fds("/proc/self/fd", ec);
    if (!ec) {
        // One of them is the directory that is being read.
        const auto open = std::distance(begin(fds), end(fds)) - 1;
        add(families, MetricType::Gauge, "process_open_fds", "Open file descriptors.",
            static_cast<double>(open));
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        add(families, MetricType::Gauge, "process_max_fds", "Most file descriptors allowed.",
            static_cast<double>(limit.rlim_cur));
    }
}

}  // namespace hi6gw::ops
