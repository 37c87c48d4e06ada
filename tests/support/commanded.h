#pragma once
// Commands beside the POSTs that a controller got: which of them can have come from which. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::test {

struct SentCommand {
    std::string id;
    std::string controller;
    std::string signal;
    int value = 0;
    std::int64_t ttl_ms = 0;
    bool pulse = false;  // signals are pulsed only, or never
};

struct Post {
    std::int64_t at_us = 0;
    int value = 0;
    bool applied = false;
};

struct Outcome {
    std::string state;
    std::string reason;
    std::string payload;
    int attempts = 0;
    std::int64_t received_us = 0;
    std::int64_t done_us = 0;
};

// Whether these POSTs can have come from these commands, executed in this order: each made as many
// as its result says at most, and at least one where it says that it was applied. Without a result
// (its gateway died) a command may have made up to three.
struct Commanded {
    SentCommand command;
    std::optional<Outcome> outcome;
};
[[nodiscard]] bool can_have_posted(const std::vector<Commanded>& commands,
                                   const std::vector<Post>& posts);
// The same of pulses: one edge each at most, and whoever made it was released before the next came.
[[nodiscard]] bool can_have_pulsed(const std::vector<Commanded>& commands,
                                   const std::vector<Post>& posts);
// Both in the order of time, for a reader.
[[nodiscard]] std::string course(const std::vector<Commanded>& commands,
                                 const std::vector<Post>& posts);

}  // namespace hi6gw::test
