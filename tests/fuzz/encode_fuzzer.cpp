// Values of any text for signals of any kind: the first two bytes choose the signal. What is
// accepted must be published as what was asked for.

#include "command/encode.h"
#include "hi6/codec.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace hi6gw;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

domain::SignalOptions options_of(std::uint8_t choice) {
    constexpr std::array<double, 4> kScales{0.1, 0.25, 3.0, 1e-3};
    domain::SignalOptions options;
    options.writable = true;
    options.is_unsigned = (choice & 1U) != 0;
    options.invert = (choice & 2U) != 0;
    if ((choice & 4U) != 0) {
        options.scaled = true;
        options.scale = kScales.at(choice >> 6U);
        options.offset = (choice & 8U) != 0 ? -40.0 : 0.0;
    }
    if ((choice & 16U) != 0) {
        options.texts = {{0, "open"}, {1, "closed"}};
    }
    if ((choice & 32U) != 0) {
        options.min = -5;
        options.max = 100;
    }
    return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    constexpr std::array<hi6::Width, 5> kWidths{hi6::Width::bit, hi6::Width::byte, hi6::Width::word,
                                                hi6::Width::dword, hi6::Width::real};
    const hi6::Width width = kWidths.at(data[0] % kWidths.size());
    domain::SignalOptions options = options_of(data[1]);
    options.invert = options.invert && width == hi6::Width::bit;
    options.scaled = options.scaled && width != hi6::Width::bit;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto request = command::parse_request(text);
    if (!request) {
        return 0;
    }
    const auto encoded = command::encode(request->value, width, options, true);
    const auto* const taken = std::get_if<command::Encoded>(&encoded);
    if (taken == nullptr) {
        return 0;
    }
    const auto published = hi6::decode(taken->raw, width, options);
    require(published.has_value());
    require(*published == taken->value);
    const auto number = command::as_double(*published);
    require(number.has_value() && std::isfinite(*number));
    require(!options.min || *number >= *options.min);
    require(!options.max || *number <= *options.max);
    const auto back = command::encode_value(*published, width, options);
    require(back.has_value() && hi6::decode(*back, width, options) == published);
    return 0;
}
