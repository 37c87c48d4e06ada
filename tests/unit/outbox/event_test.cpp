// What waits to be written: bounded, and what had to go is counted.

#include "outbox/event.h"

#include "outbox/event_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hi6gw::outbox {
namespace {

Event event(int number) {
    return {"a", "{\"value\":" + std::to_string(number) + "}", number};
}

std::vector<std::int64_t> numbers(const EventBuffer::Stream& stream) {
    std::vector<std::int64_t> out;
    for (const Event& one : stream.events) {
        out.push_back(one.at_ms);
    }
    return out;
}

TEST(Payload, OfAnEventIsItsStateWithANumber) {
    std::string out;
    append_payload(out, {7, 7, 5, false, "a", R"({"value":1,"timestamp":5,"quality":192})"});
    EXPECT_EQ(out, R"({"value":1,"timestamp":5,"quality":192,"seq":7})");
}

TEST(Payload, OfAGapSaysWhatIsMissingAndWhy) {
    std::string out;
    append_payload(out, {3, 7, 5, true, "", std::string(gap_reason::kFull)});
    EXPECT_EQ(out, R"({"gap":{"from":3,"to":7,"reason":"journal_full"},"timestamp":5})");
}

TEST(EventBuffer, GivesWhatCameInOrder) {
    EventBuffer buffer(10'000);
    EXPECT_TRUE(buffer.empty());
    buffer.push(1, event(1));
    buffer.push(0, event(2));
    buffer.push(1, event(3));
    EXPECT_EQ(buffer.events(), 3U);
    const EventBuffer::Batch batch = buffer.take();
    ASSERT_EQ(batch.size(), 2U);
    EXPECT_EQ(numbers(batch[0]), (std::vector<std::int64_t>{2}));
    EXPECT_EQ(numbers(batch[1]), (std::vector<std::int64_t>{1, 3}));
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.bytes(), 0U);
}

TEST(EventBuffer, WhatIsPutBackStandsBeforeWhatCameSince) {
    EventBuffer buffer(10'000);
    buffer.push(0, event(1));
    EventBuffer::Batch batch = buffer.take();
    buffer.push(0, event(2));
    buffer.push(1, event(3));
    buffer.put_back(std::move(batch));
    EXPECT_EQ(buffer.events(), 3U);
    batch = buffer.take();
    EXPECT_EQ(numbers(batch[0]), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(numbers(batch[1]), (std::vector<std::int64_t>{3}));
}

TEST(EventBuffer, DropsTheOldestOfTheStreamThatHasMost) {
    EventBuffer buffer(1000);
    buffer.push(0, event(1));
    for (int i = 2; i <= 30; ++i) {
        buffer.push(1, event(i));
    }
    EXPECT_LE(buffer.bytes(), 1000U);
    const EventBuffer::Batch batch = buffer.take();
    EXPECT_EQ(numbers(batch[0]), (std::vector<std::int64_t>{1})) << "a quiet one loses nothing";
    EXPECT_EQ(batch[0].lost, 0U);
    EXPECT_EQ(batch[1].events.back().at_ms, 30);
    EXPECT_EQ(batch[1].lost + batch[1].events.size(), 29U);
    EXPECT_EQ(batch[1].lost_ms + 1, batch[1].events.front().at_ms);
    EXPECT_EQ(buffer.dropped(), batch[1].lost);
}

// Whatever is written, fails, is lost: numbers given in order of the batches must leave no hole.
TEST(EventBuffer, LosesNoCountOverFailures) {
    EventBuffer buffer(1000);
    std::uint64_t pushed = 0;
    std::uint64_t written = 0;
    std::uint64_t lost = 0;
    std::int64_t last = 0;
    for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < round % 13; ++i) {
            buffer.push(0, event(static_cast<int>(++pushed)));
        }
        EventBuffer::Batch batch = buffer.take();
        for (int i = 0; i < round % 7; ++i) {
            buffer.push(0, event(static_cast<int>(++pushed)));
        }
        if (round % 5 != 0) {
            buffer.put_back(std::move(batch));
            EXPECT_LE(buffer.bytes(), 1000U);
            continue;
        }
        if (batch.empty() || batch[0].empty()) {
            continue;
        }
        lost += batch[0].lost;
        last += static_cast<std::int64_t>(batch[0].lost);
        if (batch[0].lost > 0) {
            EXPECT_EQ(batch[0].lost_ms, last);
        }
        for (const Event& one : batch[0].events) {
            EXPECT_EQ(one.at_ms, ++last) << "in order, and counted";
        }
        written += batch[0].events.size();
    }
    const EventBuffer::Batch rest = buffer.take();
    lost += rest[0].lost;
    EXPECT_EQ(pushed, written + lost + rest[0].events.size());
    EXPECT_EQ(buffer.dropped(), lost);
    EXPECT_GT(lost, 100U);
    EXPECT_GT(written, 100U);
}

TEST(EventBuffer, IsNotEmptyWhileALossIsNotWritten) {
    EventBuffer buffer(200);
    buffer.push(0, event(1));
    buffer.push(0, event(2));
    EventBuffer::Batch batch = buffer.take();
    EXPECT_EQ(batch[0].lost, 1U);
    batch[0].events.clear();
    batch[0].bytes = 0;
    EXPECT_TRUE(buffer.empty());
    buffer.put_back(std::move(batch));
    EXPECT_FALSE(buffer.empty());
}

}  // namespace
}  // namespace hi6gw::outbox
