#include "sim/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

namespace hi6gw::sim {
namespace {

constexpr std::array<std::string_view, 4> kBlockRelays = {"di", "do", "x", "y"};
// Longest first, so that "si0" is not taken for relay "s".
constexpr std::array<std::string_view, 10> kRelays = {"di", "do", "si", "so", "x",
                                                      "y",  "m",  "s",  "r",  "k"};

// Bits that a view covers.
unsigned width_of(View view) {
    return view == View::bit ? 1U : 8U * unsigned(bytes_of(view));
}

std::optional<std::size_t> whole_number(std::string_view text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

std::optional<View> view_of_suffix(std::string_view suffix) {
    if (suffix.empty()) {
        return View::bit;
    }
    if (suffix.size() != 1) {
        return std::nullopt;
    }
    switch (suffix.front()) {
        case 'b':
            return View::byte;
        case 'w':
            return View::word;
        case 'l':
            return View::dword;
        case 'f':
            return View::real;
        default:
            return std::nullopt;
    }
}

std::size_t bytes_of(View view) {
    switch (view) {
        case View::bit:
        case View::byte:
            return 1;
        case View::word:
            return 2;
        case View::dword:
        case View::real:
            return 4;
    }
    return 1;
}

Memory::Memory() {
    std::size_t next = 0;
    const auto add = [&](std::string name, std::size_t bytes, bool writable) {
        areas_.emplace(std::move(name), Area{next, bytes, writable});
        next += bytes;
    };
    for (const auto relay : kBlockRelays) {
        const bool writable = relay == "do";
        areas_.emplace(relay, Area{next, kBlocks * kBlockBytes, writable});
        for (std::size_t block = 0; block < kBlocks; ++block) {
            add(fmt::format("fb{}.{}", block, relay), kBlockBytes, writable);
        }
    }
    add("si", kBlockBytes, false);
    add("so", kBlockBytes, false);
    add("m", kLargeBytes, true);
    add("s", kLargeBytes, true);
    add("r", kBlockBytes, true);
    add("k", kBlockBytes, true);
    bytes_.resize(next);
}

bool Memory::add_window(unsigned number, std::string_view relay, unsigned block, std::size_t first,
                        std::size_t bytes) {
    const auto target = area(fmt::format("fb{}.{}", block, relay));
    if (!target || number > 63 || bytes == 0 || first >= kBlockBytes ||
        bytes > kBlockBytes - first) {
        return false;
    }
    areas_.insert_or_assign(fmt::format("fn{}.{}", number, relay),
                            Area{target->first + first, bytes, target->writable});
    return true;
}

std::optional<Area> Memory::area(std::string_view name) const {
    const auto found = areas_.find(name);
    return found == areas_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Place> Memory::place(std::string_view name, IndexUnit unit) const {
    const auto dot = name.find('.');
    const auto relay_at = dot == std::string_view::npos ? 0 : dot + 1;
    const auto tail = name.substr(relay_at);
    const auto* const relay = std::find_if(kRelays.begin(), kRelays.end(),
                                           [&](auto each) { return tail.starts_with(each); });
    if (relay == kRelays.end()) {
        return std::nullopt;
    }
    const auto suffix_at = relay_at + relay->size();
    const auto digits_at = name.find_first_of("0123456789", suffix_at);
    if (digits_at == std::string_view::npos) {
        return std::nullopt;
    }
    const auto where = area(name.substr(0, suffix_at));
    const auto view = view_of_suffix(name.substr(suffix_at, digits_at - suffix_at));
    const auto index = whole_number(name.substr(digits_at));
    if (!where || !view || !index) {
        return std::nullopt;
    }
    const auto found = place(*where, *view, *index, unit);
    if (found && where->bytes == kBlocks * kBlockBytes &&
        (found->byte - where->first) % kBlockBytes + bytes_of(*view) > kBlockBytes) {
        return std::nullopt;  // a value of a plain name may not straddle two blocks
    }
    return found;
}

std::optional<Place> Memory::place(const Area& area, View view, std::size_t index, IndexUnit unit) {
    if (index >= area.bytes * 8) {
        return std::nullopt;
    }
    std::size_t byte = index;
    if (view == View::bit) {
        byte = index / 8;
    } else if (unit == IndexUnit::element) {
        byte = index * bytes_of(view);
    }
    if (byte + bytes_of(view) > area.bytes) {
        return std::nullopt;
    }
    return Place{area.first + byte, view == View::bit ? unsigned(index % 8) : 0U, view,
                 area.writable};
}

std::uint32_t Memory::bits(const Place& place) const {
    std::uint32_t raw = 0;
    for (std::size_t i = 0; i < bytes_of(place.view); ++i) {
        raw |= std::uint32_t{bytes_[place.byte + i]} << (8 * i);
    }
    return place.view == View::bit ? raw >> place.bit & 1U : raw;
}

void Memory::set_bits(const Place& place, std::uint32_t bits) {
    if (place.view == View::bit) {
        const auto mask = 1U << place.bit;
        const unsigned old = bytes_[place.byte];
        bytes_[place.byte] = std::uint8_t((bits & 1U) != 0 ? old | mask : old & ~mask);
        return;
    }
    for (std::size_t i = 0; i < bytes_of(place.view); ++i) {
        bytes_[place.byte + i] = std::uint8_t(bits >> (8 * i) & 0xFFU);
    }
}

Value Memory::get(const Place& place) const {
    const auto raw = bits(place);
    switch (place.view) {
        case View::bit:
            return {.integer = raw};
        case View::byte:
            return {.integer = std::int8_t(raw)};
        case View::word:
            return {.integer = std::int16_t(raw)};
        case View::dword:
            return {.integer = std::int32_t(raw)};
        case View::real:
            return {.is_real = true, .real = std::bit_cast<float>(raw)};
    }
    return {};
}

void Memory::zero(const Area& area) {
    std::fill_n(bytes_.begin() + std::ptrdiff_t(area.first), area.bytes, std::uint8_t{0});
}

std::optional<std::uint32_t> encode(View view, std::int64_t number) {
    if (view == View::real) {
        return std::bit_cast<std::uint32_t>(float(number));
    }
    const auto width = width_of(view);
    const std::int64_t high = (std::int64_t{1} << width) - 1;
    const std::int64_t low = view == View::bit ? 0 : -(std::int64_t{1} << (width - 1));
    if (number < low || number > high) {
        return std::nullopt;
    }
    return std::uint32_t(number & high);
}

std::optional<std::uint32_t> encode(View view, double number) {
    if (view != View::real) {
        // Far beyond any width, and exact as an integer below it.
        if (!(std::abs(number) < 1e15) || number != std::trunc(number)) {
            return std::nullopt;
        }
        return encode(view, std::int64_t(number));
    }
    if (!(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
        return std::nullopt;
    }
    return std::bit_cast<std::uint32_t>(float(number));
}

std::optional<std::uint32_t> encode(View view, std::string_view text) {
    const auto* const end = text.data() + text.size();
    double number = 0;
    const auto parsed = std::from_chars(text.data(), end, number);
    if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) {
        return std::nullopt;
    }
    return encode(view, number);
}

void append_json(std::string& out, const Value& value) {
    auto to = std::back_inserter(out);
    if (!value.is_real) {
        fmt::format_to(to, "{}", value.integer);
    } else if (!std::isfinite(value.real)) {
        out += "null";
    } else {
        const auto start = out.size();
        fmt::format_to(to, "{}", value.real);
        if (out.find_first_of(".e", start) == std::string::npos) {
            out += ".0";
        }
    }
}

}  // namespace hi6gw::sim
