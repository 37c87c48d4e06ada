#include "poll/sweep_plan.h"

#include <algorithm>
#include <set>

namespace hi6gw::poll {
namespace {

// Due sets repeat: a handful for sensible periods. The bound only matters for odd ones.
constexpr std::size_t kMaxCachedSweeps = 256;

bool is_wide(hi6::Width width) {
    return width != hi6::Width::bit && width != hi6::Width::byte;
}

std::vector<std::chrono::milliseconds> distinct_periods(std::span<const config::Signal> signals) {
    std::set<std::chrono::milliseconds> periods;
    for (const auto& signal : signals) {
        periods.insert(signal.options->poll);
    }
    std::vector<std::chrono::milliseconds> result(periods.begin(), periods.end());
    if (result.size() > kMaxGroups) {
        result.resize(kMaxGroups);  // what is slower still is read more often than asked
    }
    return result;
}

}  // namespace

SweepPlan::SweepPlan(std::span<const config::Signal> signals, hi6::IndexUnit unit,
                     std::uint32_t max_block_words)
    : signals_(signals),
      unit_(unit),
      max_words_(max_block_words),
      periods_(distinct_periods(signals)) {
    std::set<hi6::Area> areas;
    group_of_.reserve(signals.size());
    for (const auto& signal : signals) {
        const auto group = std::lower_bound(periods_.begin(), periods_.end(), signal.options->poll);
        const auto index =
            std::min<std::ptrdiff_t>(group - periods_.begin(), std::ssize(periods_) - 1);
        group_of_.push_back(static_cast<std::uint8_t>(index));
        areas.insert(signal.address.area);
    }
    areas_.assign(areas.begin(), areas.end());
    arrange([](const hi6::Area& area) {
        return hi6::has_block_read(area) ? AreaMode::block : AreaMode::single;
    });
}

hi6::Extent SweepPlan::extent(const config::Signal& signal) const {
    return {signal.address.area, hi6::first_byte(signal.address, unit_),
            hi6::width_bytes(signal.address.width)};
}

void SweepPlan::arrange(const std::function<AreaMode(const hi6::Area&)>& mode) {
    segments_.clear();
    cache_.clear();
    unreadable_.clear();
    for (const hi6::Area& area : areas_) {
        segments_[area] = {mode(area), hi6::area_bytes(area), 0, 0};
    }
    const auto in_segment = [this](const config::Signal& signal) {
        return segments_[signal.address.area].mode == AreaMode::block ||
               !is_wide(signal.address.width);
    };
    for (const auto& signal : signals_) {
        if (in_segment(signal)) {
            Segment& segment = segments_[signal.address.area];
            const hi6::Extent need = extent(signal);
            segment.first = std::min(segment.first, need.first);
            segment.end = std::max(segment.end, need.first + need.bytes);
        }
    }
    image_bytes_ = 0;
    for (auto& [area, segment] : segments_) {
        segment.image = image_bytes_;
        image_bytes_ += segment.end > segment.first ? segment.end - segment.first : 0;
    }
    std::map<hi6::Address, std::uint32_t> cells;  // wide signals of single mode, four bytes each
    places_.assign(signals_.size(), Place{});
    for (std::size_t i = 0; i < signals_.size(); ++i) {
        const auto& signal = signals_[i];
        const Segment& segment = segments_[signal.address.area];
        Place& place = places_[i];
        place.bytes = static_cast<std::uint8_t>(hi6::width_bytes(signal.address.width));
        place.bit = static_cast<std::uint8_t>(hi6::bit_in_byte(signal.address));
        if (segment.mode == AreaMode::none) {
            unreadable_.push_back(static_cast<std::uint32_t>(i));
        }
        if (in_segment(signal)) {
            place.offset = segment.image + extent(signal).first - segment.first;
            continue;
        }
        const auto [cell, added] = cells.try_emplace(signal.address, image_bytes_);
        place.offset = cell->second;
        if (added) {
            image_bytes_ += 4;
        }
    }
}

std::span<const ReadItem> SweepPlan::reads(GroupMask groups) {
    const auto found = cache_.find(groups);
    if (found != cache_.end()) {
        return found->second;
    }
    if (cache_.size() >= kMaxCachedSweeps) {
        cache_.clear();
    }
    return cache_[groups] = plan(groups);
}

void SweepPlan::plan_single(std::uint32_t signal, std::map<std::uint32_t, ReadItem>& items) const {
    const Place& place = places_[signal];
    hi6::Address address = signals_[signal].address;
    if (address.width == hi6::Width::bit) {
        address.width = hi6::Width::byte;
        address.index /= 8;
    }
    ReadItem item;
    item.block = false;
    item.single = address;
    item.image = place.offset;
    item.bytes = place.bytes;
    items.try_emplace(place.offset, item);
}

std::vector<ReadItem> SweepPlan::plan(GroupMask groups) const {
    std::vector<hi6::Extent> extents;
    std::map<std::uint32_t, ReadItem>
        singles;  // by image offset: one request for all signals it serves
    for (std::uint32_t i = 0; i < signals_.size(); ++i) {
        if ((groups >> group_of_[i] & 1) == 0) {
            continue;
        }
        const AreaMode mode = segments_.at(signals_[i].address.area).mode;
        if (mode == AreaMode::block) {
            extents.push_back(extent(signals_[i]));
        } else if (mode == AreaMode::single) {
            plan_single(i, singles);
        }
    }
    std::vector<ReadItem> items;
    for (const hi6::BlockRead& window : hi6::cover(extents, max_words_)) {
        const Segment& segment = segments_.at(window.area);
        const std::uint32_t from = std::max(window.start, segment.first);
        const std::uint32_t to = std::min(window.start + window.words * 4, segment.end);
        ReadItem item;
        item.window = window;
        item.image = segment.image + from - segment.first;
        item.skip = from - window.start;
        item.bytes = to - from;
        items.push_back(item);
    }
    for (const auto& entry : singles) {
        items.push_back(entry.second);
    }
    return items;
}

}  // namespace hi6gw::poll
