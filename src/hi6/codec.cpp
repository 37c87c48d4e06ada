#include "hi6/codec.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

namespace hi6gw::hi6 {
namespace {

__extension__ typedef __int128 Wide;  // NOLINT: a GCC and clang extension, 38 decimal digits

// mantissa * 10^exponent: what a user means by 0.1, which no double is.
struct Decimal {
    Wide mantissa = 0;
    int exponent = 0;
};

// The number that the shortest digits of a float or double spell.
template <class Float>
Decimal to_decimal(Float number) {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.begin(), text.end(), number, std::chars_format::scientific);
    Decimal out;
    bool fraction = false;
    const char* at = text.data();
    for (; at != end.ptr && *at != 'e'; ++at) {
        if (*at == '.') {
            fraction = true;
        } else if (*at != '-') {
            out.mantissa = out.mantissa * 10 + (*at - '0');
            out.exponent -= fraction ? 1 : 0;
        }
    }
    at += at[1] == '+' ? 2 : 1;  // from_chars takes no plus sign
    int exponent = 0;
    std::from_chars(at, end.ptr, exponent);
    out.exponent += exponent;
    if (std::signbit(number)) {
        out.mantissa = -out.mantissa;
    }
    return out;
}

// The exact sum. nullopt: the summands are too far apart for 38 digits.
std::optional<Decimal> add(Decimal a, Decimal b) {
    if (a.mantissa == 0 || b.mantissa == 0) {
        return a.mantissa == 0 ? b : a;
    }
    if (a.exponent < b.exponent) {
        std::swap(a, b);
    }
    for (; a.exponent > b.exponent; --a.exponent) {
        if (__builtin_mul_overflow(a.mantissa, Wide{10}, &a.mantissa)) {
            return std::nullopt;
        }
    }
    if (__builtin_add_overflow(a.mantissa, b.mantissa, &a.mantissa)) {
        return std::nullopt;
    }
    return a;
}

// The double nearest to the decimal number: from_chars rounds correctly. nullopt: too large.
std::optional<double> to_double(const Decimal& number) {
    std::array<char, 64> text{};  // sign, 39 digits, exponent
    char* end = fmt::format_to(text.data(), "{}e{}", number.mantissa, number.exponent);
    double out = 0.0;
    if (std::from_chars(text.data(), end, out).ec == std::errc::result_out_of_range) {
        return number.exponent > 0 ? std::nullopt : std::optional(0.0);
    }
    return out;
}

// number * scale + offset on the digits that a user reads and writes, rounded once. `plain` is the
// same number, for the sums that do not fit.
std::optional<double> scaled(Decimal number, double plain, const domain::SignalOptions& options) {
    const Decimal scale = to_decimal(options.scale);
    number.exponent += scale.exponent;
    if (!__builtin_mul_overflow(number.mantissa, scale.mantissa, &number.mantissa)) {
        if (const auto sum = add(number, to_decimal(options.offset))) {
            return to_double(*sum);
        }
    }
    // So far apart that the smaller one hardly shows (1e-30 beside 1e20): extended precision.
    const long double wide =
        static_cast<long double>(plain) * static_cast<long double>(options.scale) +
        static_cast<long double>(options.offset);
    const auto out = static_cast<double>(wide);
    return std::isfinite(out) ? std::optional(out) : std::nullopt;
}

std::int64_t as_integer(std::uint32_t raw, Width width, bool is_unsigned) {
    switch (width) {
        case Width::byte:
            return is_unsigned ? std::int64_t{static_cast<std::uint8_t>(raw)}
                               : std::int64_t{static_cast<std::int8_t>(raw)};
        case Width::word:
            return is_unsigned ? std::int64_t{static_cast<std::uint16_t>(raw)}
                               : std::int64_t{static_cast<std::int16_t>(raw)};
        case Width::bit:
        case Width::dword:
        case Width::real:
            break;
    }
    return is_unsigned || width == Width::bit ? std::int64_t{raw}
                                              : std::int64_t{static_cast<std::int32_t>(raw)};
}

}  // namespace

std::uint32_t extract(std::span<const std::byte> bytes, Width width, std::uint32_t bit_in_byte) {
    std::uint32_t raw = 0;
    for (std::uint32_t i = 0; i < width_bytes(width); ++i) {
        raw |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
    }
    return width == Width::bit ? (raw >> bit_in_byte) & 1U : raw;
}

std::optional<domain::Value> decode(std::uint32_t raw, Width width,
                                    const domain::SignalOptions& options) {
    if (width == Width::real) {
        const auto number = std::bit_cast<float>(raw);
        if (!std::isfinite(number)) {
            return std::nullopt;
        }
        if (!options.scaled) {
            return number;
        }
        return scaled(to_decimal(number), static_cast<double>(number), options);
    }
    const std::int64_t number = enum_key(raw, width, options);
    if (!options.scaled) {
        return number;
    }
    return scaled(Decimal{number, 0}, static_cast<double>(number), options);
}

std::int64_t enum_key(std::uint32_t raw, Width width, const domain::SignalOptions& options) {
    if (width == Width::bit) {
        return (raw != 0) != options.invert ? 1 : 0;
    }
    return as_integer(raw, width, options.is_unsigned);
}

IntegerRange signed_range(Width width) {
    if (width == Width::bit) {
        return {0, 1};
    }
    const std::int64_t half = std::int64_t{1} << (8 * width_bytes(width) - 1);
    return {-half, half - 1};
}

IntegerRange unsigned_range(Width width) {
    if (width == Width::bit) {
        return {0, 1};
    }
    return {0, (std::int64_t{1} << (8 * width_bytes(width))) - 1};
}

}  // namespace hi6gw::hi6
