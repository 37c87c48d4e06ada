#include "poll/sweep_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace hi6gw::poll {
namespace {

using namespace std::chrono_literals;
using hi6::IndexUnit;

config::Signal signal(const std::string& address, std::chrono::milliseconds poll = 100ms,
                      IndexUnit unit = IndexUnit::byte) {
    auto options = std::make_shared<domain::SignalOptions>();
    options->poll = poll;
    return {address, hi6::parse_address(address, unit).value(), std::move(options)};
}

AreaMode single(const hi6::Area& /*area*/) {
    return AreaMode::single;
}

std::vector<std::string> names(std::span<const ReadItem> items) {
    std::vector<std::string> list;
    for (const ReadItem& item : items) {
        list.push_back(item.block
                           ? to_string(item.window.area) + "+" + std::to_string(item.window.start) +
                                 "*" + std::to_string(item.window.words)
                           : to_string(item.single));
    }
    std::sort(list.begin(), list.end());
    return list;
}

using Names = std::vector<std::string>;

TEST(SweepPlan, AWholeAreaIsOneRequest) {
    std::vector<config::Signal> signals;
    for (int bit = 0; bit < 960; ++bit) {
        signals.push_back(signal("fb2.do" + std::to_string(bit)));
    }
    SweepPlan plan(signals, IndexUnit::byte, 30);
    EXPECT_EQ(names(plan.reads(1)), (Names{"fb2.do+0*30"}));
    EXPECT_EQ(plan.image_bytes(), 120U);
}

TEST(SweepPlan, PeriodsAreDistinctAndShortestFirst) {
    const std::vector<config::Signal> signals{signal("fb0.do0", 1000ms), signal("fb0.do1", 50ms),
                                              signal("fb0.do2", 1000ms)};
    const SweepPlan plan(signals, IndexUnit::byte, 30);
    EXPECT_EQ(plan.periods(), (std::vector<std::chrono::milliseconds>{50ms, 1000ms}));
}

TEST(SweepPlan, OnlyTheDueSignalsCostRequests) {
    const std::vector<config::Signal> signals{signal("fb0.dob0", 50ms), signal("fb1.dob0", 1000ms)};
    SweepPlan plan(signals, IndexUnit::byte, 30);
    EXPECT_TRUE(plan.reads(0).empty());
    EXPECT_EQ(names(plan.reads(0b01)), (Names{"fb0.do+0*1"}));
    EXPECT_EQ(names(plan.reads(0b10)), (Names{"fb1.do+0*1"}));
    EXPECT_EQ(plan.reads(0b11).size(), 2U);
    EXPECT_EQ(plan.reads(0b01).size(), 1U) << "the same again, from the cache";
}

TEST(SweepPlan, MorePeriodsThanGroupsAreReadMoreOften) {
    std::vector<config::Signal> signals;
    for (int i = 0; i < 70; ++i) {
        signals.push_back(
            signal("fb0.dob" + std::to_string(i), std::chrono::milliseconds(100 + i)));
    }
    SweepPlan plan(signals, IndexUnit::byte, 30);
    ASSERT_EQ(plan.periods().size(), kMaxGroups);
    EXPECT_EQ(plan.periods().back(), 163ms);
    const auto slowest = plan.reads(GroupMask{1} << 63);
    ASSERT_EQ(slowest.size(), 1U);
    EXPECT_LE(slowest[0].window.start, 63U);
    EXPECT_GE(slowest[0].window.start + 4 * slowest[0].window.words, 70U);
}

TEST(SweepPlan, BitsAreReadAsBytesWhereOnlySinglesAreServed) {
    std::vector<config::Signal> signals;
    for (int bit = 0; bit < 16; ++bit) {
        signals.push_back(signal("fb2.do" + std::to_string(bit)));
    }
    signals.push_back(signal("fb2.dob1"));
    SweepPlan plan(signals, IndexUnit::byte, 30);
    plan.arrange(single);
    EXPECT_EQ(names(plan.reads(1)), (Names{"fb2.dob0", "fb2.dob1"}));
    EXPECT_EQ(plan.places()[9].offset, plan.places()[16].offset);
    EXPECT_EQ(plan.places()[9].bit, 1);
}

TEST(SweepPlan, WideValuesAreReadUnderTheirOwnNames) {
    const std::vector<config::Signal> signals{signal("fb2.dow3"),         signal("fb2.dol3"),
                                              signal("fb2.dof4"),         signal("fb2.dob3"),
                                              signal("fb2.dow3", 1000ms), signal("fb2.dow4")};
    SweepPlan plan(signals, IndexUnit::byte, 30);
    plan.arrange(single);
    EXPECT_EQ(names(plan.reads(~GroupMask{0})),
              (Names{"fb2.dob3", "fb2.dof4", "fb2.dol3", "fb2.dow3", "fb2.dow4"}));
    EXPECT_EQ(plan.places()[0].offset, plan.places()[4].offset) << "the same name, read once";
    EXPECT_EQ(names(plan.reads(0b10)), (Names{"fb2.dow3"}));
    // Nobody's bytes are anybody else's: what a name means is the controller's to say.
    for (std::size_t a = 0; a < signals.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            if (signals[a].address != signals[b].address) {
                const Place& one = plan.places()[a];
                const Place& other = plan.places()[b];
                EXPECT_TRUE(one.offset + one.bytes <= other.offset ||
                            other.offset + other.bytes <= one.offset)
                    << signals[a].name << " " << signals[b].name;
            }
        }
    }
}

