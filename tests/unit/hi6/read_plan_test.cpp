// The read plan against an exhaustive search on small areas.
#include "hi6/read_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace hi6gw::hi6 {
namespace {

using ::testing::ElementsAre;
constexpr Area kFb{Scope::fb, 2, Relay::do_};
constexpr Area kFn{Scope::fn, 2, Relay::do_};
constexpr Area kM{Scope::plain, 0, Relay::m};

bool covers(const BlockRead& read, const Extent& extent) {
    return read.area == extent.area && read.start <= extent.first &&
           extent.first + extent.bytes <= read.start + 4 * read.words;
}

// The fewest windows of `words` words that cover all extents (at most 10), by trying all sets of
// windows, breadth first.
std::size_t fewest(const std::vector<Extent>& extents, std::uint32_t words, std::uint32_t size) {
    std::set<unsigned> masks;
    for (std::uint32_t start = 0; start + 4 * words <= size; ++start) {
        unsigned mask = 0;
        for (std::size_t i = 0; i < extents.size(); ++i) {
            mask |= covers({extents[i].area, start, words}, extents[i]) ? 1U << i : 0U;
        }
        masks.insert(mask);
    }
    const unsigned all = (1U << extents.size()) - 1;
    std::set<unsigned> reached{0};
    for (std::size_t count = 0;; ++count) {
        if (reached.contains(all)) {
            return count;
        }
        std::set<unsigned> next;
        for (const unsigned have : reached) {
            for (const unsigned mask : masks) {
                next.insert(have | mask);
            }
        }
        reached = std::move(next);
    }
}

std::vector<Extent> random_extents(std::mt19937& random, std::uint32_t size) {
    std::vector<Extent> extents(1 + random() % 8);
    for (auto& extent : extents) {
        const std::uint32_t bytes = std::uint32_t{1} << (random() % 3);
        extent = {kFb, static_cast<std::uint32_t>(random() % (size - bytes + 1)), bytes};
    }
    return extents;
}

TEST(ReadPlan, UsesTheFewestRequestsForAnySetOfSignals) {
    std::mt19937 random(5);
    for (int round = 0; round < 3000; ++round) {
        const auto max_words = static_cast<std::uint32_t>(1 + random() % 4);
        const auto extents = random_extents(random, 120);
        const auto plan = cover(extents, max_words);
        ASSERT_EQ(plan.size(), fewest(extents, max_words, 120));
        for (const BlockRead& read : plan) {
            ASSERT_GE(read.words, 1U);
            ASSERT_LE(read.words, max_words);
            ASSERT_LE(read.start + 4 * read.words, 120U);
        }
        for (const Extent& extent : extents) {
            ASSERT_TRUE(std::ranges::any_of(
                plan, [&extent](const BlockRead& read) { return covers(read, extent); }));
        }
        ASSERT_TRUE(std::ranges::is_sorted(plan));
        auto shuffled = extents;
        std::ranges::shuffle(shuffled, random);
        ASSERT_EQ(cover(shuffled, max_words), plan);
    }
}

// A window at byte 0 is used whenever some smallest plan has one: the leftmost signals then have
// no open question about `st`.
TEST(ReadPlan, StartsAtByteZeroWhereThatCostsNoFurtherRequest) {
    std::mt19937 random(6);
    for (int round = 0; round < 1000; ++round) {
        const auto max_words = static_cast<std::uint32_t>(1 + random() % 4);
        const auto extents = random_extents(random, 60);
        std::vector<Extent> beyond;
        for (const Extent& extent : extents) {
            if (!covers({kFb, 0, max_words}, extent)) {
                beyond.push_back(extent);
            }
        }
        const std::size_t best = fewest(extents, max_words, 120);
        const bool free =
            beyond.size() < extents.size() && 1 + fewest(beyond, max_words, 120) == best;
        const auto plan = cover(extents, max_words);
        ASSERT_EQ(plan.front().start == 0, free);
    }
}

TEST(ReadPlan, WholeBlockIsOneRequest) {
    std::vector<Extent> extents;
    for (std::uint32_t byte = 0; byte < 120; ++byte) {
        extents.push_back({kFb, byte, 1});
    }
    EXPECT_THAT(cover(extents, kDefaultBlockWords), ElementsAre(BlockRead{kFb, 0, 30}));
}

TEST(ReadPlan, Examples) {
    const struct {
        std::vector<Extent> extents;
        std::uint32_t max_words;
        std::vector<BlockRead> plan;
    } cases[] = {
        {{}, 30, {}},
        {{{kM, 0, 1}}, 30, {{kM, 0, 1}}},
        {{{kM, 100, 4}}, 30, {{kM, 0, 26}}},
        {{{kM, 19999, 1}}, 30, {{kM, 19996, 1}}},
        {{{kM, 500, 2}}, 30, {{kM, 498, 1}}},
        {{{kM, 7, 4}, {kM, 11, 4}}, 1, {{kM, 7, 1}, {kM, 11, 1}}},
        {{{kM, 1, 4}}, 1, {{kM, 1, 1}}},
        {{{kM, 3, 4}, {kM, 3, 1}, {kM, 3, 4}}, 1, {{kM, 3, 1}}},
        {{{kM, 0, 4}, {kM, 2, 4}}, 1, {{kM, 0, 1}, {kM, 2, 1}}},
        {{{kFb, 119, 1}}, 1, {{kFb, 116, 1}}},
        {{{kFn, 5, 1}}, 30, {{kFn, 0, 2}}},
        {{{kFn, 5, 1}}, 1, {{kFn, 2, 1}}},
        {{{kM, 0, 1}, {kFb, 0, 1}}, 30, {{kM, 0, 1}, {kFb, 0, 1}}},
        {{{kM, 10, 1}, {kM, 125, 1}, {kM, 240, 1}}, 30, {{kM, 0, 3}, {kM, 125, 29}}},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(cover(c.extents, c.max_words), c.plan);
    }
}

TEST(ReadPlan, AllOfALargeAreaIsReadInFullWindows) {
    std::vector<Extent> extents;
    for (std::uint32_t byte = 0; byte < 20000; byte += 4) {
        for (int bit = 0; bit < 32; ++bit) {
            extents.push_back({kM, byte + static_cast<std::uint32_t>(bit) / 8, 1});
        }
    }
    EXPECT_EQ(cover(extents, kDefaultBlockWords).size(), (5000 + 29) / 30U);
}

}  // namespace
}  // namespace hi6gw::hi6
