#include "command/encode.h"

#include "hi6/codec.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <string_view>

namespace hi6gw::command {
namespace {

using domain::SignalOptions;
using hi6::Width;
using Number = std::variant<std::int64_t, double>;

std::uint32_t mask(Width width) {
    return static_cast<std::uint32_t>(hi6::unsigned_range(width).high);
}

double plain(const Number& number) {
    return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

// The whole number, if it is one.
std::optional<std::int64_t> whole(const Number& number) {
    if (const auto* integer = std::get_if<std::int64_t>(&number)) {
        return *integer;
    }
    const double real = std::get<double>(number);
    if (real != std::trunc(real) || std::abs(real) > 1e15) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(real);
}

std::optional<std::uint32_t> encode_integer(const Number& number, Width width,
                                            const SignalOptions& options) {
    const auto integer = whole(number);
    if (!integer || *integer < hi6::signed_range(width).low ||
        *integer > hi6::unsigned_range(width).high) {
        return std::nullopt;
    }
    const auto raw = static_cast<std::uint32_t>(*integer) & mask(width);
    return width == Width::bit && options.invert ? raw ^ 1U : raw;
}

// 0.1 and 0.1f are one number to a reader, though not to a double.
bool same_digits(float number, double wanted) {
    std::array<char, 48> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
    double shortest = 0.0;
    std::from_chars(text.data(), end.ptr, shortest);
    return shortest == wanted || static_cast<double>(number) == wanted;
}

std::optional<std::uint32_t> encode_float(double number) {
    const auto nearest = static_cast<float>(number);
    if (!std::isfinite(nearest) || !same_digits(nearest, number)) {
        return std::nullopt;
    }
    return std::bit_cast<std::uint32_t>(nearest);
}

bool published_as(std::uint32_t raw, double wanted, Width width, const SignalOptions& options) {
    const auto value = hi6::decode(raw, width, options);
    const auto shown = value ? as_double(*value) : std::nullopt;
    return shown && *shown == wanted;
}

// The division may be off by an ulp or two; the codec decides.
std::optional<std::uint32_t> encode_scaled(double wanted, Width width,
                                           const SignalOptions& options) {
    const double about = (wanted - options.offset) / options.scale;
    if (width == Width::real) {
        auto candidate = static_cast<float>(about);
        for (const float other : {candidate, std::nextafterf(candidate, -HUGE_VALF),
                                  std::nextafterf(candidate, HUGE_VALF)}) {
            const auto raw = std::bit_cast<std::uint32_t>(other);
            const auto value = hi6::decode(raw, width, options);
            const auto shown = value ? as_double(*value) : std::nullopt;
            if (shown && (*shown == wanted || same_digits(static_cast<float>(*shown), wanted))) {
                return raw;
            }
        }
        return std::nullopt;
    }
    const auto range = options.is_unsigned ? hi6::unsigned_range(width) : hi6::signed_range(width);
    if (!(about > static_cast<double>(range.low) - 2 &&
          about < static_cast<double>(range.high) + 2)) {
        return std::nullopt;
    }
    const std::int64_t middle = std::llround(about);
    for (const std::int64_t candidate : {middle, middle - 1, middle + 1}) {
        const auto raw = static_cast<std::uint32_t>(candidate) & mask(width);
        if (candidate >= range.low && candidate <= range.high &&
            published_as(raw, wanted, width, options)) {
            return raw;
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> encode_number(const Number& number, Width width,
                                           const SignalOptions& options) {
    if (options.scaled && width != Width::bit) {
        return encode_scaled(plain(number), width, options);
    }
    return width == Width::real ? encode_float(plain(number))
                                : encode_integer(number, width, options);
}

// Enum texts are keyed by the raw integer; for bits by the published value (codec.h, enum_key).
std::optional<std::uint32_t> enum_raw(std::string_view text, Width width,
                                      const SignalOptions& options) {
    if (width == Width::real) {
        return std::nullopt;
    }
    for (const auto& [key, name] : options.texts) {
        if (name == text) {
            return encode_integer(Number(key), width, options);
        }
    }
    return std::nullopt;
}

std::optional<Number> word_number(std::string_view text, Width width,
                                  const SignalOptions& options) {
    if (width == Width::bit) {
        if (text == "true" || text == "on") {
            return Number(std::int64_t{1});
        }
        if (text == "false" || text == "off") {
            return Number(std::int64_t{0});
        }
    }
    if (width == Width::real || options.scaled || text.size() < 3 || text.size() > 10 ||
        !text.starts_with("0x")) {
        return std::nullopt;
    }
    std::uint32_t bits = 0;
    const char* end = text.data() + text.size();
    const auto done = std::from_chars(text.data() + 2, end, bits, 16);
    return done.ec == std::errc{} && done.ptr == end ? std::optional(Number(std::int64_t{bits}))
                                                     : std::nullopt;
}

bool within(double number, const SignalOptions& options) {
    return !(options.min && number < *options.min) && !(options.max && number > *options.max);
}

}  // namespace

std::optional<double> as_double(const domain::Value& value) {
    return std::visit(
        [](auto number) -> std::optional<double> {
            if constexpr (std::is_same_v<decltype(number), std::monostate>) {
                return std::nullopt;
            } else if constexpr (std::is_same_v<decltype(number), float>) {
                // by its shortest digits, as it is published
                std::array<char, 48> text{};
                const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
                double shortest = 0.0;
                std::from_chars(text.data(), end.ptr, shortest);
                return shortest;
            } else {
                return static_cast<double>(number);
            }
        },
        value);
}

std::variant<Encoded, Reason> encode(const Scalar& scalar, Width width,
                                     const SignalOptions& options, bool limits) {
    std::optional<Number> number;
    std::optional<std::uint32_t> raw;
    if (const auto* truth = std::get_if<bool>(&scalar)) {
        if (width == Width::bit) {
            number = std::int64_t{*truth ? 1 : 0};
        }
    } else if (const auto* text = std::get_if<std::string>(&scalar)) {
        raw = enum_raw(*text, width, options);
        number = raw ? std::nullopt : word_number(*text, width, options);
    } else if (const auto* integer = std::get_if<std::int64_t>(&scalar)) {
        number = *integer;
    } else {
        number = std::get<double>(scalar);
    }
    if (!raw && !number) {
        return Reason::bad_payload;
    }
    if (number) {
        raw = encode_number(*number, width, options);
    }
    const auto value = raw ? hi6::decode(*raw, width, options) : std::nullopt;
    if (!value) {
        return Reason::out_of_range;
    }
    if (limits &&
        !(within(*as_double(*value), options) && (!number || within(plain(*number), options)))) {
        return Reason::out_of_range;
    }
    return Encoded{*raw, *value};
}

std::optional<std::uint32_t> encode_value(const domain::Value& value, Width width,
                                          const SignalOptions& options) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return encode_number(Number(*integer), width, options);
    }
    const auto number = as_double(value);
    return number ? encode_number(Number(*number), width, options) : std::nullopt;
}

}  // namespace hi6gw::command
