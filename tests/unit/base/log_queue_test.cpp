#include "base/log_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace hi6gw::log {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// Takes nothing while it is held.
class Pipe final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    std::vector<std::string> lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    bool wait_until_stuck() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [this] { return stuck_; });
    }

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        std::unique_lock lock(mutex_);
        stuck_ = held_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        stuck_ = false;
        lines_.emplace_back(message.payload.data(), message.payload.size());
    }
    void flush_() override {}

    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;
    bool stuck_ = false;
    std::vector<std::string> lines_;
};

class LogQueueTest : public testing::Test {
  protected:
    ~LogQueueTest() override { pipe->hold(false); }
    void say(const std::string& text) { spdlog::logger("x", queue).info(text); }
    std::shared_ptr<Pipe> pipe = std::make_shared<Pipe>();
    std::shared_ptr<LogQueue> queue = std::make_shared<LogQueue>(
        pipe, 3, [](std::uint64_t lost) { return std::to_string(lost) + " lost"; });
};

TEST_F(LogQueueTest, WritesInOrderAndAllBeforeItsEnd) {
    pipe->hold(true);
    for (const char* line : {"1", "2", "3"}) {
        say(line);
    }
    pipe->hold(false);
    queue->close(10s);
    EXPECT_THAT(pipe->lines(), ElementsAre("1", "2", "3"));
    say("4");
    EXPECT_EQ(queue->dropped(), 1U) << "after its end";
}

TEST_F(LogQueueTest, DropsTheOldestAndSaysHowMany) {
    pipe->hold(true);
    say("1");
    ASSERT_TRUE(pipe->wait_until_stuck());
    for (const char* line : {"2", "3", "4", "5", "6"}) {
        say(line);
    }
    EXPECT_EQ(queue->dropped(), 2U);
    pipe->hold(false);
    queue->close(10s);
    EXPECT_THAT(pipe->lines(), ElementsAre("1", "2 lost", "4", "5", "6"));
}

TEST_F(LogQueueTest, DoesNotWaitForEverForSomebodyToRead) {
    pipe->hold(true);
    say("1");
    ASSERT_TRUE(pipe->wait_until_stuck());
    const auto begin = std::chrono::steady_clock::now();
    queue->close(20ms);
    queue.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace hi6gw::log
