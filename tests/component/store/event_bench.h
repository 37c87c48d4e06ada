#pragma once
// A journal of events on a real disk, and a consumer that keeps account of what it is handed.

#include "store/event_db.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::store {

using outbox::EventBuffer;
using outbox::Row;

inline constexpr std::int64_t kNow = 1'763'900'000'000;

inline outbox::Event event(std::int64_t value, std::int64_t at_ms = kNow) {
    return {"a/signal",
            R"({"value":)" + std::to_string(value) + R"(,"timestamp":1763900000123,"quality":192})",
            at_ms};
}

class EventBench {
  public:
    explicit EventBench(std::uint64_t max_size = 64 << 20U) : bounds{max_size, 3'600'000} {}

    void open() {
        db.reset();
        db = std::make_unique<EventDb>(std::make_shared<StateDir>(path), bounds);
    }
    // Writes `count` more events of a stream; their values count on.
    EventDb::Done write(const std::string& stream, int count, std::uint64_t lost = 0) {
        EventDb::Order order = this->order(stream);
        order.write = true;
        order.batch.emplace_back();
        order.batch[0].lost = lost;
        order.batch[0].lost_ms = lost > 0 ? now : 0;
        for (int i = 0; i < count; ++i) {
            order.batch[0].events.push_back(event(++value, now));
        }
        return turn(order);
    }
    // Takes what is next.
    std::vector<Row> read(const std::string& stream, std::size_t room = 1'000'000) {
        EventDb::Order order = this->order(stream);
        order.streams[0].room = room;
        return turn(order).streams.at(0).rows;
    }
    EventDb::Done remove(const std::string& stream, std::uint64_t to) {
        arrived[stream] = to;
        EventDb::Order order = this->order(stream);
        order.write = true;
        return turn(order);
    }
    EventDb::Order order(const std::string& stream) {
        EventDb::Order out;
        out.now_ms = now;
        out.streams.push_back({stream, arrived[stream], 0});
        return out;
    }
    EventDb::Done turn(const EventDb::Order& order) {
        if (!db) {
            open();
        }
        return db->take_turn(order);
    }
    [[nodiscard]] std::filesystem::path file() const { return path / "events.db"; }

    test::TempDir directory;
    std::filesystem::path path = directory.path() / "state";
    EventBounds bounds;
    std::int64_t now = kNow;
    std::int64_t value = 0;
    std::map<std::string, std::uint64_t> arrived;
    std::unique_ptr<EventDb> db;
};

// "1 2 3-5" : numbers of events, and gaps.
inline std::string numbers(const std::vector<Row>& rows) {
    std::string out;
    for (const Row& row : rows) {
        out += (out.empty() ? "" : " ") + (row.gap ? std::to_string(row.first) + "-" : "") +
               std::to_string(row.seq);
    }
    return out;
}

// Whether they follow each other without a hole from `from` on; returns the last number.
inline std::uint64_t follow(const std::vector<Row>& rows, std::uint64_t from = 1) {
    for (const Row& row : rows) {
        EXPECT_EQ(row.first, from) << (row.gap ? "gap" : "event");
        EXPECT_GE(row.seq, row.first);
        from = row.seq + 1;
    }
    return from - 1;
}

}  // namespace hi6gw::store
