#include "mqtt/send_thread.h"

#include "mqtt/own_numbers.h"

#include <sched.h>

#include <fstream>
#include <string>

namespace hi6gw::mqtt {
namespace {

bool is_send_thread(int thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
    std::string name;
    return std::getline(file, name) && name == "MQTTAsync_send";
}

}  // namespace

int let_send_thread_wait() {
    int count = 0;
    for_each_own("/proc/self/task", [&count](int thread) {
        if (is_send_thread(thread) && ::sched_getscheduler(thread) == SCHED_OTHER) {
            const sched_param no_priority{};
            count += ::sched_setscheduler(thread, SCHED_BATCH, &no_priority) == 0 ? 1 : 0;
        }
    });
    return count;
}

}  // namespace hi6gw::mqtt
