#include "mqtt/takeover.h"

#include <gtest/gtest.h>

namespace hi6gw::mqtt {
namespace {

using namespace std::chrono_literals;

TakeoverWatch::Clock::time_point at(std::chrono::seconds time) {
    return TakeoverWatch::Clock::time_point(time);
}

TEST(TakeoverWatch, SuspectsTheFifthLossWithinFiveMinutesAndEveryFurtherOne) {
    TakeoverWatch watch;
    for (const auto time : {0s, 1s, 2s, 3s}) {
        EXPECT_FALSE(watch.closed(at(time)));
    }
    EXPECT_TRUE(watch.closed(at(300s)));
    EXPECT_TRUE(watch.closed(at(300s)));
    EXPECT_FALSE(watch.closed(at(600s))) << "these and the first four are too far apart";
    EXPECT_FALSE(watch.closed(at(600s)));
    EXPECT_TRUE(watch.closed(at(600s)));
}

TEST(TakeoverWatch, LossesFarApartAreNothing) {
    TakeoverWatch watch;
    for (auto time = 0s; time < 3600s; time += 76s) {
        EXPECT_FALSE(watch.closed(at(time))) << time.count();
    }
}

TEST(TakeoverWatch, ABrokerThatWasAwayMeanwhileExplainsThem) {
    TakeoverWatch watch;
    for (auto time = 0s; time < 4s; time += 1s) {
        EXPECT_FALSE(watch.closed(at(time)));
    }
    watch.explained();
    for (auto time = 4s; time < 8s; time += 1s) {
        EXPECT_FALSE(watch.closed(at(time)));
    }
    EXPECT_TRUE(watch.closed(at(8s)));
}

}  // namespace
}  // namespace hi6gw::mqtt
