#include "command/pulse_journal.h"

#include <boost/crc.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

namespace hi6gw::command {
namespace {

std::string checksum(std::string_view text) {
    boost::crc_32_type crc;
    crc.process_bytes(text.data(), text.size());
    char out[9];
    std::snprintf(out, sizeof out, "%08x", static_cast<unsigned>(crc.checksum()));
    return out;
}

std::string sealed(std::string text) {
    text += ' ' + checksum(text);
    return text + '\n';
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    for (;;) {
        const auto space = line.find(' ');
        words.push_back(line.substr(0, space));
        if (space == std::string_view::npos) {
            return words;
        }
        line.remove_prefix(space + 1);
    }
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, number);
    if (done.ec != std::errc{} || done.ptr != end || number == UINT64_MAX) {
        return std::nullopt;
    }
    return number;
}

// The record of one line; false: not understood.
bool apply(std::string_view line, Journal& journal) {
    const auto seal = line.rfind(' ');
    if (line.size() > 512 || seal == std::string_view::npos ||
        line.substr(seal + 1) != checksum(line.substr(0, seal))) {
        return false;
    }
    const auto words = split(line.substr(0, seal));
    if (words.size() < 3 || words[0] != "p1") {
        return false;
    }
    const auto number = number_of(words[2]);
    if (!number) {
        return false;
    }
    if (words[1] == "end" && words.size() == 3) {
        std::erase_if(journal.open, [&](const auto& pulse) { return pulse.number == *number; });
    } else if (words[1] == "begin" && words.size() == 6 && (words[5] == "0" || words[5] == "1")) {
        // A bit's index means the same in both units.
        const auto address = hi6::parse_address(words[4], hi6::IndexUnit::byte);
        if (!address || address->width != hi6::Width::bit) {
            return false;
        }
        journal.open.push_back(
            {*number, std::string(words[3]), *address, words[5] == "1" ? 1U : 0U});
    } else {
        return false;
    }
    journal.next_number = std::max(journal.next_number, *number + 1);
    return true;
}

}  // namespace

std::string begin_line(const OpenPulse& pulse) {
    return sealed("p1 begin " + std::to_string(pulse.number) + ' ' + pulse.controller + ' ' +
                  hi6::to_string(pulse.address) + (pulse.released == 0 ? " 0" : " 1"));
}

std::string end_line(std::uint64_t number) {
    return sealed("p1 end " + std::to_string(number));
}

Journal read_journal(std::string_view text) {
    Journal journal;
    while (!text.empty()) {
        const auto newline = text.find('\n');
        const auto line = text.substr(0, newline);
        // Without its newline the last line was torn, even where its checksum came through.
        if (!line.empty() && (newline == std::string_view::npos || !apply(line, journal))) {
            ++journal.skipped;
        }
        text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    }
    return journal;
}

}  // namespace hi6gw::command
