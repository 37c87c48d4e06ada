#pragma once
// How many a second, and how many at once. Pure.

#include <algorithm>
#include <chrono>

namespace hi6gw::command {

struct Rate {
    double per_second = 10.0;
    double burst = 20.0;
};

class TokenBucket {
  public:
    TokenBucket(const Rate& rate, std::chrono::steady_clock::time_point now)
        : rate_(rate), tokens_(rate.burst), at_(now) {}

    [[nodiscard]] bool has_one(std::chrono::steady_clock::time_point now) {
        if (now > at_) {
            const std::chrono::duration<double> passed = now - at_;
            tokens_ = std::min(rate_.burst, tokens_ + passed.count() * rate_.per_second);
            at_ = now;
        }
        return tokens_ >= 1.0;
    }
    void take_one() { tokens_ -= 1.0; }  // after has_one()

  private:
    Rate rate_;
    double tokens_;
    std::chrono::steady_clock::time_point at_;
};

}  // namespace hi6gw::command
