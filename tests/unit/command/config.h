#pragma once
// A small configuration for the tests of topics and checks.

#include "config/config.h"
#include "make.h"

namespace hi6gw::command::test {

inline config::Signal signal(const std::string& name, const std::string& where,
                             const domain::SignalOptions& options) {
    return {name, address(where), std::make_shared<const domain::SignalOptions>(options)};
}

// Two controllers, r1 and r2, with the same signals.
inline config::Config cell() {
    domain::SignalOptions read;
    domain::SignalOptions write;
    write.writable = true;
    domain::SignalOptions speed = write;
    speed.min = 0;
    speed.max = 100;
    domain::SignalOptions temperature = write;
    temperature.scaled = true;
    temperature.scale = 0.1;
    domain::SignalOptions fed_back = write;
    fed_back.feedback = "clamp/closed";
    domain::SignalOptions inverted = read;
    inverted.invert = true;
    config::Config config;
    config.gateway.id = "line1";
    for (const char* name : {"r1", "r2"}) {
        config::Controller controller;
        controller.name = name;
        controller.signals = {signal("clamp/close", "fb2.do3", write),
                              signal("part_present", "fb2.di3", read),
                              signal("speed", "fb2.dob10", speed),
                              signal("temperature", "fb1.dow20", temperature),
                              signal("clamp/slow", "fb2.do4", fed_back),
                              signal("clamp/closed", "fb2.di4", inverted)};
        config.controllers.push_back(controller);
    }
    return config;
}

}  // namespace hi6gw::command::test
