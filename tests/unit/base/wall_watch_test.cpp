#include "base/wall_watch.h"

#include <gtest/gtest.h>

namespace hi6gw {
namespace {

using namespace std::chrono_literals;

TEST(WallWatch, TellsStepsAndNotThePassingOfTime) {
    WallWatch watch;
    Steady::time_point steady(100s);
    Wall::time_point wall(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24));
    EXPECT_FALSE(watch.look(steady, wall)) << "the first look tells nothing";
    EXPECT_FALSE(watch.look(steady += 1s, wall += 1s));
    EXPECT_FALSE(watch.look(steady += 1h, wall += 1h + 1900ms)) << "slewed, or held up in between";
    EXPECT_EQ(watch.look(steady += 1s, wall += 1h + 1s), 1h);
    EXPECT_FALSE(watch.look(steady += 1s, wall += 1s)) << "once";
    EXPECT_EQ(watch.look(steady += 1s, wall -= 1h), -(1h + 1s));
    EXPECT_EQ(watch.look(steady += 1s, wall += 9h), 9h - 1s) << "the machine slept";
}

TEST(WallWatch, KnowsAClockThatHasNotBeenSet) {
    EXPECT_FALSE(WallWatch::is_set(Wall::time_point(3min)));
    EXPECT_FALSE(WallWatch::is_set(std::chrono::sys_days(std::chrono::year(2000) / 1 / 1)));
    EXPECT_TRUE(WallWatch::is_set(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)));
}

}  // namespace
}  // namespace hi6gw
