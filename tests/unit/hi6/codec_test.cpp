// Raw bits to values, for every bit pattern, against a formulation by division instead of shifts.
#include "hi6/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>

namespace hi6gw::hi6 {
namespace {

using domain::SignalOptions;
using domain::Value;

SignalOptions scaling(double scale, double offset = 0.0) {
    SignalOptions options;
    options.scaled = true;
    options.scale = scale;
    options.offset = offset;
    return options;
}

std::array<std::byte, 4> bytes_of(std::uint64_t number) {
    std::array<std::byte, 4> out{};
    for (auto& b : out) {
        b = static_cast<std::byte>(number % 256);
        number /= 256;
    }
    return out;
}

// Two's complement by arithmetic: values in the upper half stand for value - 2^bits.
std::int64_t signed_by_arithmetic(std::int64_t pattern, std::int64_t size) {
    return pattern >= size / 2 ? pattern - size : pattern;
}

void expect_integer(std::int64_t pattern, std::int64_t size, Width width) {
    const auto bytes = bytes_of(static_cast<std::uint64_t>(pattern));
    const std::uint32_t raw = extract(bytes, width, 0);
    ASSERT_EQ(raw, pattern);
    SignalOptions options;
    const std::int64_t expected = signed_by_arithmetic(pattern, size);
    ASSERT_EQ(decode(raw, width, options), Value(expected));
    ASSERT_EQ(enum_key(raw, width, options), expected);
    options.is_unsigned = true;
    ASSERT_EQ(decode(raw, width, options), Value(pattern));
    ASSERT_EQ(enum_key(raw, width, options), pattern);
}

std::vector<std::uint32_t> interesting_words() {
    std::vector<std::uint32_t> words;
    for (int bit = 0; bit < 32; ++bit) {
        const std::uint32_t power = std::uint32_t{1} << bit;
        for (const std::uint32_t w : {power, power - 1, power + 1, 0 - power, ~power}) {
            words.push_back(w);
        }
    }
    for (const std::uint32_t w : {0x7f7fffffU, 0xff7fffffU, 0x7f800000U, 0xff800000U, 0x7f800001U,
                                  0x7fc00000U, 0xffffffffU, 0x00800000U, 0x007fffffU}) {
        words.push_back(w);
    }
    std::mt19937 random(20260101);
    for (int i = 0; i < 200000; ++i) {
        words.push_back(static_cast<std::uint32_t>(random()));
    }
    return words;
}

TEST(Codec, EveryByte) {
    for (std::int64_t pattern = 0; pattern < 256; ++pattern) {
        expect_integer(pattern, 256, Width::byte);
    }
}

TEST(Codec, EveryWord) {
    for (std::int64_t pattern = 0; pattern < 65536; ++pattern) {
        expect_integer(pattern, 65536, Width::word);
    }
}

TEST(Codec, DoubleWords) {
    for (const std::uint32_t pattern : interesting_words()) {
        expect_integer(pattern, std::int64_t{65536} * 65536, Width::dword);
    }
}

TEST(Codec, EveryBitOfEveryByte) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        unsigned rest = byte;
        for (std::uint32_t bit = 0; bit < 8; ++bit, rest /= 2) {
            const auto bytes = bytes_of(byte);
            const std::uint32_t raw = extract(bytes, Width::bit, bit);
            ASSERT_EQ(raw, rest % 2);
            SignalOptions options;
            ASSERT_EQ(decode(raw, Width::bit, options), Value(std::int64_t{rest % 2}));
            options.invert = true;
            ASSERT_EQ(decode(raw, Width::bit, options), Value(std::int64_t{1 - rest % 2}));
            ASSERT_EQ(enum_key(raw, Width::bit, options), 1 - rest % 2);
        }
    }
}

// IEEE 754 by arithmetic: (-1)^s * (1 + f / 2^23) * 2^(e - 127), without the 1 and from 2^-126 when
// e is 0; e = 255 is no number.
TEST(Codec, Floats) {
    for (const std::uint32_t pattern : interesting_words()) {
        const std::uint32_t fraction = pattern % 8388608;
        const std::uint32_t exponent = pattern / 8388608 % 256;
        const auto bytes = bytes_of(pattern);
        const auto value = decode(extract(bytes, Width::real, 0), Width::real, SignalOptions{});
        if (exponent == 255) {
            ASSERT_FALSE(value) << pattern;
            continue;
        }
        const double magnitude =
            exponent == 0
                ? fraction * std::pow(2.0, -149)
                : (8388608.0 + fraction) * std::pow(2.0, static_cast<int>(exponent) - 150);
        const double expected = pattern / 2147483648U == 1 ? -magnitude : magnitude;
        ASSERT_TRUE(value);
        const float got = std::get<float>(*value);
        ASSERT_EQ(static_cast<double>(got), expected) << pattern;
        ASSERT_EQ(std::bit_cast<std::uint32_t>(got), pattern);
    }
}

TEST(Codec, RealThatIsNoNumberStaysNoneWhenScaled) {
    EXPECT_FALSE(decode(0x7f800000U, Width::real, scaling(0.1)));
    EXPECT_FALSE(decode(0xffc00000U, Width::real, scaling(0.0)));
}

