#include "base/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <vector>

namespace hi6gw {
namespace {

TEST(Worker, RunsJobsInOrderAndFinishesThemAtTheEnd) {
    std::vector<int> done;
    {
        Worker worker;
        for (int i = 0; i < 100; ++i) {
            worker.post([&done, i] { done.push_back(i); });
        }
    }
    ASSERT_EQ(done.size(), 100U);
    EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(Worker, DoesNotWaitForEverForAJobThatHangs) {
    auto never = std::make_shared<std::promise<void>>();
    const auto begin = std::chrono::steady_clock::now();
    {
        Worker worker;
        worker.post([wait = never->get_future().share()] { wait.wait(); });
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(took, Worker::kPatience);
    EXPECT_LT(took, Worker::kPatience + std::chrono::seconds(3));
    never->set_value();
}

}  // namespace
}  // namespace hi6gw
