#pragma once
// What a configuration entry says of its signals besides name and address. Shared by all signals of
// one entry: an entry with `for: 0..959` makes 960 signals and one of these.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::domain {

struct SignalOptions {
    std::chrono::milliseconds poll{100};  // longest time between two reads; > 0
    std::chrono::milliseconds min_interval{
        0};  // shortest time between two publications; 0: no throttle
    std::chrono::milliseconds max_interval{
        0};                    // longest time between two publications; 0: no heartbeat
    bool writable = false;     // access: rw
    bool invert = false;       // bits only
    bool is_unsigned = false;  // b, w, l only
    bool scaled = false;       // scale or offset was given: published = raw * scale + offset
    bool retain = true;
    bool events = false;
    bool verify = true;
    std::uint8_t qos = 1;  // 0, 1 or 2
    double scale = 1.0;
    double offset = 0.0;
    double deadband = 0.0;      // a change of at most this much (engineering unit) is not published
    std::optional<double> min;  // write range, engineering unit
    std::optional<double> max;
    std::vector<std::pair<std::int64_t, std::string>>
        texts;  // `values:`, raw value -> text, sorted by value
    std::string unit;
    std::string feedback;  // name of the signal of the same controller that shows the physical
                           // effect; or empty
    std::string description;

    bool operator==(const SignalOptions&) const = default;
};

}  // namespace hi6gw::domain
