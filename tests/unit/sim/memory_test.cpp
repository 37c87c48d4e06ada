// The memory model against a second formulation: an area is nothing but a row of bits, and a value
// is the sum of its bits times their powers of two.

#include "sim/memory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace hi6gw::sim {
namespace {

constexpr std::array<View, 5> kViews = {View::bit, View::byte, View::word, View::dword, View::real};
constexpr std::array<const char*, 5> kSuffixes = {"", "b", "w", "l", "f"};
constexpr std::array<std::size_t, 5> kWidths = {1, 8, 16, 32, 32};

using Bits = std::vector<bool>;

std::uint32_t sum_of(const Bits& bits, std::size_t first, std::size_t count) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += bits[first + i] ? std::uint32_t(std::ldexp(1.0, int(i))) : 0U;
    }
    return sum;
}

// First bit of a value: bits count bits, bytes eight of them, the others what the unit says.
std::size_t first_bit(std::size_t view, std::size_t index, IndexUnit unit) {
    const bool elements = view >= 2 && unit == IndexUnit::element;
    return view == 0 ? index : elements ? index * kWidths[view] : index * 8;
}

class MemoryProperty : public testing::TestWithParam<std::tuple<const char*, IndexUnit>> {};

TEST_P(MemoryProperty, EveryViewShowsTheSameBits) {
    const auto [name, unit] = GetParam();
    Memory memory;
    const auto area = memory.area(name);
    ASSERT_TRUE(area);
    Bits model(area->bytes * 8);
    std::mt19937 random(7);
    for (int writes = 0; writes < 2000; ++writes) {
        const auto view = random() % kViews.size();
        const auto index = random() % (view == 0 ? area->bytes * 8 : area->bytes);
        const auto place = memory.place(fmt::format("{}{}{}", name, kSuffixes[view], index), unit);
        const auto first = first_bit(view, index, unit);
        ASSERT_EQ(place.has_value(), first + kWidths[view] <= model.size())
            << name << kSuffixes[view] << index;
        if (!place) {
            continue;
        }
        const auto value = std::uint32_t(random());
        memory.set_bits(*place, value);
        for (std::size_t i = 0; i < kWidths[view]; ++i) {
            model[first + i] = std::fmod(std::floor(value / std::ldexp(1.0, int(i))), 2.0) == 1.0;
        }
    }
    for (std::size_t view = 0; view < kViews.size(); ++view) {
        for (std::size_t index = 0; first_bit(view, index, unit) + kWidths[view] <= model.size();
             ++index) {
            const auto place = Memory::place(*area, kViews[view], index, unit);
            ASSERT_TRUE(place);
            ASSERT_EQ(memory.bits(*place),
                      sum_of(model, first_bit(view, index, unit), kWidths[view]))
                << name << kSuffixes[view] << index;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Areas, MemoryProperty,
                         testing::Combine(testing::Values("fb0.di", "fb9.do", "fb3.x", "fb4.y",
                                                          "si", "so", "r", "k", "m", "s"),
                                          testing::Values(IndexUnit::byte, IndexUnit::element)));

TEST(Memory, AreasDoNotShareBytes) {
    Memory memory;
    std::vector<std::string> names = {"si", "so", "m", "s", "r", "k"};
    for (int block = 0; block < 10; ++block) {
        for (const auto* const relay : {"di", "do", "x", "y"}) {
            names.push_back(fmt::format("fb{}.{}", block, relay));
        }
    }
    std::uint32_t stamp = 0;
    for (const auto& name : names) {
        const auto last = memory.area(name)->bytes - 2;
        memory.set_bits(*memory.place(name + "w0", IndexUnit::byte), ++stamp);
        memory.set_bits(*memory.place(fmt::format("{}w{}", name, last), IndexUnit::byte), stamp);
    }
    stamp = 0;
    for (const auto& name : names) {
        const auto last = memory.area(name)->bytes - 2;
        EXPECT_EQ(memory.bits(*memory.place(name + "w0", IndexUnit::byte)), ++stamp) << name;
        EXPECT_EQ(memory.bits(*memory.place(fmt::format("{}w{}", name, last), IndexUnit::byte)),
                  stamp)
            << name;
    }
}

TEST(Memory, PlainNamesRunOverTheBlocks) {
    Memory memory;
    const auto same = [&](const char* plain, const char* block) {
        const auto a = memory.place(plain, IndexUnit::byte);
        const auto b = memory.place(block, IndexUnit::byte);
        return a && b && a->byte == b->byte && a->bit == b->bit && a->view == b->view;
    };
    EXPECT_TRUE(same("do961", "fb1.do1"));
    EXPECT_TRUE(same("di0", "fb0.di0"));
    EXPECT_TRUE(same("do9599", "fb9.do959"));
    EXPECT_TRUE(same("dib120", "fb1.dib0"));
    EXPECT_TRUE(same("yw118", "fb0.yw118"));
    EXPECT_TRUE(same("xf236", "fb1.xf116"));
    // Past the end, or over the edge of a block.
    for (const auto* const wrong : {"do9600", "dow119", "dol117", "dof1197", "dob1200"}) {
        EXPECT_FALSE(memory.place(wrong, IndexUnit::byte)) << wrong;
    }
}

TEST(Memory, RefusesWhatIsNotARelay) {
    Memory memory;
    for (const auto* const wrong : {"",
                                    "fb2",
                                    "fb2.",
                                    "fb2.do",
                                    "fb10.do0",
                                    "fb2.do960",
                                    "fb2.dow119",
                                    "FB2.do0",
                                    "fb2.DO0",
                                    "fb2.dod0",
                                    "fb2.do-1",
                                    "fb2.do 1",
                                    "fb2.do1 ",
                                    "fb2.do0x1",
                                    "fb2.m0",
                                    "fb2.si0",
                                    "fn0.do0",
                                    "fn64.do0",
                                    "q0",
                                    "m160000",
                                    "mb20000",
                                    "mw19999",
                                    "do",
                                    "fb2..do0",
                                    ".do0",
                                    "fb2.dowb0",
                                    "si960",
                                    "fb2.do1.0",
                                    "m99999999999999999999"}) {
        EXPECT_FALSE(memory.place(wrong, IndexUnit::byte)) << wrong;
    }
    EXPECT_FALSE(memory.place(std::string_view("m0\0", 3), IndexUnit::byte));
    EXPECT_FALSE(Memory::place(*memory.area("m"), View::dword,
                               std::numeric_limits<std::size_t>::max(), IndexUnit::element));
}

TEST(Memory, AWindowShowsPartOfABlock) {
    Memory memory;
    ASSERT_TRUE(memory.add_window(3, "do", 2, 16, 8));
    memory.set_bits(*memory.place("fn3.dow2", IndexUnit::byte), 0xBEEF);
    EXPECT_EQ(memory.bits(*memory.place("fb2.dow18", IndexUnit::byte)), 0xBEEFU);
    EXPECT_TRUE(memory.place("fn3.do63", IndexUnit::byte));
    EXPECT_FALSE(memory.place("fn3.do64", IndexUnit::byte));
    EXPECT_FALSE(memory.place("fn3.dol5", IndexUnit::byte));
    EXPECT_FALSE(memory.place("fn3.di0", IndexUnit::byte));
    EXPECT_TRUE(memory.place("fn3.do0", IndexUnit::byte)->writable);
}

TEST(Memory, RefusesWindowsOutsideABlock) {
    Memory memory;
    EXPECT_FALSE(memory.add_window(64, "do", 2, 0, 8));
    EXPECT_FALSE(memory.add_window(3, "do", 10, 0, 8));
    EXPECT_FALSE(memory.add_window(3, "so", 2, 0, 8));
    EXPECT_FALSE(memory.add_window(3, "do", 2, 113, 8));
    EXPECT_FALSE(memory.add_window(3, "do", 2, 0, 0));
    EXPECT_FALSE(memory.add_window(3, "do", 2, 200, 1));
    EXPECT_TRUE(memory.add_window(63, "y", 9, 112, 8));
}

TEST(Memory, OnlyTheAreasOfTheManualAreWritable) {
    Memory memory;
    for (const auto* const name : {"fb0.do0", "do5", "m0", "s0", "r0", "k0"}) {
        EXPECT_TRUE(memory.place(name, IndexUnit::byte)->writable) << name;
    }
    for (const auto* const name : {"fb0.di0", "fb0.x0", "fb0.y0", "si0", "so0"}) {
        EXPECT_FALSE(memory.place(name, IndexUnit::byte)->writable) << name;
    }
}

TEST(Encode, TakesTheSignedAndTheUnsignedRange) {
    struct Case {
        View view;
        std::int64_t low;
        std::int64_t high;
    };
    for (const auto& each :
         {Case{View::bit, 0, 1}, Case{View::byte, -128, 255}, Case{View::word, -32768, 65535},
          Case{View::dword, -2147483648LL, 4294967295LL}}) {
        EXPECT_TRUE(encode(each.view, each.low));
        EXPECT_TRUE(encode(each.view, each.high));
        EXPECT_FALSE(encode(each.view, each.low - 1));
        EXPECT_FALSE(encode(each.view, each.high + 1));
        EXPECT_FALSE(encode(each.view, double(each.high) + 1));
        EXPECT_FALSE(encode(each.view, 0.5));
    }
    EXPECT_EQ(encode(View::byte, std::int64_t{-56}), 200U);
    EXPECT_EQ(encode(View::byte, 200.0), 200U);
    EXPECT_EQ(encode(View::dword, std::int64_t{-1}), 0xFFFFFFFFU);
}

TEST(Encode, RealsAreFloats) {
    EXPECT_EQ(encode(View::real, 1.0), 0x3F800000U);
    EXPECT_EQ(encode(View::real, std::int64_t{-2}), 0xC0000000U);
    EXPECT_EQ(encode(View::real, std::string_view("2.718")), 0x402DF3B6U);
    EXPECT_FALSE(encode(View::real, 1e39));
    EXPECT_FALSE(encode(View::real, std::numeric_limits<double>::quiet_NaN()));
    EXPECT_FALSE(encode(View::byte, std::numeric_limits<double>::infinity()));
}

TEST(Encode, TextIsADecimalNumberAndNothingElse) {
    EXPECT_EQ(encode(View::byte, std::string_view("121")), 121U);
    EXPECT_EQ(encode(View::word, std::string_view("-1")), 0xFFFFU);
    for (const std::string_view wrong :
         {"", " 1", "1 ", "0x79", "1,5", "one", "nan", "inf", "+1"}) {
        EXPECT_FALSE(encode(View::real, wrong)) << wrong;
    }
}

TEST(AppendJson, FloatsReadBackEqual) {
    const auto text = [](float value) {
        std::string out;
        append_json(out, {.is_real = true, .real = value});
        return out;
    };
    EXPECT_EQ(text(2.718F), "2.718");
    EXPECT_EQ(text(5.0F), "5.0");
    EXPECT_EQ(text(-0.0F), "-0.0");
    EXPECT_EQ(text(std::numeric_limits<float>::quiet_NaN()), "null");
    EXPECT_EQ(text(std::numeric_limits<float>::infinity()), "null");
    std::mt19937 random(11);
    for (int i = 0; i < 20'000; ++i) {
        const auto value = std::bit_cast<float>(std::uint32_t(random()));
        if (std::isfinite(value)) {
            ASSERT_EQ(std::strtof(text(value).c_str(), nullptr), value);
        }
    }
}

}  // namespace
}  // namespace hi6gw::sim