TEST(SweepPlan, AreasOfTheSingleApiNeverAskForBlocks) {
    const std::vector<config::Signal> signals{signal("si3"), signal("sow4"), signal("fb0.di0")};
    SweepPlan plan(signals, IndexUnit::byte, 30);
    EXPECT_EQ(names(plan.reads(1)), (Names{"fb0.di+0*1", "sib0", "sow4"}));
}

TEST(SweepPlan, WithoutAnApiSignalsAreUnreadableAndCostNothing) {
    const std::vector<config::Signal> signals{signal("m7"), signal("fb0.dob1"), signal("mf8")};
    SweepPlan plan(signals, IndexUnit::byte, 30);
    EXPECT_TRUE(plan.unreadable().empty());
    plan.arrange([](const hi6::Area& area) {
        return hi6::has_single_read(area) ? AreaMode::single : AreaMode::none;
    });
    EXPECT_EQ(plan.unreadable(), (std::vector<std::uint32_t>{0, 2}));
    EXPECT_EQ(names(plan.reads(1)), (Names{"fb0.dob1"}));
    plan.arrange([](const hi6::Area& /*area*/) { return AreaMode::block; });
    EXPECT_TRUE(plan.unreadable().empty());
}

TEST(SweepPlan, TheIndexUnitDecidesWhereAWordIs) {
    const std::vector<config::Signal> signals{signal("fb0.dow10", 100ms, IndexUnit::element),
                                              signal("fb0.dob0")};
    for (const auto& [unit, byte] : {std::pair(IndexUnit::byte, 10U), {IndexUnit::element, 20U}}) {
        SweepPlan plan(signals, unit, 30);
        EXPECT_EQ(plan.places()[0].offset - plan.places()[1].offset, byte);
    }
}

// For random signals, in every mode: each due signal's bytes come from one answer, to its place.
TEST(SweepPlanProperty, EveryDueSignalIsReadWholeIntoItsPlace) {
    std::minstd_rand random(11);
    const char* const areas[] = {"fb0.do", "fb0.di", "fb3.x", "m", "si"};
    const std::pair<const char*, int> widths[] = {
        {"", 900}, {"b", 110}, {"w", 110}, {"l", 110}, {"f", 110}};
    for (int round = 0; round < 500; ++round) {
        std::vector<config::Signal> signals;
        for (auto n = 1 + random() % 40; n > 0; --n) {
            const auto& [suffix, places] = widths[random() % 5];
            signals.push_back(signal(std::string(areas[random() % 5]) + suffix +
                                         std::to_string(random() % static_cast<unsigned>(places)),
                                     std::chrono::milliseconds(100 * (1 + random() % 3))));
        }
        const auto max_words = static_cast<std::uint32_t>(1 + random() % 30);
        SweepPlan plan(signals, IndexUnit::byte, max_words);
        const auto seed = random();
        plan.arrange([seed](const hi6::Area& area) {
            if (!hi6::has_block_read(area)) {
                return AreaMode::single;
            }
            const auto pick = (seed >> static_cast<unsigned>(area.relay)) % 3;
            return pick == 0 && hi6::has_single_read(area)    ? AreaMode::single
                   : pick == 1 && !hi6::has_single_read(area) ? AreaMode::none
                                                              : AreaMode::block;
        });
        const GroupMask groups = random() % 8;
        const auto items = plan.reads(groups);
        std::vector<bool> written(plan.image_bytes(), false);
        for (const ReadItem& item : items) {
            ASSERT_LE(item.image + item.bytes, plan.image_bytes());
            if (item.block) {
                ASSERT_LE(item.window.words, max_words);
                ASSERT_LE(item.skip + item.bytes, item.window.words * 4);
                ASSERT_LE(item.window.start + item.window.words * 4,
                          hi6::area_bytes(item.window.area));
            }
        }
        for (std::uint32_t i = 0; i < signals.size(); ++i) {
            const auto group =
                std::find(plan.periods().begin(), plan.periods().end(), signals[i].options->poll) -
                plan.periods().begin();
            const bool unreadable =
                std::count(plan.unreadable().begin(), plan.unreadable().end(), i) > 0;
            const Place& place = plan.places()[i];
            ASSERT_LE(place.offset + place.bytes, plan.image_bytes());
            if ((groups >> group & 1) == 0 || unreadable) {
                continue;
            }
            const bool whole = std::any_of(items.begin(), items.end(), [&](const ReadItem& item) {
                if (item.image > place.offset ||
                    item.image + item.bytes < place.offset + place.bytes) {
                    return false;
                }
                if (!item.block) {
                    return item.single.area == signals[i].address.area;
                }
                // The image byte is the area's byte.
                return item.window.area == signals[i].address.area &&
                       item.window.start + item.skip + (place.offset - item.image) ==
                           hi6::first_byte(signals[i].address, IndexUnit::byte);
            });
            ASSERT_TRUE(whole) << signals[i].name << " in round " << round;
        }
    }
}

}  // namespace
}  // namespace hi6gw::poll
