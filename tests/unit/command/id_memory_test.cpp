#include "command/id_memory.h"

#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

using namespace std::chrono_literals;
using Seen = IdMemory::Seen;

constexpr Clock::time_point kNow{1h};

IdMemory::Content content(std::int64_t value) {
    IdMemory::Content out;
    out.signal = "r1/x";
    out.request.value = value;
    return out;
}

ReplyTo reply(const std::string& correlation) {
    ReplyTo out;
    out.correlation = correlation;
    return out;
}

TEST(IdMemory, RemembersFromTheBeginningToTenMinutesLater) {
    IdMemory ids;
    EXPECT_EQ(ids.look("a", content(1), kNow), Seen::fresh);
    ids.begin("a", content(1), kNow);
    EXPECT_EQ(ids.look("a", content(1), kNow), Seen::running);
    EXPECT_EQ(ids.look("a", content(2), kNow), Seen::reused);
    EXPECT_EQ(ids.look("b", content(1), kNow), Seen::fresh);
    CommandResult result;
    result.attempts = 7;
    EXPECT_TRUE(ids.end("a", result).empty());
    EXPECT_EQ(ids.look("a", content(1), kNow + 10min - 1ns), Seen::ended);
    EXPECT_EQ(ids.ended("a").attempts, 7U);
    EXPECT_EQ(ids.look("a", content(2), kNow + 10min - 1ns), Seen::reused);
    EXPECT_EQ(ids.look("a", content(1), kNow + 10min), Seen::fresh);
    EXPECT_EQ(ids.size(), 0U);
}

TEST(IdMemory, ComparesTheWholeContent) {
    IdMemory ids;
    IdMemory::Content first = content(1);
    ids.begin("a", first, kNow);
    for (auto change : std::vector<void (*)(IdMemory::Content&)>{
             [](IdMemory::Content& c) { c.signal = "r1/y"; },
             [](IdMemory::Content& c) { c.request.value = true; },
             [](IdMemory::Content& c) { c.request.expect = std::int64_t{0}; },
             [](IdMemory::Content& c) { c.request.ttl = 1ms; },
             [](IdMemory::Content& c) { c.request.pulse = 1ms; }}) {
        IdMemory::Content other = first;
        change(other);
        EXPECT_EQ(ids.look("a", other, kNow), Seen::reused);
    }
}

TEST(IdMemory, AnswersWaitingDuplicatesWithTheFirst) {
    IdMemory ids;
    ids.begin("a", content(1), kNow);
    for (std::size_t i = 0; i < IdMemory::kWaiting; ++i) {
        EXPECT_TRUE(ids.wait("a", reply(std::to_string(i))));
    }
    EXPECT_FALSE(ids.wait("a", reply("one too many")));
    const auto waiting = ids.end("a", {});
    ASSERT_EQ(waiting.size(), IdMemory::kWaiting);
    EXPECT_EQ(waiting.front().correlation, "0");
    EXPECT_TRUE(ids.end("a", {}).empty());
    EXPECT_TRUE(ids.end("never heard of", {}).empty());
}

TEST(IdMemory, ForgetsTheOldestEndedWhenFullButNoRunningOne) {
    IdMemory ids(3);
    ids.begin("running", content(1), kNow);
    ids.begin("old", content(1), kNow + 1s);
    ids.begin("young", content(1), kNow + 2s);
    ids.end("old", {});
    ids.end("young", {});
    ids.begin("new", content(1), kNow + 3s);
    EXPECT_EQ(ids.look("running", content(1), kNow + 3s), Seen::running);
    EXPECT_EQ(ids.look("old", content(1), kNow + 3s), Seen::fresh);
    EXPECT_EQ(ids.look("young", content(1), kNow + 3s), Seen::ended);
    EXPECT_EQ(ids.look("running", content(1), kNow + 20min), Seen::running) << "however old";
    EXPECT_EQ(ids.look("young", content(1), kNow + 20min), Seen::fresh);
}

TEST(IdMemory, ForgetsWhatItIsToldTo) {
    IdMemory ids;
    ids.begin("a", content(1), kNow);
    EXPECT_TRUE(ids.wait("a", reply("x")));
    EXPECT_EQ(ids.forget("a").size(), 1U);
    EXPECT_EQ(ids.look("a", content(2), kNow), Seen::fresh);
    EXPECT_TRUE(ids.forget("a").empty());
}

}  // namespace
}  // namespace hi6gw::command
