#include "mqtt/send_thread.h"

#include <sched.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace hi6gw::mqtt {
namespace {

bool is_send_thread(const std::filesystem::path& task) {
    std::ifstream file(task / "comm");
    std::string name;
    return std::getline(file, name) && name == "MQTTAsync_send";
}

}  // namespace

int let_send_thread_wait() {
    int count = 0;
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc/self/task", error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        if (!is_send_thread(entry->path())) {
            continue;
        }
        const std::string name = entry->path().filename().string();
        pid_t thread = 0;  // for sched_setscheduler() that would be the caller
        std::from_chars(name.data(), name.data() + name.size(), thread);
        const sched_param no_priority{};
        if (thread > 0 && ::sched_getscheduler(thread) == SCHED_OTHER) {
            count += ::sched_setscheduler(thread, SCHED_BATCH, &no_priority) == 0 ? 1 : 0;
        }
    }
    return count;
}

}  // namespace hi6gw::mqtt
