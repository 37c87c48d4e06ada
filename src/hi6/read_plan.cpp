#include "hi6/read_plan.h"

#include <algorithm>

namespace hi6gw::hi6 {
namespace {

std::uint32_t words_for(std::uint32_t bytes) {
    return (bytes + 3) / 4;
}

// A window over bytes first..end: from byte 0 where that is within one request, else with the last
// byte read being the last byte needed. So no read goes past the end of its area, and none past the
// end of an fn window, whose size only the controller knows, unless a whole word demands it.
BlockRead window(const Area& area, std::uint32_t first, std::uint32_t end,
                 std::uint32_t max_words) {
    if (words_for(end) <= max_words) {
        return {area, 0, words_for(end)};
    }
    const std::uint32_t words = words_for(end - first);
    return {area, end - 4 * words, words};
}

// `extents` of one area, sorted by first byte. `origin`: the first window ends within max_words of
// byte 0 instead of within max_words of the first extent.
std::vector<BlockRead> greedy(std::span<const Extent> extents, std::uint32_t max_words,
                              bool origin) {
    std::vector<BlockRead> plan;
    for (std::size_t i = 0; i < extents.size();) {
        const std::uint32_t first = extents[i].first;
        const std::uint32_t limit = (origin && i == 0 ? 0 : first) + 4 * max_words;
        std::uint32_t end = 0;
        std::size_t next = extents.size();
        std::size_t at = i;
        for (; at < extents.size() && extents[at].first < limit; ++at) {
            const std::uint32_t extent_end = extents[at].first + extents[at].bytes;
            if (extent_end <= limit) {
                end = std::max(end, extent_end);
            } else {
                next = std::min(next, at);
            }
        }
        next = std::min(next, at);
        if (next == i) {  // byte 0 is too far from the first extent
            return greedy(extents, max_words, false);
        }
        plan.push_back(window(extents[i].area, first, end, max_words));
        i = next;
    }
    return plan;
}

}  // namespace

std::vector<BlockRead> cover(std::span<const Extent> extents, std::uint32_t max_words) {
    max_words = std::max(max_words, 1U);
    std::vector<Extent> sorted(extents.begin(), extents.end());
    std::ranges::sort(sorted);
    std::vector<BlockRead> plan;
    for (std::size_t from = 0; from < sorted.size();) {
        std::size_t to = from;
        while (to < sorted.size() && sorted[to].area == sorted[from].area) {
            ++to;
        }
        const std::span<const Extent> area(sorted.data() + from, to - from);
        const auto free = greedy(area, max_words, false);
        const auto from_zero = greedy(area, max_words, true);
        const auto& best = from_zero.size() <= free.size() ? from_zero : free;
        plan.insert(plan.end(), best.begin(), best.end());
        from = to;
    }
    return plan;
}

}  // namespace hi6gw::hi6
