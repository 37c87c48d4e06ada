// The journal of events from the event loop's side: a real disk, a worker, and a broker that the
// test plays.

#include "store/event_store.h"

#include "event_bench.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fstream>
#include <functional>
#include <future>

namespace hi6gw::store {
namespace {

using namespace std::chrono_literals;
using Fate = outbox::EventWindow::Fate;

class EventStoreTest : public testing::Test {
  protected:
    EventStoreTest() { start(); }
    ~EventStoreTest() override { stop(); }

    void start() {
        EventStore::Options options;
        options.bounds = {64 << 20U, 3'600'000};
        options.commit = 5ms;
        options.memory = memory;
        worker = std::make_unique<Worker>(10s);
        store = std::make_unique<EventStore>(io.get_executor(), *time, *worker,
                                             std::make_shared<StateDir>(path), options,
                                             [this] { ++news; });
        running = true;
        boost::asio::co_spawn(io, store->run(),
                              boost::asio::bind_cancellation_slot(
                                  cancel.slot(), [this](const std::exception_ptr& /*cancelled*/) {
                                      running = false;
                                  }));
    }
    void stop() {
        cancel.emit(boost::asio::cancellation_type::terminal);
        EXPECT_TRUE(until([this] { return !running; }));
        store.reset();
        worker.reset();  // waits for what is posted
    }
    bool until(const std::function<bool()>& done, std::chrono::milliseconds limit = 10s) {
        const auto end = Steady::now() + limit;
        io.restart();
        while (!done()) {
            if (Steady::now() >= end) {
                return false;
            }
            if (io.run_one_for(20ms) == 0) {
                io.restart();
            }
        }
        return true;
    }
    // Returns when flush() has.
    bool flush(std::chrono::milliseconds limit = 5s) {
        bool flushed = false;
        boost::asio::co_spawn(io, store->flush(Steady::now() + limit),
                              [&flushed](const std::exception_ptr& error) {
                                  EXPECT_FALSE(error);
                                  flushed = true;
                              });
        return until([&flushed] { return flushed; }, limit + 1s);
    }
    void record(int count, const std::string& name = "r1") {
        for (int i = 0; i < count; ++i) {
            store->record(store->stream(name), event(++value, unix_ms(time->wall())));
        }
    }
    // Everything there is to send.
    std::vector<Row> send(const std::string& name = "r1") {
        std::vector<Row> out;
        const std::uint32_t stream = store->stream(name);
        while (const Row* row = store->next(stream)) {
            out.push_back(*row);
        }
        return out;
    }
    void settle(const std::vector<Row>& rows, Fate fate = Fate::arrived,
                const std::string& name = "r1") {
        for (const Row& row : rows) {
            store->settled(store->stream(name), row.seq, fate);
        }
    }
    // Sends and acknowledges until so many have arrived.
    std::vector<Row> drain(std::size_t count, const std::string& name = "r1") {
        std::vector<Row> out;
        EXPECT_TRUE(until([&] {
            const auto rows = send(name);
            settle(rows, Fate::arrived, name);
            out.insert(out.end(), rows.begin(), rows.end());
            return out.size() >= count;
        }));
        return out;
    }

