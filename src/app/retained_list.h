#pragma once
// The list of the retained topics that the gateway fills, as it is kept in the state directory: for
// each broker a line that names it, then a topic a line. That of the present broker comes first.
// Pure; thread: any.

#include "config/config.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::app {

// Topics by which the list is compared are held as their hashes: a million of them shall not take
// the memory of a small machine. That two of them are the same for two topics is not to be expected
// (2^64); one of the two would stay at the broker.
[[nodiscard]] std::uint64_t topic_hash(std::string_view topic);

[[nodiscard]] std::string broker_name(const config::Config& config);  // HOST:PORT

struct RetainedList {
    static constexpr std::size_t kMostOthers = 3;  // brokers besides the present one

    std::string text;                    // what `config` fills, and what is left over
    std::size_t left_over = 0;           // at the present broker, to be deleted
    std::vector<std::string> first;      // of these
    std::vector<std::string> elsewhere;  // brokers that keep something of us; HOST:PORT
    bool foreign = false;                // `before` was not written by us
};
// The list after `before`. Takes any bytes: lines that are no topic names (MQTT 5.0, 4.7) are
// skipped. `deleted`: hashes of what is left over no more. `most`: of `first`.
[[nodiscard]] RetainedList retained_list(std::string_view before, const config::Config& config,
                                         std::vector<std::uint64_t> deleted, std::size_t most);

}  // namespace hi6gw::app
