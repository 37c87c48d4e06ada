// hi6gw read, write and probe, as somebody who commissions a cell uses them. The judge is the
// simulator.

#include "system/plant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hi6gw::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

Finished hi6gw(const std::string& command, const Simulator& simulator,
               const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> argv{Gateway::program(), command, simulator.url()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run(argv);
}

TEST(OneOffRead, PrintsValuesAsTheyArePublished) {
    const Simulator simulator;
    simulator.set("fb2.do3", 1);
    simulator.set("fb1.diw20", -471);
    simulator.set("fb1.dof40", 2.5);
    simulator.set("mw501", 1234);
    const Finished ran =
        hi6gw("read", simulator, {"fb2.do3", "fb1.diw20", "fb1.dof40", "si3", "mw501"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out, "fb2.do3 = 1\nfb1.diw20 = -471\nfb1.dof40 = 2.5\nsi3 = 0\nmw501 = 1234\n");
    EXPECT_EQ(hi6gw("read", simulator, {"--unsigned", "fb1.diw20"}).out, "fb1.diw20 = 65065\n");
    EXPECT_EQ(simulator.stat("connections_open_max"), 1);
    EXPECT_TRUE(simulator.posts().empty());
}

TEST(OneOffRead, SaysWhatItCannotRead) {
    const Simulator simulator;
    const Finished ran = hi6gw("read", simulator, {"fn3.di2", "fb2.do3"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.out, "fb2.do3 = 0\n");
    EXPECT_THAT(ran.err, HasSubstr("fn3.di2: HTTP 404"));
    EXPECT_EQ(hi6gw("read", simulator, {"fb2.do960"}).status, 64);
    EXPECT_EQ(run({Gateway::program(), "read", "ftp://h", "fb2.do3"}).status, 64);
    EXPECT_EQ(run({Gateway::program(), "read", "http://127.0.0.1:1", "fb2.do3"}).status, 1);
}

// A relay is only read by the block API, whose meaning this controller's data must have told.
TEST(OneOffRead, DoesNotGuessWhatABlockMeans) {
    const Simulator simulator({"--block-start", "word"});
    simulator.set("mw500", 77);
    for (int i = 0; i < 30; ++i) {
        simulator.set("fb0.dol" + std::to_string(4 * i), 1000 + 7919 * i);
    }
    const Finished ran = hi6gw("read", simulator, {"mw500"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("block read"));
}

TEST(OneOffWrite, WritesReadsBackAndSaysSo) {
    const Simulator simulator;
    const Finished bit = hi6gw("write", simulator, {"fb2.do3", "on"});
    EXPECT_EQ(bit.status, 0) << bit.err;
    EXPECT_THAT(bit.out, MatchesRegex("fb2.do3: 0 -> 1, verified, 1 attempt, [0-9]+ ms\n"));
    EXPECT_EQ(simulator.get("fb2.do3"), 1);
    EXPECT_THAT(hi6gw("write", simulator, {"fb2.dob9", "-56"}).out,
                HasSubstr("0 -> -56, verified"));
    EXPECT_THAT(hi6gw("write", simulator, {"fb2.dob9", "0xc1"}).out, HasSubstr("-56 -> -63"));
    EXPECT_THAT(hi6gw("write", simulator, {"m5", "1"}).out, HasSubstr("0 -> 1, verified"));
    EXPECT_THAT(hi6gw("write", simulator, {"--no-verify", "fb2.do4", "1"}).out,
                HasSubstr("0 -> 1, applied"));
    EXPECT_EQ(simulator.posts().size(), 5U);
}

TEST(OneOffWrite, SendsNothingThatIsWrong) {
    const Simulator simulator;
    struct Row {
        std::vector<std::string> arguments;
        int status;
        const char* says;
    };
    for (const Row& row : std::vector<Row>{
             {{"fb2.dob9", "300"}, 64, "cannot take 300"},
             {{"fb2.dob9", "1.5"}, 64, "cannot take 1.5"},
             {{"fb2.dob9", "{\"value\":1}"}, 64, "not a value"},
             {{"fb2.di3", "1"}, 64, "cannot be written"},
             {{"fb12.do3", "1"}, 64, "fb0-fb9"},
             {{"fb2.do3"}, 64, "value"},
             {{"--expect", "1", "fb2.do3", "0"}, 1, "precondition"},
             {{"fn3.do2", "1"}, 1, "nothing was written"},
         }) {
        const Finished ran = hi6gw("write", simulator, row.arguments);
        EXPECT_EQ(ran.status, row.status) << row.says;
        EXPECT_THAT(ran.err, HasSubstr(row.says));
        EXPECT_EQ(ran.out, "");
    }
    EXPECT_TRUE(simulator.posts().empty());
}

TEST(OneOffWrite, SaysWhenItDoesNotHold) {
    const Simulator simulator;
    simulator.fault(
        R"({"path":"do_val","method":"POST","action":"body","body":"{}","apply":false,"count":-1})");
    const Finished ran = hi6gw("write", simulator, {"fb2.do3", "1"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_THAT(ran.err, HasSubstr("mismatch (readback): it reads 0"));
    simulator.clear_faults();
    simulator.fault(R"({"path":"do_val","method":"POST","action":"reset_after","count":1})");
    EXPECT_THAT(hi6gw("write", simulator, {"fb2.do3", "1"}).out, HasSubstr("verified"));
    EXPECT_EQ(simulator.posts().size(), 2U) << "what had been applied was not sent again";
}

TEST(OneOffProbe, TellsWhatTheControllerCanDoAndWritesNothing) {
    const Simulator simulator({"--get-time", "1ms"});
    for (int i = 0; i < 30; ++i) {
        simulator.set("fb0.dol" + std::to_string(4 * i), 1000 + 7919 * i);
    }
    const Finished ran = hi6gw("probe", simulator);
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("versions      com V60.30-00, tp V60.30-00\n"));
    EXPECT_THAT(ran.out, HasSubstr("block read    proven\n"));
    EXPECT_THAT(ran.out, HasSubstr("index unit    byte\n"));
    EXPECT_THAT(ran.out, HasSubstr("keep-alive    kept"));
    EXPECT_THAT(ran.out, HasSubstr("single GET    p50 "));
    EXPECT_THAT(ran.out, HasSubstr("    url: " + simulator.url() + "\n"));
    EXPECT_TRUE(simulator.posts().empty());
    EXPECT_EQ(simulator.stat("connections_open_max"), 1);
}

TEST(OneOffProbe, TellsWhatIsOdd) {
    struct Row {
        std::vector<std::string> simulator;
        std::vector<const char*> says;
    };
    for (const Row& row : std::vector<Row>{
             {{"--index-unit", "element"},
              {"index unit    element\n", "    index_unit: element\n"}},
             {{"--no-block"}, {"block read    not usable", "    block_read: off\n"}},
             {{"--keep-alive-max", "70"}, {"closed now and then"}},
         }) {
        std::vector<std::string> arguments = row.simulator;
        arguments.insert(arguments.end(), {"--get-time", "1ms"});
        const Simulator simulator(arguments);
        for (int i = 0; i < 30; ++i) {
            simulator.set("fb0.dol" + std::to_string(4 * i), 1000 + 7919 * i);
        }
        const Finished ran = hi6gw("probe", simulator);
        EXPECT_EQ(ran.status, 0) << ran.err;
        for (const char* words : row.says) {
            EXPECT_THAT(ran.out, HasSubstr(words));
        }
        EXPECT_TRUE(simulator.posts().empty());
    }
}

}  // namespace
}  // namespace hi6gw::test
