#include "mqtt/payload.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <locale>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace hi6gw::mqtt {
namespace {

namespace json = boost::json;
using domain::Quality;
using domain::Value;

std::string text_of(const Value& value) {
    std::string out;
    append_value(out, value);
    return out;
}

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

// What every printed float or double must look like: JSON number grammar with a decimal point and
// at least one digit on both sides; returns the number of digits before any exponent.
std::size_t checked_digits(const std::string& text) {
    std::size_t i = text.starts_with('-') ? 1 : 0;
    const std::size_t point = text.find('.');
    const std::size_t exponent = std::min(text.find('e'), text.size());
    EXPECT_NE(point, std::string::npos) << text;
    EXPECT_GT(point, i) << text;
    EXPECT_LT(point + 1, exponent) << text;
    EXPECT_TRUE(text[i] != '0' || point == i + 1) << "leading zero: " << text;
    std::size_t digits = 0;
    for (; i < exponent; ++i) {
        EXPECT_TRUE(i == point || (text[i] >= '0' && text[i] <= '9')) << text;
        digits += i == point ? 0 : 1;
    }
    return digits;
}

template <class Real>
void expect_round_trip(Real number) {
    const std::string text = text_of(Value(number));
    checked_digits(text);
    Real back{};
    const auto end = std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(end.ptr, text.data() + text.size()) << text;
    ASSERT_EQ(back, number) << text;
    ASSERT_EQ(std::signbit(back), std::signbit(number)) << text;
    ASSERT_LE(text.size(), 27U) << text;
}

// The fewest significant digits that read back equal, found by trying them all.
template <class Real>
int fewest_digits(Real number) {
    for (int digits = 1; digits < std::numeric_limits<Real>::max_digits10; ++digits) {
        std::array<char, 64> buffer{};
        const auto end = std::to_chars(buffer.begin(), buffer.end(), number,
                                       std::chars_format::scientific, digits - 1);
        Real back{};
        std::from_chars(buffer.data(), end.ptr, back);
        if (back == number) {
            return digits;
        }
    }
    return std::numeric_limits<Real>::max_digits10;
}

int significant_digits(std::string text) {
    text.erase(std::min(text.find('e'), text.size()));
    std::erase_if(text, [](char c) { return c == '.' || c == '-'; });
    text.erase(0, text.find_first_not_of('0'));
    text.erase(text.find_last_not_of('0') + 1);
    return static_cast<int>(text.size());
}

TEST(PayloadValue, Table) {
    struct Row {
        Value value;
        std::string text;
    };
    const std::vector<Row> rows{
        {std::monostate{}, "null"},
        {std::int64_t{0}, "0"},
        {std::int64_t{1}, "1"},
        {std::int64_t{-56}, "-56"},
        {std::numeric_limits<std::int64_t>::max(), "9223372036854775807"},
        {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
        {2.718F, "2.718"},
        {1.0F, "1.0"},
        {0.0F, "0.0"},
        {-0.0F, "-0.0"},
        {0.1F, "0.1"},
        {16777216.0F, "16777216.0"},
        {1e10F, "10000000000.0"},
        {1e16F, "10000000272564224.0"},
        {1e30F, "1.0e+30"},
        {std::numeric_limits<float>::max(), "3.4028235e+38"},
        {std::numeric_limits<float>::denorm_min(), "1.0e-45"},
        {12.3, "12.3"},
        {100.0, "100.0"},
        {-0.0, "-0.0"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e16, "10000000000000000.0"},
        {1e17, "1.0e+17"},
        {0.00001, "0.00001"},
        {1e-17, "0.00000000000000001"},
        {1e-18, "1.0e-18"},
        {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
        {std::numeric_limits<double>::denorm_min(), "5.0e-324"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(text_of(row.value), row.text);
    }
}

TEST(PayloadValue, WhatJsonCannotSayIsNull) {
    EXPECT_EQ(text_of(std::numeric_limits<float>::quiet_NaN()), "null");
    EXPECT_EQ(text_of(-std::numeric_limits<float>::infinity()), "null");
    EXPECT_EQ(text_of(std::numeric_limits<double>::quiet_NaN()), "null");
    EXPECT_EQ(text_of(std::numeric_limits<double>::infinity()), "null");
}

// Every sign and exponent with the edges of the mantissa: zeros, denormals, normals.
TEST(PayloadValue, EveryFloatClassRoundTrips) {
    for (std::uint32_t top = 0; top < 512; ++top) {
        for (const std::uint32_t mantissa :
             {0U, 1U, 2U, 0x2AAAAAU, 0x400000U, 0x7FFFFEU, 0x7FFFFFU}) {
            const auto number = std::bit_cast<float>(top << 23U | mantissa);
            if (std::isfinite(number)) {
                expect_round_trip(number);
            } else {
                EXPECT_EQ(text_of(number), "null");
            }
        }
    }
}

TEST(PayloadValue, EveryDoubleClassRoundTrips) {
    for (std::uint64_t top = 0; top < 4096; ++top) {
        for (const std::uint64_t mantissa :
             {0ULL, 1ULL, 0x5555555555555ULL, 0x8000000000000ULL, 0xFFFFFFFFFFFFFULL}) {
            const auto number = std::bit_cast<double>(top << 52U | mantissa);
            if (std::isfinite(number)) {
                expect_round_trip(number);
            } else {
                EXPECT_EQ(text_of(number), "null");
            }
        }
    }
}

TEST(PayloadValue, RandomBitsRoundTrip) {
    std::mt19937_64 random(20261123);
    for (int i = 0; i < 50000; ++i) {
        const std::uint64_t bits = random();
        const auto narrow = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        const auto wide = std::bit_cast<double>(bits);
        if (std::isfinite(narrow)) {
            expect_round_trip(narrow);
        }
        if (std::isfinite(wide)) {
            expect_round_trip(wide);
        }
    }
}

TEST(PayloadValue, HasNoMoreDigitsThanItNeeds) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> exponents(-15, 8);
    for (int i = 0; i < 20000; ++i) {
        const double wide = std::pow(10.0, exponents(random));
        const auto narrow = static_cast<float>(wide);
        // From 2^24 on, a float's integer digits are printed in full.
        if (narrow < 16777216.0F) {
            ASSERT_EQ(significant_digits(text_of(narrow)), fewest_digits(narrow))
                << text_of(narrow);
        }
        ASSERT_EQ(significant_digits(text_of(wide)), fewest_digits(wide)) << text_of(wide);
    }
}

TEST(PayloadValue, EveryPowerOfTwoOfAnIntegerPrintsExactly) {
    for (int shift = 0; shift < 64; ++shift) {
        const auto number = static_cast<std::int64_t>(1ULL << static_cast<unsigned>(shift));
        for (const std::int64_t value : {number, number - (shift < 63 ? 1 : 0), ~number}) {
            EXPECT_EQ(text_of(value), std::to_string(value));
        }
    }
}

class CommaPunctuation : public std::numpunct<char> {
  protected:
    [[nodiscard]] char do_decimal_point() const override { return ','; }
    [[nodiscard]] char do_thousands_sep() const override { return '.'; }
    [[nodiscard]] std::string do_grouping() const override { return "\3"; }
};

TEST(PayloadValue, DoesNotDependOnTheLocale) {
    const std::locale before =
        std::locale::global(std::locale(std::locale::classic(), new CommaPunctuation));
    std::ostringstream dependent;
    dependent << 1234567.25;
    const std::string real = text_of(1234567.25);
    const std::string integer = text_of(std::int64_t{1234567});
    std::locale::global(before);
    EXPECT_NE(dependent.str().find(','), std::string::npos) << "the locale was not in force";
    EXPECT_EQ(real, "1234567.25");
    EXPECT_EQ(integer, "1234567");
}

TEST(PayloadString, Table) {
    const std::string replacement = "\xEF\xBF\xBD";
    struct Row {
        std::string in;
        std::string out;
    };
    const std::vector<Row> rows{
        {"", ""},
        {"closed", "closed"},
        {"\"\\/", "\\\"\\\\/"},
        {std::string("a\0b\n\x1f\x7f", 6), "a\\u0000b\\u000a\\u001f\x7f"},
        {"Grüße 온도 🤖", "Grüße 온도 🤖"},
        {"\x80", replacement},
        {"\xC0\xAF", replacement + replacement},                    // overlong '/'
        {"\xE2\x82", replacement + replacement},                    // cut short
        {"\xED\xA0\x80", replacement + replacement + replacement},  // a surrogate
        {"\xF4\x90\x80\x80", replacement + replacement + replacement + replacement},
        {"\xFFz\xC3", replacement + "z" + replacement},
        {"\xC3\"", replacement + "\\\""},  // the quote is not swallowed
        {"\xF4\x8F\xBF\xBF\xED\x9F\xBF", "\xF4\x8F\xBF\xBF\xED\x9F\xBF"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(json_string(row.in), '"' + row.out + '"');
    }
}

// A JSON string of exactly these bytes, valid UTF-8 or not.
std::string escaped(const std::string& bytes) {
    std::string out = "\"";
    for (const char c : bytes) {
        if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') {
            std::array<char, 8> hex{};
            std::snprintf(hex.data(), hex.size(), "\\u%04x", static_cast<unsigned>(c));
            out += hex.data();
        } else {
            out += c;
        }
    }
    return out + '"';
}

// Against Boost.JSON, which checks UTF-8 by itself: every one-, two- and three-byte text, and all
// four-byte ones around the edges of each class.
TEST(PayloadString, AnyBytesMakeAValidJsonStringThatKeepsWhatWasValid) {
    const auto check = [](const std::string& bytes) {
        const std::string made = json_string(bytes);
        boost::system::error_code error;
        const json::value back = json::parse(made, error);
        ASSERT_FALSE(error) << "bytes " << ::testing::PrintToString(bytes) << " made " << made;
        boost::system::error_code invalid;
        json::parse(escaped(bytes), invalid);
        ASSERT_EQ(back.as_string() == bytes, !invalid) << ::testing::PrintToString(bytes);
    };
    const std::array<unsigned char, 20> edges{0x1E, 0x22, 0x5C, 0x7F, 0x80, 0x8F, 0x90,
                                              0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0,
                                              0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF};
    const auto byte = [](unsigned value) { return static_cast<char>(value); };
    for (unsigned a = 0; a < 256; ++a) {
        check({byte(a)});
        for (unsigned b = 0; b < 256; ++b) {
            check({byte(a), byte(b)});
        }
    }
    for (const unsigned char a : edges) {
        for (const unsigned char b : edges) {
            for (const unsigned char c : edges) {
                check({byte(a), byte(b), byte(c)});
                for (const unsigned char d : edges) {
                    check({byte(a), byte(b), byte(c), byte(d)});
                }
            }
        }
    }
}

TEST(PayloadState, IsWhatTheContractShows) {
    std::string out = "kept:";
    append_state(out, std::int64_t{1}, 1763900000123, Quality::good, nullptr);
    EXPECT_EQ(out, R"(kept:{"value":1,"timestamp":1763900000123,"quality":192})");
    out.clear();
    const std::string text = "cl\"osed";
    append_state(out, std::monostate{}, 5, Quality::not_read, &text);
    EXPECT_EQ(out, R"({"value":null,"timestamp":5,"quality":32,"text":"cl\"osed"})");
}

TEST(PayloadState, ReusesTheCallersBuffer) {
    std::string out;
    append_state(out, 12.5, 1763900000123, Quality::good, nullptr);
    const char* const where = out.data();
    out.clear();
    append_state(out, 13.5, 1763900000124, Quality::unreachable, nullptr);
    EXPECT_EQ(out.data(), where);
}

TEST(PayloadStatus, IsWhatTheContractShows) {
    std::string out;
    ControllerStatus status;
    status.state = "degraded";
    status.timestamp_ms = 17;
    status.reason = "block read: \x01";
    status.read_mode = "single";
    append_status(out, status);
    EXPECT_EQ(
        out,
        R"({"state":"degraded","timestamp":17,"reason":"block read: \u0001","read_mode":"single"})");
    out.clear();
    append_gateway_status(out, "online", 18, "0.1.0");
    EXPECT_EQ(out, R"({"state":"online","timestamp":18,"version":"0.1.0"})");
    out.clear();
    append_gateway_status(out, "online", 18, "0.1.0", "event journal: full");
    EXPECT_EQ(
        out,
        R"({"state":"online","timestamp":18,"version":"0.1.0","reason":"event journal: full"})");
    out.clear();
    append_gateway_status(out, "online", 18, "0.1.0", "", false);
    EXPECT_EQ(out, R"({"state":"online","timestamp":18,"version":"0.1.0","time_sync":false})");
}

}  // namespace
}  // namespace hi6gw::mqtt
