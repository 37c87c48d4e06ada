#include "base/mailbox.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hi6gw {
namespace {

using Numbers = std::vector<int>;

struct Add {
    int number;
    void operator()(Numbers& batch) const { batch.push_back(number); }
};

class MailboxTest : public testing::Test {
  protected:
    // What the loop does for what is posted to it.
    std::size_t run() {
        io.restart();
        return io.poll();
    }
    boost::asio::io_context io{1};
    std::vector<Numbers> taken;
    std::shared_ptr<Mailbox<Numbers>> box = std::make_shared<Mailbox<Numbers>>(
        io.get_executor(), [this](Numbers& batch) { taken.push_back(batch); });
};

TEST_F(MailboxTest, DeliversWhatHasComeInOneBatch) {
    box->put(Add{1});
    box->put(Add{2});
    EXPECT_EQ(run(), 1U);
    box->put(Add{3});
    EXPECT_EQ(run(), 1U);
    EXPECT_EQ(taken, (std::vector<Numbers>{{1, 2}, {3}}));
}

TEST_F(MailboxTest, WhatCanWaitWakesNobodyAndComesInItsPlace) {
    box->put_unhurried(Add{1});
    box->put_unhurried(Add{2});
    EXPECT_EQ(run(), 0U);
    EXPECT_TRUE(taken.empty());
    box->put(Add{3});
    box->put_unhurried(Add{4});
    EXPECT_EQ(run(), 1U);
    EXPECT_EQ(taken, (std::vector<Numbers>{{1, 2, 3, 4}}));
}

TEST_F(MailboxTest, IsCollectedAtOnce) {
    box->put_unhurried(Add{1});
    box->collect();
    EXPECT_EQ(taken, (std::vector<Numbers>{{1}}));
    box->put(Add{2});
    box->collect();
    EXPECT_EQ(taken, (std::vector<Numbers>{{1}, {2}}));
    EXPECT_EQ(run(), 1U) << "what was posted before";
    box->put(Add{3});
    EXPECT_EQ(run(), 1U);
    EXPECT_EQ(taken.back(), Numbers{3});
}

TEST_F(MailboxTest, InAHurryNothingWaits) {
    box->put_unhurried(Add{1});
    box->hurry();
    EXPECT_EQ(run(), 1U);
    box->put_unhurried(Add{2});
    EXPECT_EQ(run(), 1U);
    EXPECT_EQ(taken, (std::vector<Numbers>{{1}, {2}}));
}

TEST_F(MailboxTest, DeliversNothingAfterItsEnd) {
    box->put(Add{1});
    box->put_unhurried(Add{2});
    box->close();
    box->put(Add{3});
    box->put_unhurried(Add{4});
    box->hurry();
    box->collect();
    run();
    EXPECT_TRUE(taken.empty());
}

TEST_F(MailboxTest, LosesNothingOfWhatAnotherThreadPuts) {
    constexpr int kMany = 20000;
    std::thread other([this] {
        for (int i = 0; i < kMany; ++i) {
            if (i % 3 == 0) {
                box->put(Add{i});
            } else {
                box->put_unhurried(Add{i});
            }
        }
    });
    const auto count = [this] {
        std::size_t all = 0;
        for (const Numbers& batch : taken) {
            all += batch.size();
        }
        return all;
    };
    for (int turn = 0; turn < 1000; ++turn) {
        run();
        box->collect();
    }
    box->hurry();
    other.join();
    run();
    ASSERT_EQ(count(), static_cast<std::size_t>(kMany));
    int next = 0;
    for (const Numbers& batch : taken) {
        for (const int number : batch) {
            ASSERT_EQ(number, next++);
        }
    }
}

}  // namespace
}  // namespace hi6gw
