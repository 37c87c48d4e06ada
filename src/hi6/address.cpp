#include "hi6/address.h"

#include "hi6/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace hi6gw::hi6 {
namespace {

constexpr std::uint32_t kBlockBytes = 120;  // 960 bits
constexpr std::uint32_t kMemoryBytes = 20000;
constexpr std::uint32_t kFbBlocks = 10;
constexpr std::uint32_t kFnWindows = 64;

struct RelayName {
    std::string_view text;
    Relay relay;
    bool in_blocks;  // lives in fb and fn blocks
};
constexpr std::array kRelays{
    RelayName{"di", Relay::di, true},  RelayName{"do", Relay::do_, true},
    RelayName{"x", Relay::x, true},    RelayName{"y", Relay::y, true},
    RelayName{"si", Relay::si, false}, RelayName{"so", Relay::so, false},
    RelayName{"m", Relay::m, false},   RelayName{"s", Relay::s, false},
    RelayName{"r", Relay::r, false},   RelayName{"k", Relay::k, false},
};

struct WidthName {
    std::string_view suffix;
    Width width;
    std::string_view noun;
};
constexpr std::array kWidths{
    WidthName{"", Width::bit, "bit"},     WidthName{"b", Width::byte, "byte"},
    WidthName{"w", Width::word, "word"},  WidthName{"l", Width::dword, "long"},
    WidthName{"f", Width::real, "float"},
};

const RelayName& name_of(Relay relay) {
    return *std::ranges::find(kRelays, relay, &RelayName::relay);
}
const WidthName& name_of(Width width) {
    return *std::ranges::find(kWidths, width, &WidthName::width);
}

Fault fault(std::string_view text, std::string_view what) {
    return Fault{fmt::format("{}: {}", quoted(text), what)};
}

// Digits only, without leading zeros: one way to write each number. A number too large for 32 bits
// is out of every range, so it is clamped.
std::optional<std::uint32_t> parse_number(std::string_view digits) {
    const bool only_digits =
        std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (digits.empty() || !only_digits || (digits.size() > 1 && digits.front() == '0')) {
        return std::nullopt;
    }
    std::uint32_t number = 0;
    const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return done.ec == std::errc{} ? number : UINT32_MAX;
}

struct Letters {
    RelayName relay;
    WidthName width;
};

std::optional<Letters> parse_letters(std::string_view letters) {
    for (const RelayName& relay : kRelays) {
        if (!letters.starts_with(relay.text)) {
            continue;
        }
        const auto width =
            std::ranges::find(kWidths, letters.substr(relay.text.size()), &WidthName::suffix);
        if (width != kWidths.end()) {
            return Letters{relay, *width};
        }
    }
    return std::nullopt;
}

struct Block {
    Scope scope = Scope::plain;
    std::uint8_t number = 0;
};

Result<Block> parse_block(std::string_view text, std::string_view block) {
    Scope scope = Scope::fb;
    std::uint32_t count = kFbBlocks;
    if (block.starts_with("fn")) {
        scope = Scope::fn;
        count = kFnWindows;
    } else if (!block.starts_with("fb")) {
        return fault(text, "unknown block, allowed: fb0-fb9, fn0-fn63, or none");
    }
    const auto number = parse_number(block.substr(2));
    if (!number) {
        return fault(text, fmt::format("{} must be followed by a number 0-{} without leading zeros",
                                       block.substr(0, 2), count - 1));
    }
    if (*number >= count) {
        return fault(text, fmt::format("block number out of range, allowed: {0}0-{0}{1}",
                                       block.substr(0, 2), count - 1));
    }
    return Block{scope, static_cast<std::uint8_t>(*number)};
}

// How many bits one step of the index moves.
std::uint32_t bits_per_index(Width width, IndexUnit unit) {
    if (width == Width::bit) {
        return 1;
    }
    return unit == IndexUnit::element ? 8 * width_bytes(width) : 8;
}

// The last index whose value still lies within `bytes` bytes.
std::uint32_t last_index(std::uint32_t bytes, Width width, IndexUnit unit) {
    const std::uint32_t value_bits = width == Width::bit ? 1 : 8 * width_bytes(width);
    return (8 * bytes - value_bits) / bits_per_index(width, unit);
}

std::string describe_range(std::uint32_t last, const WidthName& width, IndexUnit unit) {
    const bool wide = width_bytes(width.width) > 1;
    const std::string_view counts = unit == IndexUnit::byte ? " (in bytes)" : " (in elements)";
    return fmt::format("{} index 0-{}{}", width.noun, last, wide ? counts : "");
}

// di, do, x, y without a block: the index runs through all ten fb blocks, 960 bits each.
Result<Address> parse_running(std::string_view text, const Letters& letters, std::uint32_t index,
                              IndexUnit unit) {
    const Width width = letters.width.width;
    const std::uint32_t last = last_index(kFbBlocks * kBlockBytes, width, unit);
    if (index > last) {
        return fault(text, fmt::format("index out of range, allowed: {}",
                                       describe_range(last, letters.width, unit)));
    }
    const std::uint32_t per_block = 8 * kBlockBytes / bits_per_index(width, unit);
    const std::uint32_t last_in_block = last_index(kBlockBytes, width, unit);
    if (index % per_block > last_in_block) {
        return fault(text,
                     fmt::format("the value would lie in two blocks of {} bytes; allowed in "
                                 "each block: {}",
                                 kBlockBytes, describe_range(last_in_block, letters.width, unit)));
    }
    const Area area{Scope::fb, static_cast<std::uint8_t>(index / per_block), letters.relay.relay};
    return Address{area, width, index % per_block};
}

Fault letters_fault(std::string_view text) {
    const bool upper = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
    return fault(text, upper ? "addresses are written in lower case, as in fb2.do3"
                             : "not an address; allowed: relay di do x y si so m s r k, then "
                               "nothing (bit), b, w, l or f, then the index, as in fb2.dob3");
}

}  // namespace