    test::TempDir directory;
    std::filesystem::path path = directory.path() / "state";
    std::size_t memory = EventStore::kMemory;
    boost::asio::io_context io{1};
    std::unique_ptr<Time> time = make_real_time(io.get_executor());
    boost::asio::cancellation_signal cancel;
    std::unique_ptr<Worker> worker;
    std::unique_ptr<EventStore> store;
    bool running = false;
    int news = 0;
    int value = 0;
};

TEST_F(EventStoreTest, AnEventLeavesOnceItIsOnTheDisk) {
    record(2);
    EXPECT_EQ(numbers(send()), "") << "not before";
    EXPECT_EQ(store->totals().waiting, 2U);
    ASSERT_TRUE(until([this] { return news > 0; }));
    const auto rows = send();
    EXPECT_EQ(numbers(rows), "1 2");
    EXPECT_EQ(rows.at(1).body, event(2).body);
    // What a killed gateway leaves is what the disk has.
    const test::TempDir copy;
    std::filesystem::copy(path, copy.path() / "state");
    EventBench after;
    after.path = copy.path() / "state";
    EXPECT_EQ(numbers(after.read("r1")), "1 2");
}

TEST_F(EventStoreTest, WhatHasArrivedIsDeletedAfterAWhile) {
    record(3);
    ASSERT_TRUE(until([this] { return news > 0; }));
    auto rows = send();
    EXPECT_EQ(store->totals().waiting, 3U);
    rows.pop_back();
    settle(rows);
    EXPECT_TRUE(until([this] { return store->totals().waiting == 1; }));
    stop();
    start();
    EXPECT_EQ(numbers(drain(1)), "3");
}

TEST_F(EventStoreTest, ABacklogIsReadInPiecesAndInOrder) {
    record(5000);
    ASSERT_TRUE(flush());
    record(100);
    const auto rows = drain(5100);
    EXPECT_EQ(follow(rows), 5100U);
    EXPECT_EQ(rows.at(4999).body, event(5000).body);
    EXPECT_TRUE(until([this] { return store->totals().waiting == 0; }));
}

// Else a crash in the middle of a long drain would repeat all of it.
TEST_F(EventStoreTest, WhatHasArrivedIsDeletedWhileMoreIsRead) {
    constexpr std::size_t kEvents = 20'000;
    record(kEvents);
    ASSERT_TRUE(flush());
    std::size_t arrived = 0;
    std::size_t when_deleted = 0;  // how many had arrived when the first were deleted
    const auto began = Steady::now();
    EXPECT_TRUE(until([&] {
        // A broker that takes 10,000 a second: for two seconds there is more to read.
        const auto due = static_cast<std::size_t>((Steady::now() - began) / 100us);
        while (arrived < std::min(due, kEvents)) {
            const Row* row = store->next(0);
            if (row == nullptr) {
                break;
            }
            store->settled(0, row->seq, Fate::arrived);
            ++arrived;
        }
        if (when_deleted == 0 && store->totals().waiting < kEvents) {
            when_deleted = arrived;
        }
        return arrived == kEvents;
    }));
    EXPECT_GT(when_deleted, 0U);
    EXPECT_LT(when_deleted, kEvents * 3 / 4);
}

TEST_F(EventStoreTest, StreamsThatOnlyTheDiskKnowsAreServed) {
    record(2, "gone");
    ASSERT_TRUE(flush());
    stop();
    start();
    EXPECT_TRUE(until([this] { return store->streams() == 1 && !send("gone").empty(); }));
}

TEST_F(EventStoreTest, FlushWritesAndDeletesAtOnce) {
    record(10);
    ASSERT_TRUE(flush());
    EXPECT_EQ(store->totals().waiting, 10U);
    settle(drain(10));
    ASSERT_TRUE(flush());
    EXPECT_EQ(store->totals().waiting, 0U);
    ASSERT_TRUE(flush()) << "with nothing to do";
}

TEST_F(EventStoreTest, AtTheEndWhatWaitsInMemoryIsWritten) {
    ASSERT_TRUE(until([this] { return store->totals().bytes > 0; }));
    record(7);
    stop();
    start();
    EXPECT_EQ(numbers(drain(7)), "1 2 3 4 5 6 7");
}

TEST_F(EventStoreTest, WithoutADiskEventsWaitInMemoryAndNothingIsSent) {
    stop();
    std::filesystem::remove_all(path);
    std::ofstream(path) << "a file where the directory should be";
    start();
    record(5);
    ASSERT_TRUE(until([this] { return !store->trouble().empty(); }));
    EXPECT_NE(store->trouble().find("Not a directory"), std::string::npos) << store->trouble();
    record(5);
    EXPECT_EQ(numbers(send()), "");
    EXPECT_EQ(store->totals().waiting, 10U);
    EXPECT_GE(store->totals().failures, 1U);
    ASSERT_TRUE(flush()) << "and gives up at once";
    std::filesystem::remove(path);
    EXPECT_EQ(numbers(drain(10)), "1 2 3 4 5 6 7 8 9 10");
    EXPECT_EQ(store->trouble(), "");
}

TEST_F(EventStoreTest, ItRecoversThoughNothingHappens) {
    stop();
    std::filesystem::remove_all(path);
    std::ofstream(path) << "a file where the directory should be";
    start();
    ASSERT_TRUE(until([this] { return !store->trouble().empty(); }));
    std::filesystem::remove(path);
    EXPECT_TRUE(until([this] { return store->trouble().empty(); }));
}

TEST_F(EventStoreTest, WhatMemoryCannotHoldBecomesAGap) {
    stop();
    std::filesystem::remove_all(path);
    std::ofstream(path) << "a file where the directory should be";
    memory = 2000;
    start();
    record(100);
    const auto dropped = store->totals().dropped_memory;
    EXPECT_GT(dropped, 50U);
    EXPECT_LT(dropped, 100U);
    std::filesystem::remove(path);
    const auto rows = drain(100 - dropped + 1);
    EXPECT_TRUE(rows.at(0).gap);
    EXPECT_EQ(rows.at(0).seq, dropped);
    EXPECT_EQ(rows.at(0).body, "not_written");
    EXPECT_EQ(follow(rows), 100U);
}

TEST_F(EventStoreTest, ADiskThatHangsIsSaidSo) {
    ASSERT_TRUE(until([this] { return store->totals().bytes > 0; }));
    std::promise<void> release;
    worker->post([gate = release.get_future().share()] { gate.wait(); });
    record(3);
    EXPECT_TRUE(until([this] { return store->trouble() == "the disk does not answer"; }));
    EXPECT_FALSE(flush(100ms) && store->totals().waiting == 0);
    release.set_value();
    EXPECT_TRUE(until([this] { return store->trouble().empty(); }));
    EXPECT_EQ(numbers(drain(3)), "1 2 3");
}

TEST_F(EventStoreTest, RowsThatWereLostOrRefusedAreSentAgain) {
    record(3);
    ASSERT_TRUE(until([this] { return news > 0; }));
    settle(send(), Fate::lost);
    const auto rows = send();
    EXPECT_EQ(numbers(rows), "1 2 3");
    EXPECT_EQ(store->totals().sent.again, 3U);
    settle({rows[2]}, Fate::refused);
    EXPECT_EQ(numbers(send()), "");
    settle({rows[0], rows[1]});
    EXPECT_EQ(numbers(send()), "");
    news = 0;
    EXPECT_TRUE(until([this] { return news > 0; }, 15s)) << "after the pause";
    EXPECT_EQ(numbers(send()), "3");
}

TEST_F(EventStoreTest, StopReadingLeavesTheRestToTheNextRun) {
    record(2000);
    ASSERT_TRUE(flush());
    store->stop_reading();
    std::size_t sent = 0;
    for (auto rows = send(); !rows.empty(); rows = send()) {
        sent += rows.size();
        settle(rows);
        ASSERT_TRUE(flush());
    }
    EXPECT_EQ(sent, outbox::EventWindow::kCapacity);
    stop();
    start();
    EXPECT_EQ(follow(drain(2000 - sent), sent + 1), 2000U);
}

}  // namespace
}  // namespace hi6gw::store
