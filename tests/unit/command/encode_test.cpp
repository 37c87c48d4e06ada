#include "command/encode.h"

#include "hi6/codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace hi6gw::command {
namespace {

using domain::SignalOptions;
using hi6::Width;

using Outcome = std::variant<std::uint32_t, Reason>;

Outcome raw_of(const Scalar& scalar, Width width, const SignalOptions& options = {}) {
    const auto encoded = encode(scalar, width, options, true);
    if (const auto* reason = std::get_if<Reason>(&encoded)) {
        return *reason;
    }
    return std::get<Encoded>(encoded).raw;
}

Scalar text(const char* what) {
    return std::string(what);
}
Scalar integer(std::int64_t value) {
    return value;
}

TEST(Encode, KnowsTheWordsOfBits) {
    SignalOptions inverted;
    inverted.invert = true;
    const std::vector<std::pair<Scalar, Outcome>> cases{{integer(0), 0U},
                                                        {integer(1), 1U},
                                                        {true, 1U},
                                                        {false, 0U},
                                                        {text("true"), 1U},
                                                        {text("false"), 0U},
                                                        {text("on"), 1U},
                                                        {text("off"), 0U},
                                                        {text("0x1"), 1U},
                                                        {text("0x0"), 0U},
                                                        {1.0, 1U},
                                                        {-0.0, 0U},
                                                        {integer(2), Reason::out_of_range},
                                                        {integer(-1), Reason::out_of_range},
                                                        {0.5, Reason::out_of_range},
                                                        {text("0x2"), Reason::out_of_range},
                                                        {text("ON"), Reason::bad_payload},
                                                        {text("yes"), Reason::bad_payload},
                                                        {text("1"), Reason::bad_payload},
                                                        {text(""), Reason::bad_payload}};
    for (const auto& [scalar, expected] : cases) {
        EXPECT_EQ(raw_of(scalar, Width::bit), expected) << testing::PrintToString(scalar);
        if (const auto* raw = std::get_if<std::uint32_t>(&expected)) {
            EXPECT_EQ(raw_of(scalar, Width::bit, inverted), Outcome(*raw ^ 1U))
                << testing::PrintToString(scalar);
        }
    }
}

// Every number around the ranges, against an independent formulation: two's complement.
TEST(Encode, TakesIntegersInTheSignedOrUnsignedRange) {
    for (const bool is_unsigned : {false, true}) {
        SignalOptions options;
        options.is_unsigned = is_unsigned;
        for (const auto& [width, modulus] :
             {std::pair(Width::byte, 256L), std::pair(Width::word, 65536L)}) {
            for (std::int64_t number = -modulus; number <= 2 * modulus; ++number) {
                const bool fits = number >= -modulus / 2 && number < modulus;
                const Outcome expected =
                    fits ? Outcome(static_cast<std::uint32_t>((number + modulus) % modulus))
                         : Outcome(Reason::out_of_range);
                ASSERT_EQ(raw_of(number, width, options), expected) << number;
            }
        }
        EXPECT_EQ(raw_of(integer(-2147483648), Width::dword, options), Outcome(0x80000000U));
        EXPECT_EQ(raw_of(integer(4294967295), Width::dword, options), Outcome(0xffffffffU));
        EXPECT_EQ(raw_of(integer(-2147483649), Width::dword, options),
                  Outcome(Reason::out_of_range));
        EXPECT_EQ(raw_of(integer(4294967296), Width::dword, options),
                  Outcome(Reason::out_of_range));
    }
}

TEST(Encode, TurnsEveryPublishedIntegerBack) {
    for (const bool is_unsigned : {false, true}) {
        SignalOptions options;
        options.is_unsigned = is_unsigned;
        for (const auto& [width, count] :
             {std::pair(Width::byte, 256U), std::pair(Width::word, 65536U)}) {
            for (std::uint32_t raw = 0; raw < count; ++raw) {
                const auto shown = hi6::decode(raw, width, options);
                const auto encoded = encode(std::get<std::int64_t>(*shown), width, options, true);
                ASSERT_EQ(std::get<Encoded>(encoded).raw, raw);
                ASSERT_EQ(std::get<Encoded>(encoded).value, *shown);
            }
        }
    }
}

TEST(Encode, TakesWholeNumbersAndHexForIntegersOnly) {
    SignalOptions scaled;
    scaled.scaled = true;
    EXPECT_EQ(raw_of(12.0, Width::byte), Outcome(12U));
    EXPECT_EQ(raw_of(12.5, Width::byte), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(1e300, Width::dword), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(text("0x79"), Width::byte), Outcome(0x79U));
    EXPECT_EQ(raw_of(text("0xc1"), Width::byte), Outcome(0xc1U));
    EXPECT_EQ(raw_of(text("0xFFFFFFFF"), Width::dword), Outcome(0xffffffffU));
    EXPECT_EQ(raw_of(text("0x100"), Width::byte), Outcome(Reason::out_of_range));
    for (const char* wrong : {"0x", "0X79", "0x-1", "0xg", "0x1 ", "0x123456789", "79h"}) {
        EXPECT_EQ(raw_of(text(wrong), Width::dword), Outcome(Reason::bad_payload)) << wrong;
    }
    EXPECT_EQ(raw_of(text("0x79"), Width::real), Outcome(Reason::bad_payload));
    EXPECT_EQ(raw_of(text("0x79"), Width::byte, scaled), Outcome(Reason::bad_payload));
    EXPECT_EQ(raw_of(true, Width::byte), Outcome(Reason::bad_payload));
    EXPECT_EQ(raw_of(text("on"), Width::byte), Outcome(Reason::bad_payload));
}

TEST(Encode, TurnsEnumTextsBack) {
    SignalOptions options;
    options.texts = {{-1, "fault"}, {0, "open"}, {1, "closed"}, {300, "never"}};
    EXPECT_EQ(raw_of(text("closed"), Width::byte, options), Outcome(1U));
    EXPECT_EQ(raw_of(text("fault"), Width::byte, options), Outcome(0xffU));
    EXPECT_EQ(raw_of(text("never"), Width::byte, options), Outcome(Reason::bad_payload));
    EXPECT_EQ(raw_of(text("Closed"), Width::byte, options), Outcome(Reason::bad_payload));
    EXPECT_EQ(raw_of(text("closed"), Width::real, options), Outcome(Reason::bad_payload));

    SignalOptions valve;  // bits are keyed by what is published
    valve.invert = true;
    valve.texts = {{0, "on"}, {1, "off"}};  // a text comes before the word
    EXPECT_EQ(raw_of(text("on"), Width::bit, valve), Outcome(1U));
    EXPECT_EQ(raw_of(text("off"), Width::bit, valve), Outcome(0U));

    SignalOptions scaled;  // keyed by raw
    scaled.scaled = true;
    scaled.scale = 0.5;
    scaled.texts = {{3, "three"}};
    EXPECT_EQ(raw_of(text("three"), Width::word, scaled), Outcome(3U));
}

TEST(Encode, TakesFloatsByTheirShortestDigits) {
    const auto bits = [](float number) { return Outcome(std::bit_cast<std::uint32_t>(number)); };
    EXPECT_EQ(raw_of(12.5, Width::real), bits(12.5F));
    EXPECT_EQ(raw_of(0.1, Width::real), bits(0.1F));
    EXPECT_EQ(raw_of(static_cast<double>(0.1F), Width::real), bits(0.1F));
    EXPECT_EQ(raw_of(2.718, Width::real), bits(2.718F));
    EXPECT_EQ(raw_of(-0.0, Width::real), Outcome(0x80000000U));
    EXPECT_EQ(raw_of(0.0, Width::real), Outcome(0U));
    EXPECT_EQ(raw_of(integer(-7), Width::real), bits(-7.0F));
    EXPECT_EQ(raw_of(integer(16777216), Width::real), bits(16777216.0F));
    EXPECT_EQ(raw_of(integer(16777217), Width::real), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(3.14159265358979, Width::real), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(1e39, Width::real), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(-1e300, Width::real), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(1e-60, Width::real), Outcome(Reason::out_of_range));
}

TEST(Encode, TurnsEveryPublishedFloatBack) {
    std::mt19937 random(4711);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint32_t raw = static_cast<std::uint32_t>(random());
        const auto shown = hi6::decode(raw, Width::real, {});
        if (!shown) {
            continue;  // NaN and infinity
        }
        ASSERT_EQ(raw_of(*as_double(*shown), Width::real), Outcome(raw)) << raw;
        ASSERT_EQ(encode_value(*shown, Width::real, {}), raw);
    }
}

