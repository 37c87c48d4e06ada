#include "base/line_budget.h"

#include <gtest/gtest.h>

namespace hi6gw {
namespace {

using namespace std::chrono_literals;
constexpr Steady::time_point kStart{std::chrono::hours(1)};

TEST(LineBudget, ABurstIsWrittenInFull) {
    LineBudget budget;
    for (int line = 0; line < LineBudget::kBurst; ++line) {
        EXPECT_EQ(budget.take(kStart), 0U) << line;
    }
    EXPECT_EQ(budget.take(kStart), std::nullopt);
}

TEST(LineBudget, AFaultThatComesAndGoesForADayTakesFewLinesAndNoneGoesUncounted) {
    LineBudget budget;
    std::uint64_t written = 0;
    std::uint64_t left_out = 0;
    std::uint64_t said = 0;
    for (auto now = kStart; now < kStart + 24h; now += 1s) {
        if (const auto more = budget.take(now)) {
            ++written;
            said += *more;
        } else {
            ++left_out;
        }
    }
    EXPECT_EQ(written, LineBudget::kBurst + (24h / LineBudget::kRefill) - 1);
    EXPECT_LE(left_out - said, std::uint64_t(LineBudget::kRefill / 1s));
    EXPECT_GT(said, 0U);
}

TEST(LineBudget, AfterAQuietTimeThereIsABurstAgain) {
    LineBudget budget;
    while (budget.take(kStart)) {
    }
    EXPECT_EQ(budget.take(kStart + LineBudget::kRefill), 1U);
    EXPECT_EQ(budget.take(kStart + LineBudget::kRefill), std::nullopt);
    const auto later = kStart + 24h;
    EXPECT_EQ(budget.take(later), 1U);
    for (int line = 1; line < LineBudget::kBurst; ++line) {
        EXPECT_EQ(budget.take(later), 0U) << line;
    }
    EXPECT_EQ(budget.take(later), std::nullopt);
}

}  // namespace
}  // namespace hi6gw