TEST(Codec, ScalesInDecimals) {
    const struct {
        std::uint32_t raw;
        Width width;
        double scale;
        double offset;
        double expected;
    } cases[] = {
        {3, Width::word, 0.1, 0, 0.3},
        {0, Width::word, 0.1, 0, 0.0},
        {0, Width::word, 0.001, -40, -40.0},
        {23456, Width::word, 0.001, -40, -16.544},
        {40000, Width::dword, 0.001, -40, 0.0},
        {0xfffd, Width::word, 0.1, 0, -0.3},
        {7, Width::byte, -0.1, 0.7, 0.0},
        {7, Width::byte, -0.1, 0, -0.7},
        {0x7fffffff, Width::dword, 1e-9, 0, 2.147483647},
        {0x7fffffff, Width::dword, 1e290, 0, 2.147483647e299},
        {5, Width::byte, 1e50, 0, 5e50},
        {1, Width::byte, 1e-300, 0, 1e-300},
        {1, Width::byte, 1e-300, 40, 40.0},
        {1, Width::byte, 1e300, 1e-300, 1e300},
        {3, Width::byte, 0, 1.1, 1.1},
        {1, Width::bit, 2.5, 0.1, 2.6},
        {std::bit_cast<std::uint32_t>(0.1F), Width::real, 10, 0, 1.0},
        {std::bit_cast<std::uint32_t>(20.3F), Width::real, 1.8, 32, 68.54},
        {std::bit_cast<std::uint32_t>(-0.0F), Width::real, 2, 0, 0.0},
        {std::bit_cast<std::uint32_t>(1e-40F), Width::real, 1, 0, 1e-40},
        {1, Width::byte, 5e-324, 0, 5e-324},
        {std::bit_cast<std::uint32_t>(0.25F), Width::real, 5e-324, 0, 0.0},
    };
    for (const auto& c : cases) {
        const auto value = decode(c.raw, c.width, scaling(c.scale, c.offset));
        ASSERT_TRUE(value) << c.expected;
        EXPECT_EQ(std::get<double>(*value), c.expected) << c.raw << "*" << c.scale << c.offset;
        EXPECT_FALSE(std::signbit(std::get<double>(*value)) && c.expected == 0.0);
    }
    EXPECT_FALSE(decode(0x7f, Width::byte, scaling(1e307)));
    EXPECT_FALSE(decode(0x80, Width::byte, scaling(1e307)));
    EXPECT_FALSE(decode(0x7f, Width::byte, scaling(1.7e308, 1e-300)));
}

// For scales and offsets of d decimals the result is a count of 10^-d units: computed in integers,
// printed by hand, read by strtod.
TEST(Codec, ScaledValuesAreTheNearestDoublesOfTheirDecimals) {
    std::mt19937_64 random(42);
    for (int i = 0; i < 50000; ++i) {
        const auto raw = static_cast<std::uint32_t>(random());
        const int decimals = static_cast<int>(random() % 7);
        const auto scale_units = static_cast<std::int64_t>(random() % 2000001) - 1000000;
        const auto offset_units = static_cast<std::int64_t>(random() % 2000000001) - 1000000000;
        const std::string power = "e-" + std::to_string(decimals);
        const double scale = std::stod(std::to_string(scale_units) + power);
        const double offset = std::stod(std::to_string(offset_units) + power);
        const std::int64_t units =
            signed_by_arithmetic(raw, std::int64_t{65536} * 65536) * scale_units + offset_units;
        const double expected = std::stod(std::to_string(units) + power);
        const auto value = decode(raw, Width::dword, scaling(scale, offset));
        ASSERT_TRUE(value);
        ASSERT_EQ(std::get<double>(*value), expected) << units << power;
    }
}

// Any scale and offset at all: within the rounding of extended precision.
TEST(Codec, ScaledValuesAgreeWithExtendedPrecision) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> exponent(-30, 30);
    for (int i = 0; i < 50000; ++i) {
        const auto raw = static_cast<std::uint32_t>(random());
        const double scale = std::pow(10.0, exponent(random)) * (random() % 2 == 0 ? 1 : -1);
        const double offset = std::pow(10.0, exponent(random)) * (random() % 2 == 0 ? 1 : -1);
        const long double product = static_cast<long double>(raw) * static_cast<long double>(scale);
        const long double expected = product + static_cast<long double>(offset);
        auto options = scaling(scale, offset);
        options.is_unsigned = true;
        const auto value = decode(raw, Width::dword, options);
        ASSERT_TRUE(value);
        const long double slack =
            (std::fabs(product) + std::fabs(static_cast<long double>(offset))) * 1e-15L;
        ASSERT_NEAR(
            static_cast<double>(static_cast<long double>(std::get<double>(*value)) - expected), 0.0,
            static_cast<double>(slack))
            << raw << " " << scale << " " << offset;
    }
}

TEST(Codec, Ranges) {
    const struct {
        Width width;
        std::int64_t low, high, unsigned_high;
    } cases[] = {{Width::bit, 0, 1, 1},
                 {Width::byte, -128, 127, 255},
                 {Width::word, -32768, 32767, 65535},
                 {Width::dword, -2147483648LL, 2147483647, 4294967295LL}};
    for (const auto& c : cases) {
        EXPECT_EQ(signed_range(c.width).low, c.low);
        EXPECT_EQ(signed_range(c.width).high, c.high);
        EXPECT_EQ(unsigned_range(c.width).low, 0);
        EXPECT_EQ(unsigned_range(c.width).high, c.unsigned_high);
    }
}

}  // namespace
}  // namespace hi6gw::hi6
