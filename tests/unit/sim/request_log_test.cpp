#include "sim/request_log.h"

#include "sim/json.h"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

namespace hi6gw::sim {
namespace {

using std::chrono::milliseconds;

Instant at(int ms) {
    return {std::chrono::steady_clock::time_point(milliseconds(ms)),
            std::chrono::system_clock::time_point(milliseconds(1000 + ms))};
}

TEST(RequestLog, KeepsWhatWasAskedAndAnswered) {
    RequestLog log;
    const auto connection = log.connection_opened(at(1), false);
    const auto seq =
        log.request_received(connection, at(2), "POST", "/x?\"", std::string("\x01\xff"), true);
    log.mark(seq, true, "reset_after");
    log.request_done(seq, at(7).steady, 200);
    EXPECT_EQ(
        log.to_json(0, 10),
        "{\"dropped\":0,\"last\":1,\"entries\":[\n"
        R"({"seq":1,"conn":1,"t_us":2000,"wall_us":1002000,"duration_us":5000,"method":"POST",)"
        R"("target":"/x?\"","body":"\u0001\u00ff","status":200,"applied":true,"close":true,)"
        R"("fault":"reset_after"}]})");
    EXPECT_EQ(log.stats().writes, 1U);
    EXPECT_EQ(log.stats().writes_applied, 1U);
    EXPECT_EQ(log.stats().asked_close, 1U);
}

TEST(RequestLog, DropsTheOldestAndCountsThem) {
    RequestLog log(3);
    for (int i = 0; i < 5; ++i) {
        log.request_done(log.request_received(0, at(i), "GET", "/", "", false), at(i).steady, 200);
    }
    EXPECT_EQ(log.dropped(), 2U);
    ASSERT_EQ(log.requests().size(), 3U);
    EXPECT_EQ(log.requests().front().seq, 3U);
    // A request whose entry is gone can still end.
    log.mark(1, true, "hang");
    EXPECT_EQ(log.requests().front().applied, false);
}

TEST(RequestLog, PagesBySequenceNumber) {
    RequestLog log(4);
    for (int i = 0; i < 6; ++i) {
        log.request_received(0, at(i), "GET", "/", "", false);
    }
    const auto seqs = [&](std::uint64_t since, std::size_t limit) {
        const auto json = parse_object(log.to_json(since, limit));
        std::string out;
        for (const auto& entry : json->at("entries").as_array()) {
            out += std::to_string(entry.at("seq").as_int64());
        }
        return out;
    };
    EXPECT_EQ(seqs(0, 100), "3456");
    EXPECT_EQ(seqs(4, 100), "56");
    EXPECT_EQ(seqs(3, 2), "45");
    EXPECT_EQ(seqs(6, 100), "");
    EXPECT_EQ(seqs(1000, 100), "");
    log.clear();
    EXPECT_EQ(seqs(0, 100), "");
    EXPECT_EQ(log.request_received(0, at(9), "GET", "/", "", false), 7U);
}

TEST(RequestLog, JudgesConcurrencyOverAllConnections) {
    RequestLog log;
    const auto a = log.connection_opened(at(0), false);
    const auto b = log.connection_opened(at(0), false);
    const auto first = log.request_received(a, at(0), "GET", "/", "", false);
    EXPECT_EQ(log.stats().requests_open_max, 1U);
    const auto second = log.request_received(b, at(0), "GET", "/", "", false);
    EXPECT_EQ(log.stats().requests_open_max, 2U);
    log.more_waiting();
    EXPECT_EQ(log.stats().requests_open_max, 3U);
    log.request_done(first, at(1).steady, 200);
    log.request_done(second, at(1).steady, 200);
    EXPECT_EQ(log.stats().requests_open, 0U);
    log.connection_closed(a, at(2));
    EXPECT_EQ(log.stats().connections_open, 1U);
    EXPECT_EQ(log.stats().connections_open_max, 2U);
}

TEST(RequestLog, IsBoundedInConnectionsAndText) {
    RequestLog log;
    for (std::size_t i = 0; i < RequestLog::kConnections + 5; ++i) {
        log.connection_opened(at(0), i % 2 == 0);
    }
    log.connection_closed(1, at(1));  // long forgotten
    log.request_received(1, at(1), "GET", std::string(5000, 'x'), std::string(5000, 'y'), false);
    EXPECT_EQ(log.requests().back().target.size(), RequestLog::kTextBytes);
    EXPECT_EQ(log.requests().back().body.size(), RequestLog::kTextBytes);
    EXPECT_EQ(parse_json(log.connections_json())->as_array().size(), RequestLog::kConnections);
}

}  // namespace
}  // namespace hi6gw::sim
