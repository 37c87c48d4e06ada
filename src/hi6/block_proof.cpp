#include "hi6/block_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace hi6gw::hi6 {
namespace {

constexpr unsigned kVerdict = 2;  // answers that rule a reading out

IndexUnit other_unit(IndexUnit unit) {
    return unit == IndexUnit::byte ? IndexUnit::element : IndexUnit::byte;
}

bool contradicts(std::uint32_t value, std::uint32_t mask, std::uint32_t answer) {
    return ((value ^ answer) & mask) != 0;
}

// Content that reads the same whatever is shifted or swapped.
bool uniform(std::span<const std::byte> bytes) {
    if (bytes.empty()) {
        return true;
    }
    const bool one_colour = bytes.front() == std::byte{0} || bytes.front() == std::byte{0xff};
    return one_colour &&
           std::ranges::all_of(bytes, [&bytes](std::byte b) { return b == bytes.front(); });
}

std::uint32_t byte_swapped(std::uint32_t word) {
    return __builtin_bswap32(word);
}

// Places by what asking there tells, best first; those that tell nothing are left out.
template <class Place>
struct Ranked {
    Place place;
    int tells;
};
template <class Place>
std::optional<Place> pick(std::vector<Ranked<Place>> places, unsigned attempt) {
    std::erase_if(places, [](const auto& p) { return p.tells == 0; });
    if (places.empty()) {
        return std::nullopt;
    }
    std::ranges::stable_sort(places, std::ranges::greater{}, &Ranked<Place>::tells);
    return places[attempt % places.size()].place;
}

}  // namespace

BlockProof::BlockProof(IndexUnit configured) : configured_(configured) {
    std::size_t next = 0;
    for (const std::uint32_t start_bits : {8U, 1U, 32U}) {
        for (const bool big_endian : {false, true}) {
            for (const IndexUnit unit : {configured, other_unit(configured)}) {
                readings_[next++] = {unit, big_endian, start_bits, false, 0};
            }
        }
    }
    readings_[next] = {configured, false, 8, true, 0};
}

bool BlockProof::alive(const Reading& reading) {
    return reading.against < kVerdict;
}

BlockProof::State BlockProof::state() const {
    if (!disproof_.empty()) {
        return State::disproven;
    }
    return unit_settled() && start_settled() && readings_[0].against == 0 ? State::proven
                                                                          : State::pending;
}

bool BlockProof::unit_settled() const {
    return std::ranges::none_of(readings_, [this](const Reading& r) {
        return alive(r) && (r.unit != configured_ || r.big_endian || r.blank);
    });
}

bool BlockProof::start_settled() const {
    return std::ranges::none_of(readings_,
                                [](const Reading& r) { return alive(r) && r.start_bits != 8; });
}

std::string BlockProof::reason() const {
    if (!disproof_.empty()) {
        return disproof_;
    }
    if (state() == State::proven) {
        return "";
    }
    std::string open;
    if (!unit_settled()) {
        open = "what the index of w, l, f counts and the byte order";
    }
    if (!start_settled()) {
        open += open.empty() ? "what st counts" : ", and what st counts";
    }
    return fmt::format("block read not proven yet: the data have not told {}; read as documented",
                       open.empty() ? "enough" : open);
}

// `count` bits of the window's content from its bit `from`, as a reading's byte order has them.
BlockProof::Known BlockProof::peek(const Window& window, bool big_endian, std::int64_t from,
                                   std::uint32_t count) {
    std::uint64_t value = 0;
    std::uint64_t mask = 0;
    const std::int64_t first = from >> 3;
    const auto bytes = static_cast<std::int64_t>(window.bytes.size() / 4 * 4);
    for (int i = 0; i < 5; ++i) {
        if (first + i >= 0 && first + i < bytes) {
            const auto at = static_cast<std::size_t>(first + i) ^ (big_endian ? 3U : 0U);
            value |= std::to_integer<std::uint64_t>(window.bytes[at]) << (8 * i);
            mask |= std::uint64_t{0xff} << (8 * i);
        }
    }
    const std::uint64_t wanted = (std::uint64_t{1} << count) - 1;
    return {static_cast<std::uint32_t>((value >> (from & 7)) & wanted),
            static_cast<std::uint32_t>((mask >> (from & 7)) & wanted)};
}

