// The address notation: every valid address, and what is said about the others.
#include "hi6/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::hi6 {
namespace {

using ::testing::HasSubstr;
constexpr IndexUnit kUnits[] = {IndexUnit::byte, IndexUnit::element};

struct AreaCase {
    std::string name;
    Area area;
    std::uint32_t bytes;
};

std::vector<AreaCase> all_areas() {
    std::vector<AreaCase> areas{
        {"si", {Scope::plain, 0, Relay::si}, 120}, {"so", {Scope::plain, 0, Relay::so}, 120},
        {"m", {Scope::plain, 0, Relay::m}, 20000}, {"s", {Scope::plain, 0, Relay::s}, 20000},
        {"r", {Scope::plain, 0, Relay::r}, 120},   {"k", {Scope::plain, 0, Relay::k}, 120},
    };
    const std::pair<const char*, Relay> relays[] = {
        {"di", Relay::di}, {"do", Relay::do_}, {"x", Relay::x}, {"y", Relay::y}};
    for (const auto& [text, relay] : relays) {
        for (int n = 0; n < 10; ++n) {
            areas.push_back({"fb" + std::to_string(n) + "." + text,
                             {Scope::fb, static_cast<std::uint8_t>(n), relay},
                             120});
        }
        for (int n = 0; n < 64; ++n) {
            areas.push_back({"fn" + std::to_string(n) + "." + text,
                             {Scope::fn, static_cast<std::uint8_t>(n), relay},
                             120});
        }
    }
    return areas;
}

struct WidthCase {
    const char* suffix;
    Width width;
    std::uint32_t bits;
};
constexpr WidthCase kWidths[] = {{"", Width::bit, 1},
                                 {"b", Width::byte, 8},
                                 {"w", Width::word, 16},
                                 {"l", Width::dword, 32},
                                 {"f", Width::real, 32}};

// First bit of a value, told independently of the implementation.
std::uint32_t first_bit(const WidthCase& width, std::uint32_t index, IndexUnit unit) {
    if (width.width == Width::bit) {
        return index;
    }
    return unit == IndexUnit::byte ? index * 8 : index * width.bits;
}

TEST(Address, EveryValidAddressIsReadAndWrittenBackAndTheNextIndexIsRefused) {
    for (const IndexUnit unit : kUnits) {
        for (const AreaCase& area : all_areas()) {
            for (const WidthCase& width : kWidths) {
                const std::string stem = area.name + width.suffix;
                std::uint32_t index = 0;
                while (first_bit(width, index, unit) + width.bits <= area.bytes * 8) {
                    const std::string text = stem + std::to_string(index);
                    const auto parsed = parse_address(text, unit);
                    ASSERT_TRUE(parsed) << text << parsed.error().what;
                    ASSERT_EQ(*parsed, (Address{area.area, width.width, index})) << text;
                    ASSERT_EQ(to_string(*parsed), text);
                    const BitRange range = bit_range(*parsed, unit);
                    ASSERT_EQ(range.first, first_bit(width, index, unit)) << text;
                    ASSERT_EQ(range.count, width.bits) << text;
                    ASSERT_EQ(first_byte(*parsed, unit), range.first / 8) << text;
                    ASSERT_EQ(bit_in_byte(*parsed), range.first % 8) << text;
                    ++index;
                }
                const auto beyond = parse_address(stem + std::to_string(index), unit);
                ASSERT_FALSE(beyond) << stem << index;
                ASSERT_THAT(beyond.error().what, HasSubstr(" 0-" + std::to_string(index - 1)));
            }
            ASSERT_EQ(area_bytes(area.area), area.bytes) << area.name;
            ASSERT_EQ(to_string(area.area), area.name);
        }
    }
}

// An index without a block names the bit of the ten blocks laid end to end.
TEST(Address, EveryRunningIndexNamesTheSameBitsAsItsBlockForm) {
    for (const IndexUnit unit : kUnits) {
        for (const char* relay : {"di", "do", "x", "y"}) {
            for (const WidthCase& width : kWidths) {
                for (std::uint32_t index = 0;; ++index) {
                    const std::uint32_t bit = first_bit(width, index, unit);
                    const std::string text =
                        relay + std::string(width.suffix) + std::to_string(index);
                    const auto parsed = parse_address(text, unit);
                    if (bit + width.bits > 9600) {
                        ASSERT_FALSE(parsed) << text;
                        break;
                    }
                    if (bit / 960 != (bit + width.bits - 1) / 960) {
                        ASSERT_FALSE(parsed) << text;
                        ASSERT_THAT(parsed.error().what, HasSubstr("two blocks"));
                        continue;
                    }
                    ASSERT_TRUE(parsed) << text << parsed.error().what;
                    ASSERT_EQ(parsed->area.scope, Scope::fb);
                    ASSERT_EQ(parsed->area.number, bit / 960) << text;
                    ASSERT_EQ(bit_range(*parsed, unit).first, bit % 960) << text;
                }
            }
        }
    }
}

TEST(Address, RunningIndexBecomesItsBlockForm) {
    const struct {
        const char* text;
        IndexUnit unit;
        const char* canonical;
    } cases[] = {
        {"do961", IndexUnit::byte, "fb1.do1"},      {"do0", IndexUnit::byte, "fb0.do0"},
        {"di9599", IndexUnit::byte, "fb9.di959"},   {"dob120", IndexUnit::byte, "fb1.dob0"},
        {"yb1199", IndexUnit::byte, "fb9.yb119"},   {"xw238", IndexUnit::byte, "fb1.xw118"},
        {"dol1196", IndexUnit::byte, "fb9.dol116"}, {"diw60", IndexUnit::element, "fb1.diw0"},
        {"dof299", IndexUnit::element, "fb9.dof29"}};
    for (const auto& c : cases) {
        const auto parsed = parse_address(c.text, c.unit);
        ASSERT_TRUE(parsed) << parsed.error().what;
        EXPECT_EQ(to_string(*parsed), c.canonical);
    }
}

TEST(Address, RefusalsSayWhatIsAllowed) {
    const struct {
        std::string_view text;
        IndexUnit unit;
        const char* says;
    } cases[] = {
        {"fb12.di0", IndexUnit::byte, "fb0-fb9"},
        {"fb10.di0", IndexUnit::byte, "fb0-fb9"},
        {"fn64.di0", IndexUnit::byte, "fn0-fn63"},
        {"fb4294967297.di0", IndexUnit::byte, "fb0-fb9"},
        {"fb2.di960", IndexUnit::byte, "bit index 0-959"},
        {"fb2.dob120", IndexUnit::byte, "byte index 0-119"},
        {"fb2.dow119", IndexUnit::byte, "word index 0-118 (in bytes)"},
        {"fb2.dow60", IndexUnit::element, "word index 0-59 (in elements)"},
        {"fb2.dol117", IndexUnit::byte, "long index 0-116 (in bytes)"},
        {"fb2.dof30", IndexUnit::element, "float index 0-29 (in elements)"},
        {"m160000", IndexUnit::byte, "bit index 0-159999"},
        {"mw19999", IndexUnit::byte, "word index 0-19998 (in bytes)"},
        {"si960", IndexUnit::byte, "bit index 0-959"},
        {"do9600", IndexUnit::byte, "bit index 0-9599"},
        {"do99999999999999999999", IndexUnit::byte, "bit index 0-9599"},
        {"dow119", IndexUnit::byte, "two blocks"},
        {"dol117", IndexUnit::byte, "long index 0-116"},
        {"fb2.m3", IndexUnit::byte, "m has no blocks"},
        {"fn2.si3", IndexUnit::byte, "si has no blocks"},
        {"fx2.do3", IndexUnit::byte, "unknown block"},
        {".do3", IndexUnit::byte, "unknown block"},
        {"fb.do3", IndexUnit::byte, "fb must be followed by a number 0-9"},
        {"fb02.do3", IndexUnit::byte, "leading zeros"},
        {"fb2.do03", IndexUnit::byte, "leading zeros"},
        {"fb2.do", IndexUnit::byte, "the index must be"},
        {"fb2.do-1", IndexUnit::byte, "the index must be"},
        {"fb2.do+1", IndexUnit::byte, "the index must be"},
        {"fb2.do3 ", IndexUnit::byte, "the index must be"},
        {"fb2.do 3", IndexUnit::byte, "the index must be"},
        {"fb2.do3.4", IndexUnit::byte, "the index must be"},
        {"fb2.do3x", IndexUnit::byte, "the index must be"},
        {"fb-1.do3", IndexUnit::byte, "fb must be followed"},
        {" fb2.do3", IndexUnit::byte, "unknown block"},
        {"FB2.DO3", IndexUnit::byte, "lower case"},
        {"fb2.DO3", IndexUnit::byte, "lower case"},
        {"Mw3", IndexUnit::byte, "lower case"},
        {"", IndexUnit::byte, "not an address"},
        {"fb2.", IndexUnit::byte, "not an address"},
        {"fb2", IndexUnit::byte, "not an address"},
        {"3", IndexUnit::byte, "not an address"},
        {"fb2.dod3", IndexUnit::byte, "not an address"},
        {"fb2.dobw3", IndexUnit::byte, "not an address"},
        {"q3", IndexUnit::byte, "not an address"},
        {std::string_view("fb2.do3\0", 8), IndexUnit::byte, "the index must be"},
    };
    for (const auto& c : cases) {
        const auto parsed = parse_address(c.text, c.unit);
        ASSERT_FALSE(parsed) << c.text;
        EXPECT_THAT(parsed.error().what, HasSubstr(c.says)) << c.text;
    }
}

TEST(Address, ErrorTextsAreSafeToLogAndBounded) {
    const auto hostile = parse_address(std::string(100000, '\xff') + "\n", IndexUnit::byte);
    ASSERT_FALSE(hostile);
    EXPECT_LT(hostile.error().what.size(), 512U);
    EXPECT_THAT(hostile.error().what, HasSubstr("\\xff"));
    EXPECT_THAT(parse_address("do\n1", IndexUnit::byte).error().what, HasSubstr("'do\\x0a1'"));
}

TEST(Address, AreasKnowWhichApiServesThem) {
    for (const AreaCase& c : all_areas()) {
        const bool block = c.name != "si" && c.name != "so";
        const bool fb_dio = c.name.starts_with("fb") && c.name.find(".d") != std::string::npos;
        const bool writable =
            c.name == "m" || c.name == "r" || c.name == "k" || c.name.ends_with(".do");
        EXPECT_EQ(has_block_read(c.area), block) << c.name;
        EXPECT_EQ(has_single_read(c.area), fb_dio || !block) << c.name;
        EXPECT_EQ(is_writable(c.area), writable) << c.name;
    }
}

}  // namespace
}  // namespace hi6gw::hi6
