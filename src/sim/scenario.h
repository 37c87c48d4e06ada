#pragma once
// A scenario: what happens to the memory of the simulated controller over time (a conveyor counts,
// a clamp follows its command). Read from YAML; config/scenarios/demo.yaml documents the format.
// Pure: time is a parameter, counted from the start of the simulator.

#include "base/result.h"
#include "sim/memory.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace hi6gw::sim {

class Scenario {
  public:
    using Duration = std::chrono::nanoseconds;
    static constexpr std::size_t kMostPending = 10'000;  // delayed sets; more are dropped

    // An error names the line. Relay names count bytes whatever the API's index unit is.
    static Result<Scenario> parse(const std::string& yaml, Memory& memory, std::uint64_t seed);

    // Does everything due at `now`. Ticks missed by more than a thousand are skipped.
    void advance(Duration now);
    // To be called after every write: starts the reactions to what changed.
    void react(Duration now);
    // When advance() has something to do next.
    [[nodiscard]] std::optional<Duration> next() const;

  private:
    enum class Kind : std::uint8_t { set, counter, toggle, random, sine, pulse };
    struct Step {
        Kind kind = Kind::set;
        Place place;
        Duration due{0};
        Duration every{0};  // 0: once
        double value = 1;   // set: the value; counter: the step
        double low = 0;     // counter, random: first and last value
        double high = 1;
        double mean = 0;  // sine
        double amplitude = 1;
        Duration period{0};  // sine: of the wave; pulse: its width
        bool done = false;
    };
    struct Reaction {
        Place source;
        std::optional<std::uint32_t> is;  // fires when the source becomes this; nullopt: any change
        Place target;
        std::optional<std::uint32_t> value;  // nullopt: follows the source
        Duration after{0};
        std::uint32_t last = 0;
    };
    struct Pending {
        Duration due{0};
        Place place;
        std::uint32_t bits = 0;
    };
    struct Reader;

    explicit Scenario(Memory& memory, std::uint64_t seed) : memory_(&memory), random_(seed) {}

    void run(Step& step, Duration now);
    void put(const Place& place, double value);
    void later(Duration due, const Place& place, std::uint32_t bits);
    [[nodiscard]] double number_at(const Place& place) const;

    Memory* memory_;
    std::mt19937_64 random_;
    std::vector<Step> steps_;
    std::vector<Reaction> reactions_;
    std::deque<Pending> pending_;  // by due time
};

// "250ms", "1.5s", "2min", "1h", "40us". nullopt: anything else, or negative.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace hi6gw::sim
