#include "app/systemd.h"

#include <systemd/sd-daemon.h>

#include <chrono>

namespace hi6gw::app::systemd {

void ready() {
    sd_notify(0, "READY=1");
}

void status(const std::string& text) {
    const std::string line = "STATUS=" + text;
    sd_notify(0, line.c_str());
}

void reloading() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    const std::string lines = "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec);
    sd_notify(0, lines.c_str());
}

void stopping() {
    sd_notify(0, "STOPPING=1");
}

void watchdog() {
    sd_notify(0, "WATCHDOG=1");
}

}  // namespace hi6gw::app::systemd