std::uint32_t area_bytes(const Area& area) {
    return area.relay == Relay::m || area.relay == Relay::s ? kMemoryBytes : kBlockBytes;
}

std::uint32_t width_bytes(Width width) {
    switch (width) {
        case Width::bit:
        case Width::byte:
            return 1;
        case Width::word:
            return 2;
        case Width::dword:
        case Width::real:
            break;
    }
    return 4;
}

std::uint32_t first_byte(const Address& address, IndexUnit unit) {
    return address.index * bits_per_index(address.width, unit) / 8;
}

std::uint32_t bit_in_byte(const Address& address) {
    return address.width == Width::bit ? address.index % 8 : 0;
}

BitRange bit_range(const Address& address, IndexUnit unit) {
    const std::uint32_t count = address.width == Width::bit ? 1 : 8 * width_bytes(address.width);
    return {8 * first_byte(address, unit) + bit_in_byte(address), count};
}

Result<Address> parse_address(std::string_view text, IndexUnit unit) {
    std::string_view rest = text;
    std::optional<Block> block;
    if (const auto dot = text.find('.'); dot != std::string_view::npos) {
        const Result<Block> parsed = parse_block(text, text.substr(0, dot));
        if (!parsed) {
            return text.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos
                       ? parsed.error()
                       : letters_fault(text);
        }
        block = *parsed;
        rest.remove_prefix(dot + 1);
    }
    const auto digits = std::ranges::find_if_not(rest, [](char c) { return c >= 'a' && c <= 'z'; });
    const auto length = static_cast<std::size_t>(digits - rest.begin());
    const auto letters = parse_letters(rest.substr(0, length));
    if (!letters) {
        return letters_fault(text);
    }
    if (block && !letters->relay.in_blocks) {
        return fault(
            text, fmt::format("{} has no blocks, write it without fb or fn", letters->relay.text));
    }
    const auto index = parse_number(rest.substr(length));
    if (!index) {
        return fault(text,
                     "the index must be a number of digits only, without sign, spaces or "
                     "leading zeros");
    }
    if (!block && letters->relay.in_blocks) {
        return parse_running(text, *letters, *index, unit);
    }
    const Block where = block.value_or(Block{});
    const Area area{where.scope, where.number, letters->relay.relay};
    const std::uint32_t last = last_index(area_bytes(area), letters->width.width, unit);
    if (*index > last) {
        return fault(text, fmt::format("index out of range, allowed: {}",
                                       describe_range(last, letters->width, unit)));
    }
    return Address{area, letters->width.width, *index};
}

std::string to_string(const Address& address) {
    return fmt::format("{}{}{}", to_string(address.area), name_of(address.width).suffix,
                       address.index);
}

std::string to_string(const Area& area) {
    const std::string_view relay = name_of(area.relay).text;
    switch (area.scope) {
        case Scope::fb:
            return fmt::format("fb{}.{}", area.number, relay);
        case Scope::fn:
            return fmt::format("fn{}.{}", area.number, relay);
        case Scope::plain:
            break;
    }
    return std::string(relay);
}

bool is_writable(const Area& area) {
    return area.relay == Relay::do_ || area.relay == Relay::m || area.relay == Relay::r ||
           area.relay == Relay::k;
}

bool has_single_read(const Area& area) {
    const bool dio = area.relay == Relay::di || area.relay == Relay::do_;
    return (dio && area.scope == Scope::fb) || area.relay == Relay::si || area.relay == Relay::so;
}

bool has_block_read(const Area& area) {
    return area.relay != Relay::si && area.relay != Relay::so;
}

}  // namespace hi6gw::hi6