TEST(Encode, TurnsEveryPublishedScaledNumberBack) {
    for (const auto& [scale, offset] :
         {std::pair(0.1, 0.0), std::pair(0.1, -40.0), std::pair(-0.001, 0.25), std::pair(2.5, 1.0),
          std::pair(1.0, 0.5), std::pair(1e-9, 0.0), std::pair(0.333, 7.0)}) {
        for (const bool is_unsigned : {false, true}) {
            SignalOptions options;
            options.scaled = true;
            options.scale = scale;
            options.offset = offset;
            options.is_unsigned = is_unsigned;
            const std::uint32_t step = scale == 0.1 ? 1 : 11;  // all of them for the usual one
            for (std::uint32_t raw = 0; raw < 65536; raw += step) {
                const auto shown = hi6::decode(raw, Width::word, options);
                ASSERT_EQ(raw_of(*as_double(*shown), Width::word, options), Outcome(raw))
                    << scale << ' ' << offset << ' ' << raw;
            }
            std::mt19937 random(7);
            for (int i = 0; i < 5'000; ++i) {
                const std::uint32_t raw = static_cast<std::uint32_t>(random());
                const auto shown = hi6::decode(raw, Width::dword, options);
                ASSERT_EQ(raw_of(*as_double(*shown), Width::dword, options), Outcome(raw))
                    << scale << ' ' << offset << ' ' << raw;
            }
        }
    }
}

