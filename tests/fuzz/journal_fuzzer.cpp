// The journal of pulses with any bytes in it: what was written whole before and after them is
// found, and nothing that was never written.

#include "command/pulse_journal.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hi6gw::command;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto require = [](bool condition) {
        if (!condition) {
            std::abort();
        }
    };
    // As it is: every pulse in it reads the same when it is written anew. A last line without its
    // newline is torn, so it gets one.
    std::string lines(text);
    lines += '\n';
    const Journal alone = read_journal(lines);
    for (const OpenPulse& pulse : alone.open) {
        const Journal again = read_journal(begin_line(pulse));
        require(again.open.size() == 1 && again.open[0] == pulse && again.skipped == 0);
        require(pulse.number < alone.next_number && pulse.released <= 1);
    }
    // Between two lines of ours.
    const hi6gw::hi6::Address place{
        {hi6gw::hi6::Scope::fb, 2, hi6gw::hi6::Relay::do_}, hi6gw::hi6::Width::bit, 3};
    const std::uint64_t first = alone.next_number;
    if (first > (std::uint64_t{1} << 60U)) {
        return 0;  // no room for numbers of ours
    }
    std::string whole = begin_line({first, "r1", place, 0});
    whole += lines;
    whole += begin_line({first + 1, "r1", place, 1}) + end_line(first);
    const Journal journal = read_journal(whole);
    bool second_found = false;
    for (const OpenPulse& pulse : journal.open) {
        require(pulse.number != first);
        second_found = second_found || pulse.number == first + 1;
    }
    require(second_found);
    require(journal.next_number == first + 2);
    require(journal.open.size() == alone.open.size() + 1);
    return 0;
}
