#include "base/task_group.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace hi6gw {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct TaskGroupTest : testing::Test {
    asio::io_context ioc{1};
    TaskGroup group{ioc.get_executor()};
    asio::cancellation_signal stop;
    int ended = 0;
    bool joined = false;
    std::string failure;

    asio::awaitable<void> wait(std::chrono::seconds time) {
        asio::steady_timer timer(ioc, time);
        std::ignore = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        ++ended;
    }
    asio::awaitable<void> fail() {
        ++ended;
        throw std::runtime_error("broken");
        co_return;
    }
    asio::awaitable<void> spawn_more() {
        group.spawn(wait(0s));
        group.spawn(wait(0s));
        co_return;
    }
    void join() {
        asio::co_spawn(
            ioc, group.join(),
            asio::bind_cancellation_slot(stop.slot(), [this](const std::exception_ptr& error) {
                joined = true;
                try {
                    if (error) {
                        std::rethrow_exception(error);
                    }
                } catch (const std::exception& caught) {
                    failure = caught.what();
                }
            }));
    }
};

TEST_F(TaskGroupTest, JoinsAllItsTasksAndTheirs) {
    group.spawn(wait(0s));
    group.spawn(spawn_more());
    join();
    ioc.run();
    EXPECT_TRUE(joined);
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(failure, "");
    EXPECT_EQ(group.running(), 0U);
}

TEST_F(TaskGroupTest, TheFirstFailureEndsTheOthersAndIsThrown) {
    group.spawn(wait(1h));
    group.spawn(fail());
    join();
    ioc.run();
    EXPECT_TRUE(joined);
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(failure, "broken");
}

TEST_F(TaskGroupTest, CancellingTheJoinEndsTheTasksFirst) {
    group.spawn(wait(1h));
    group.spawn(wait(1h));
    join();
    ioc.poll();
    EXPECT_EQ(group.running(), 2U);
    stop.emit(asio::cancellation_type::terminal);
    ioc.run();
    EXPECT_TRUE(joined);
    EXPECT_EQ(ended, 2);
    EXPECT_NE(failure, "");
}

TEST_F(TaskGroupTest, ATaskSpawnedAfterCancelEndsToo) {
    group.cancel();
    group.spawn(wait(1h));
    join();
    ioc.run();
    EXPECT_TRUE(joined);
    EXPECT_EQ(group.running(), 0U);
}

TEST_F(TaskGroupTest, ManyShortTasksLeaveNothingBehind) {
    for (int i = 0; i < 1000; ++i) {
        group.spawn(wait(0s));
        ioc.run();
        ioc.restart();
    }
    EXPECT_EQ(ended, 1000);
    EXPECT_EQ(group.running(), 0U);
}

TEST(TaskGroup, MayBeDroppedWithItsLoop) {
    auto ioc = std::make_unique<asio::io_context>(1);
    auto group = std::make_unique<TaskGroup>(ioc->get_executor());
    asio::steady_timer timer(*ioc, 1h);
    group->spawn(timer.async_wait(asio::use_awaitable));
    ioc->poll();
    EXPECT_EQ(group->running(), 1U);
    group.reset();  // the frames die after it
}

}  // namespace
}  // namespace hi6gw