TEST(Encode, RefusesScaledNumbersBetweenTwoRawValues) {
    SignalOptions options;
    options.scaled = true;
    options.scale = 0.1;
    EXPECT_EQ(raw_of(12.3, Width::word, options), Outcome(123U));
    EXPECT_EQ(raw_of(integer(12), Width::word, options), Outcome(120U));
    for (const double wrong :
         {12.34, 12.300000000000003, 0.30000000000000004, 3276.8, -3276.9, 1e300, -1e300}) {
        EXPECT_EQ(raw_of(wrong, Width::word, options), Outcome(Reason::out_of_range)) << wrong;
    }
}

TEST(Encode, TurnsScaledFloatsBackToWhatIsPublishedTheSame) {
    SignalOptions options;
    options.scaled = true;
    options.scale = 0.1;
    options.offset = 5;
    for (const double wanted : {12.5, 5.0, -3.25, 100.125}) {
        const auto encoded = encode(wanted, Width::real, options, true);
        ASSERT_TRUE(std::holds_alternative<Encoded>(encoded)) << wanted;
        EXPECT_FLOAT_EQ(static_cast<float>(*as_double(std::get<Encoded>(encoded).value)),
                        static_cast<float>(wanted));
    }
    EXPECT_EQ(raw_of(1e300, Width::real, options), Outcome(Reason::out_of_range));
}

TEST(Encode, ChecksTheWriteRangeAsGivenAndAsPublished) {
    SignalOptions options;
    options.min = -10;
    options.max = 100;
    EXPECT_EQ(raw_of(integer(100), Width::byte, options), Outcome(100U));
    EXPECT_EQ(raw_of(integer(-10), Width::byte, options), Outcome(0xf6U));
    EXPECT_EQ(raw_of(integer(101), Width::byte, options), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(integer(-11), Width::byte, options), Outcome(Reason::out_of_range));
    EXPECT_EQ(raw_of(text("0xf6"), Width::byte, options), Outcome(Reason::out_of_range))
        << "246 is above the range, though -10 is in it";
    options.is_unsigned = true;
    EXPECT_EQ(raw_of(integer(-5), Width::byte, options), Outcome(Reason::out_of_range))
        << "published as 251";
    const auto expectation = encode(std::int64_t{101}, Width::byte, options, false);
    EXPECT_TRUE(std::holds_alternative<Encoded>(expectation)) << "no write range for `expect`";
}

}  // namespace
}  // namespace hi6gw::command
