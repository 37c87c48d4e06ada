#pragma once
// The service manager's side of things (sd_notify(3)); all of it does nothing when the process was
// not started by systemd. Thread: the event loop's.

#include <string>

namespace hi6gw::app::systemd {

void ready();                          // READY=1
void status(const std::string& text);  // STATUS=...
void reloading();                      // RELOADING=1; ready() ends it
void stopping();                       // STOPPING=1
void watchdog();                       // WATCHDOG=1

}  // namespace hi6gw::app::systemd