BlockProof::Known BlockProof::value(const Window& window, const Reading& reading,
                                    const Address& address) {
    const BitRange range = bit_range(address, reading.unit);
    if (reading.blank) {
        return {0, static_cast<std::uint32_t>((std::uint64_t{1} << range.count) - 1)};
    }
    const std::int64_t begins = std::int64_t{window.read.start} * reading.start_bits;
    return peek(window, reading.big_endian, range.first - begins, range.count);
}

BlockProof::Known BlockProof::shifted_word(const Window& window, const Reading& reading,
                                           std::uint32_t start) {
    const std::int64_t steps = std::int64_t{start} - window.read.start;
    Known word = peek(window, reading.big_endian, steps * reading.start_bits, 32);
    if (reading.big_endian) {
        word = {byte_swapped(word.value), byte_swapped(word.mask)};
    }
    return word;
}

BlockProof::Forecast BlockProof::forecast(const Window& window, const Address& address) const {
    Forecast out;
    std::ranges::transform(readings_, out.begin(),
                           [&](const Reading& reading) { return value(window, reading, address); });
    return out;
}

BlockProof::Forecast BlockProof::forecast(const Window& window, const BlockRead& shifted) const {
    Forecast out;
    std::ranges::transform(readings_, out.begin(), [&](const Reading& reading) {
        return shifted_word(window, reading, shifted.start);
    });
    return out;
}

unsigned BlockProof::told_apart(const Forecast& forecast) const {
    unsigned out = 0;
    for (std::size_t i = 1; i < kReadings; ++i) {
        const std::uint32_t common = forecast[i].mask & forecast[0].mask;
        if (alive(readings_[i]) && contradicts(forecast[i].value, common, forecast[0].value)) {
            out |= 1U << i;
        }
    }
    return out;
}

// The words that lie in the window by the documented reading, and in the area by both units: a
// controller refuses the others by one of them.
std::vector<Address> BlockProof::words_in(const Window& window) const {
    std::vector<Address> out;
    const std::uint32_t end =
        window.read.start + static_cast<std::uint32_t>(window.bytes.size() / 4 * 4);
    for (Address word{window.read.area, Width::word, 0};; ++word.index) {
        const std::uint32_t first = first_byte(word, configured_);
        const std::uint32_t other = first_byte(word, other_unit(configured_));
        if (first + 2 > end || other + 2 > area_bytes(window.read.area)) {
            return out;
        }
        if (first >= window.read.start) {
            out.push_back(word);
        }
    }
}

// Where one word overlaps the window, nearest first: far ones may not exist by another reading.
std::vector<std::uint32_t> BlockProof::starts_beside(const Window& window) {
    std::vector<std::uint32_t> out;
    const std::uint32_t start = window.read.start;
    const auto bytes = static_cast<std::uint32_t>(window.bytes.size() / 4 * 4);
    const std::uint32_t last_in_area = area_bytes(window.read.area) - 4;
    // A window of one word can only be overlapped in part.
    const std::uint32_t reach = bytes > 4 ? bytes - 4 : 3;
    for (std::uint32_t step = 1; bytes > 0 && step <= reach; ++step) {
        if (start + step <= last_in_area) {
            out.push_back(start + step);
        }
        if (step <= 3 && step <= start) {
            out.push_back(start - step);
        }
    }
    return out;
}

std::optional<BlockProof::UnitQuestion> BlockProof::ask_unit(const Window& window,
                                                             unsigned attempt) const {
    if (!has_single_read(window.read.area) || uniform(window.bytes)) {
        return std::nullopt;
    }
    std::vector<Ranked<Address>> places;
    for (const Address& word : words_in(window)) {
        places.push_back({word, std::popcount(told_apart(forecast(window, word)))});
    }
    const auto word = pick(std::move(places), attempt);
    if (!word) {
        return std::nullopt;
    }
    return UnitQuestion{*word, first_byte(*word, configured_),
                        first_byte(*word, other_unit(configured_))};
}

std::optional<BlockProof::StartQuestion> BlockProof::ask_start(const Window& window,
                                                               unsigned attempt) const {
    if (!has_block_read(window.read.area) || uniform(window.bytes)) {
        return std::nullopt;
    }
    std::vector<Ranked<BlockRead>> places;
    for (const std::uint32_t start : starts_beside(window)) {
        const BlockRead shifted{window.read.area, start, 1};
        places.push_back({shifted, std::popcount(told_apart(forecast(window, shifted)))});
    }
    const auto shifted = pick(std::move(places), attempt);
    return shifted ? std::optional(StartQuestion{*shifted}) : std::nullopt;
}

