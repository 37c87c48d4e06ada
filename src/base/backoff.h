#pragma once
// When the next attempt may start: exponential, capped, jittered. Pure; time and randomness come in
// as arguments.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace hi6gw {

struct BackoffRules {
    std::chrono::milliseconds first{1000};
    std::chrono::milliseconds cap{10000};
    double jitter = 0.2;  // each delay is multiplied by a factor in [1 - jitter, 1 + jitter], never
                          // below `first`
};

class Backoff {
  public:
    explicit Backoff(BackoffRules rules, std::uint32_t seed) : rules_(rules), random_(seed) {}

    // The delay to keep before the attempt that follows this failure; doubles from failure to
    // failure.
    std::chrono::milliseconds failed() {
        const std::chrono::milliseconds base = std::min<std::chrono::milliseconds>(
            rules_.cap, rules_.first * (1L << std::min(failures_, 20)));
        ++failures_;
        std::uniform_real_distribution<double> factor(1.0 - rules_.jitter, 1.0 + rules_.jitter);
        const auto jittered = std::chrono::milliseconds(
            static_cast<std::int64_t>(static_cast<double>(base.count()) * factor(random_)));
        return std::max(rules_.first, jittered);
    }
    void succeeded() { failures_ = 0; }
    [[nodiscard]] int failures() const { return failures_; }

  private:
    BackoffRules rules_;
    std::minstd_rand random_;
    int failures_ = 0;
};

}  // namespace hi6gw
