#include "command/pulse_journal.h"

#include "unit/command/make.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

using testing::ElementsAre;

OpenPulse pulse(std::uint64_t number, const std::string& where = "fb2.do3") {
    return {number, "r1", test::address(where), 0};
}

TEST(PulseJournal, KnowsWhichPulsesAreOpen) {
    OpenPulse inverse = pulse(3, "m159999");
    inverse.released = 1;
    const Journal journal =
        read_journal(begin_line(pulse(1)) + begin_line(pulse(2, "fn63.do0")) + end_line(1) +
                     begin_line(inverse) + begin_line(pulse(4)) + end_line(4));
    EXPECT_THAT(journal.open, ElementsAre(pulse(2, "fn63.do0"), inverse));
    EXPECT_EQ(journal.next_number, 5U);
    EXPECT_EQ(journal.skipped, 0U);
}

TEST(PulseJournal, WritesReadableLines) {
    EXPECT_THAT(begin_line(pulse(17)),
                testing::MatchesRegex("p1 begin 17 r1 fb2.do3 0 [0-9a-f]{8}\n"));
    EXPECT_THAT(end_line(17), testing::MatchesRegex("p1 end 17 [0-9a-f]{8}\n"));
}

TEST(PulseJournal, ToleratesTornLinesAtEveryByte) {
    const std::string first = begin_line(pulse(1));
    const std::string second = begin_line(pulse(2));
    for (std::size_t cut = 0; cut < second.size(); ++cut) {
        const Journal journal = read_journal(first + second.substr(0, cut));
        EXPECT_THAT(journal.open, ElementsAre(pulse(1))) << cut;
        EXPECT_EQ(journal.skipped, cut == 0 ? 0U : 1U);
    }
    for (std::size_t cut = 1; cut < first.size(); ++cut) {  // and goes on behind one
        const Journal journal = read_journal(first.substr(0, cut) + "\n" + second);
        EXPECT_EQ(journal.open.back(), pulse(2)) << cut;
    }
}

TEST(PulseJournal, SkipsEveryChangedByte) {
    const std::string line = begin_line(pulse(1));
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        for (const char other : {'0', '9', ' ', 'a', '\n', '\0', '\xff'}) {
            if (line[i] != other) {
                std::string changed = line;
                changed[i] = other;
                EXPECT_TRUE(read_journal(changed).open.empty()) << changed;
            }
        }
    }
}

TEST(PulseJournal, SkipsForeignText) {
    const Journal journal = read_journal("hello\n\n \np1\np1 begin 00000000\n\xff\xfe\n" +
                                         std::string(10'000, 'x') + "\n" + begin_line(pulse(9)));
    EXPECT_THAT(journal.open, ElementsAre(pulse(9)));
    EXPECT_EQ(journal.skipped, 6U);
    EXPECT_TRUE(read_journal("").open.empty());
}

TEST(PulseJournal, KeepsAPulseWhoseEndWasTorn) {
    const Journal journal = read_journal(begin_line(pulse(1)) + end_line(1).substr(0, 8));
    EXPECT_THAT(journal.open, ElementsAre(pulse(1)));
}

}  // namespace
}  // namespace hi6gw::command
