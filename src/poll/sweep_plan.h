#pragma once
// Which requests a sweep over the due groups takes, and where in the controller's image each answer
// belongs. Pure.
//
// The image is one flat run of bytes per controller. An area that is read in blocks has a segment
// that mirrors it from the first to the last byte in use. An area that is read value by value has a
// segment of the same kind for its bits and bytes (whose index means the same in every reading of
// the manuals: up to eight bits are read as one byte), and four bytes of their own for each word,
// long and float, read under the name it has in the configuration: the controller itself says what
// that name means.

#include "config/config.h"
#include "hi6/read_plan.h"
#include "poll/schedule.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace hi6gw::poll {

enum class AreaMode : std::uint8_t { block, single, none };  // none: no API left that could read it

// Where a signal's bytes are in the image.
struct Place {
    std::uint32_t offset = 0;
    std::uint8_t bytes = 1;
    std::uint8_t bit = 0;
};

// One request of a sweep.
struct ReadItem {
    bool block = true;
    hi6::BlockRead window;    // block
    hi6::Address single;      // !block
    std::uint32_t image = 0;  // where the answer's byte number `skip` goes
    std::uint32_t skip = 0;   // leading bytes of the answer that no signal needs
    std::uint32_t bytes = 0;  // how many bytes go into the image
};

class SweepPlan {
  public:
    // `signals` outlives the plan.
    SweepPlan(std::span<const config::Signal> signals, hi6::IndexUnit unit,
              std::uint32_t max_block_words);

    // The distinct polling periods, shortest first; signals with periods beyond the kMaxGroups-th
    // are polled at that one.
    [[nodiscard]] const std::vector<std::chrono::milliseconds>& periods() const { return periods_; }
    // The areas that the signals live in, sorted.
    [[nodiscard]] const std::vector<hi6::Area>& areas() const { return areas_; }

    // Lays the image out anew. Everything known before about offsets and reads is void.
    void arrange(const std::function<AreaMode(const hi6::Area&)>& mode);
    [[nodiscard]] std::span<const Place> places() const { return places_; }  // by signal
    [[nodiscard]] std::uint32_t image_bytes() const { return image_bytes_; }
    // The signals that no API can read as arranged.
    [[nodiscard]] const std::vector<std::uint32_t>& unreadable() const { return unreadable_; }

    // The fewest requests that cover the signals of these groups. Stays valid until arrange().
    [[nodiscard]] std::span<const ReadItem> reads(GroupMask groups);

  private:
    struct Segment {
        AreaMode mode = AreaMode::none;
        std::uint32_t first = 0;  // bytes of the area, [first, end)
        std::uint32_t end = 0;
        std::uint32_t image = 0;  // where `first` is
    };
    [[nodiscard]] hi6::Extent extent(const config::Signal& signal) const;
    [[nodiscard]] std::vector<ReadItem> plan(GroupMask groups) const;
    void plan_single(std::uint32_t signal, std::map<std::uint32_t, ReadItem>& items) const;

    std::span<const config::Signal> signals_;
    hi6::IndexUnit unit_;
    std::uint32_t max_words_;
    std::vector<std::chrono::milliseconds> periods_;
    std::vector<std::uint8_t> group_of_;  // by signal
    std::vector<hi6::Area> areas_;
    std::map<hi6::Area, Segment> segments_;
    std::vector<Place> places_;
    std::uint32_t image_bytes_ = 0;
    std::vector<std::uint32_t> unreadable_;
    std::map<GroupMask, std::vector<ReadItem>> cache_;
};

}  // namespace hi6gw::poll
