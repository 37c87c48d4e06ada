#include "base/backoff.h"

#include <gtest/gtest.h>

namespace hi6gw {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(Backoff, DoublesFromFailureToFailureUpToTheCap) {
    Backoff backoff({1000ms, 10000ms, 0.0}, 1);
    for (const milliseconds expected : {1000ms, 2000ms, 4000ms, 8000ms, 10000ms, 10000ms}) {
        EXPECT_EQ(backoff.failed(), expected);
    }
}

TEST(Backoff, StartsAgainAfterASuccess) {
    Backoff backoff({250ms, 10000ms, 0.0}, 1);
    backoff.failed();
    backoff.failed();
    EXPECT_EQ(backoff.failures(), 2);
    backoff.succeeded();
    EXPECT_EQ(backoff.failures(), 0);
    EXPECT_EQ(backoff.failed(), 250ms);
}

TEST(Backoff, JitterStaysInItsBandAndNeverGoesBelowTheFirstDelay) {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        Backoff backoff({1000ms, 10000ms, 0.2}, seed);
        milliseconds base = 1000ms;
        for (int failure = 0; failure < 8; ++failure) {
            const milliseconds delay = backoff.failed();
            EXPECT_GE(delay, std::max(1000ms, base * 8 / 10));
            EXPECT_LE(delay, base * 12 / 10);
            base = std::min(10000ms, base * 2);
        }
    }
}

TEST(Backoff, DifferentSeedsSpreadTheAttempts) {
    Backoff one({1000ms, 10000ms, 0.2}, 1);
    Backoff other({1000ms, 10000ms, 0.2}, 2);
    int different = 0;
    for (int failure = 0; failure < 10; ++failure) {
        different += one.failed() != other.failed() ? 1 : 0;
    }
    EXPECT_GT(different, 5);
}

TEST(Backoff, ManyFailuresOverflowNothing) {
    Backoff backoff({1000ms, 10000ms, 0.2}, 7);
    for (int failure = 0; failure < 100'000; ++failure) {
        const milliseconds delay = backoff.failed();
        ASSERT_GE(delay, 1000ms);
        ASSERT_LE(delay, 12000ms);
    }
}

}  // namespace
}  // namespace hi6gw