std::optional<BlockProof::UnitQuestion> BlockProof::plain_check(const Window& window) const {
    const std::vector<Address> words =
        has_single_read(window.read.area) ? words_in(window) : std::vector<Address>{};
    if (words.empty()) {
        return std::nullopt;
    }
    const auto is_set = [&](const Address& word) {
        return value(window, readings_[0], word).value != 0;
    };
    const auto set = std::ranges::find_if(words, is_set);
    const Address& word = set != words.end() ? *set : words.front();
    return UnitQuestion{word, first_byte(word, configured_),
                        first_byte(word, other_unit(configured_))};
}

bool BlockProof::answer(const UnitQuestion& question, std::uint32_t raw, const Window& before,
                        const Window& after) {
    return judge(forecast(before, question.word), forecast(after, question.word), raw);
}

bool BlockProof::answer(const StartQuestion& question, std::span<const std::byte> word,
                        const Window& before, const Window& after) {
    if (word.size() < 4) {
        return false;
    }
    std::uint32_t raw = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        raw |= std::to_integer<std::uint32_t>(word[i]) << (8 * i);
    }
    return judge(forecast(before, question.shifted), forecast(after, question.shifted), raw);
}

bool BlockProof::judge(const Forecast& before, const Forecast& after, std::uint32_t answer) {
    if (before[0] != after[0]) {
        return false;
    }
    if (contradicts(before[0].value, before[0].mask, answer)) {
        if (++readings_[0].against >= kVerdict && disproof_.empty()) {
            disproof_ = explain(before, answer);
        }
        return !disproof_.empty();
    }
    readings_[0].against = 0;
    bool again = false;
    for (std::size_t i = 1; i < kReadings; ++i) {
        Reading& reading = readings_[i];
        if (alive(reading) && before[i] == after[i] &&
            contradicts(before[i].value, before[i].mask, answer)) {
            ++reading.against;
            again = again || alive(reading);
        }
    }
    return !again;
}

std::string BlockProof::explain(const Forecast& forecast, std::uint32_t answer) const {
    for (std::size_t i = 1; i < kReadings; ++i) {
        const Reading& reading = readings_[i];
        const bool fits =
            forecast[i].mask != 0 && !contradicts(forecast[i].value, forecast[i].mask, answer);
        if (!alive(reading) || !fits) {
            continue;
        }
        std::string what;
        if (reading.unit != configured_) {
            what = configured_ == IndexUnit::byte
                       ? "the index of w, l, f counts elements (set index_unit: element)"
                       : "the index of w, l, f counts bytes (set index_unit: byte)";
        }
        if (reading.big_endian) {
            what += what.empty() ? "" : ", ";
            what += "block words are big-endian";
        }
        if (reading.start_bits != 8) {
            what += what.empty() ? "" : ", ";
            what += reading.start_bits == 1 ? "st counts bits" : "st counts words";
        }
        return "block read not used: it looks as if " + what;
    }
    return "block read not used: it shows other memory than it should";
}

void BlockProof::refuse(std::string why) {
    if (disproof_.empty()) {
        disproof_ = std::move(why);
    }
}

bool BlockProof::can_tell(const Window& window, unsigned readings) const {
    if (has_single_read(window.read.area)) {
        for (const Address& word : words_in(window)) {
            if ((told_apart(forecast(window, word)) & readings) != 0) {
                return true;
            }
        }
    }
    return std::ranges::any_of(starts_beside(window), [&](std::uint32_t start) {
        const BlockRead shifted{window.read.area, start, 1};
        return (told_apart(forecast(window, shifted)) & readings) != 0;
    });
}

bool BlockProof::must_ask(const Window& window, const Address& address) const {
    if (state() != State::pending) {
        return false;
    }
    if (readings_[0].against != 0) {
        return true;
    }
    if (uniform(window.bytes)) {
        return false;
    }
    const Known documented = value(window, readings_[0], address);
    unsigned differing = 0;
    for (std::size_t i = 1; i < kReadings; ++i) {
        const BitRange range = bit_range(address, readings_[i].unit);
        const bool exists = range.first + range.count <= 8 * area_bytes(window.read.area);
        if (alive(readings_[i]) && exists && value(window, readings_[i], address) != documented) {
            differing |= 1U << i;
        }
    }
    return differing != 0 && can_tell(window, differing);
}

}  // namespace hi6gw::hi6
