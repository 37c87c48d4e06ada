// Controllers of every kind: what the documentation leaves open, and servers with habits.

#include "system/judged.h"

#include <gtest/gtest.h>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

const char* const kSignals =
    "      - {name: bit, address: fb2.di41}\n"
    "      - {name: byte, address: fb2.dib6}\n"
    "      - {name: word, address: fb2.diw8}\n"
    "      - {name: real, address: fb2.dif12}\n";

struct Kind {
    const char* name;
    std::vector<std::string> arguments;
    const char* keys;
    const char* state;
    const char* read_mode;
    const char* word = "fb2.diw8";  // where the simulator, whose interface counts bytes, keeps them
    const char* real = "fb2.dif12";
};

class Kinds : public testing::TestWithParam<Kind> {};

// Whatever the controller is like: the value published for an address is the one it calls by that
// name.
TEST_P(Kinds, PublishWhatTheControllerCallsByThatName) {
    Plant plant(kSignals, GetParam().arguments, GetParam().keys);
    EXPECT_TRUE(status_becomes(plant.probe, GetParam().state, 20s))
        << plant.gateway.process().err();
    plant.simulator.set("fb2.di41", 1);
    plant.simulator.set("fb2.dib6", 17);
    plant.simulator.set(GetParam().word, 1234);
    plant.simulator.set(GetParam().real, 1.5);
    EXPECT_TRUE(becomes(plant.probe, "bit", "1", 192, 20s));
    EXPECT_TRUE(becomes(plant.probe, "byte", "17", 192, 20s));
    EXPECT_TRUE(becomes(plant.probe, "word", "1234", 192, 20s));
    EXPECT_TRUE(becomes(plant.probe, "real", "1.5", 192, 20s));
    EXPECT_TRUE(status_becomes(plant.probe, GetParam().state, 20s));
    EXPECT_EQ(latest(plant.probe, "hi6/r1/status").at("read_mode"), GetParam().read_mode);
    for (const auto& message : plant.probe.messages("hi6/r1/state/word")) {
        const auto payload = boost::json::parse(message.payload);
        const auto& value = payload.at("value");
        EXPECT_TRUE(value.is_null() || value == 0 || value == 1234) << message.payload;
    }
    EXPECT_EQ(plant.simulator.stat("connections_open_max"), 1);
    EXPECT_EQ(plant.simulator.stat("requests_open_max"), 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, Kinds,
    testing::Values(Kind{"documented", {}, "", "online", "block"},
                    Kind{"split_writes", {"--split-writes"}, "", "online", "block"},
                    Kind{"chunked", {"--chunked"}, "", "online", "block"},
                    Kind{"trailing_comma", {"--trailing-comma"}, "", "online", "block"},
                    Kind{"no_block", {"--no-block"}, "", "degraded", "single"},
                    Kind{"block_off", {}, "    block_read: off\n", "online", "single"},
                    Kind{"elements_known",
                         {"--index-unit", "element"},
                         "    index_unit: element\n",
                         "online",
                         "block",
                         "fb2.diw16",
                         "fb2.dif48"},
                    Kind{"keep_alive_limit", {"--keep-alive-max", "40"}, "", "online", "block"}),
    [](const auto& kind) { return std::string(kind.param.name); });

// The controller counts elements, the configuration says bytes: found out by the data, before a
// word is published.
TEST(KindsFoundOut, UnknownElementUnitIsFoundOutBeforeAWrongValueIsPublished) {
    Plant plant(kSignals, {"--index-unit", "element"});
    EXPECT_TRUE(becomes(plant.probe, "word", "0"));
    plant.simulator.set("fb2.dib8", 99);   // the word at byte 8, by the documented reading
    plant.simulator.set("fb2.dib16", 55);  // word number 8, which this controller means by diw8
    EXPECT_TRUE(status_becomes(plant.probe, "degraded", 30s));
    EXPECT_EQ(latest(plant.probe, "hi6/r1/status").at("read_mode"), "single");
    EXPECT_TRUE(becomes(plant.probe, "word", "55"));
    for (const auto& message : plant.probe.messages("hi6/r1/state/word")) {
        EXPECT_EQ(message.payload.find("\"value\":99"), std::string::npos) << message.payload;
    }
}

TEST(KindsFoundOut, StartInBitsIsFoundOut) {
    Plant plant("      - {name: far, address: mb2000}\n      - {name: near, address: fb2.dib6}\n",
                {"--block-start", "bit"});
    EXPECT_TRUE(becomes(plant.probe, "near", "0"));
    plant.simulator.set("mb2000", 42);
    plant.simulator.set("mb250", 24);  // where st=2000 leads when it counts bits
    plant.simulator.set("fb2.dib6", 7);
    EXPECT_TRUE(status_becomes(plant.probe, "degraded", 30s));
    EXPECT_TRUE(becomes(plant.probe, "near", "7"));
    for (const auto& message : plant.probe.messages("hi6/r1/state/far")) {
        EXPECT_EQ(message.payload.find("\"value\":24"), std::string::npos) << message.payload;
    }
}

TEST(KindsFoundOut, AControllerThatClosesEachTimeIsAskedOnceASecond) {
    Plant plant("      - {name: a, address: fb2.di3}\n", {"--close-each"});
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {{"a", "fb2.di3", false}});
    plant.simulator.set("fb2.di3", 1);
    EXPECT_TRUE(becomes(plant.probe, "a", "1", 192, 20s));
    EXPECT_TRUE(status_becomes(plant.probe, "degraded"));
    const auto begin = std::chrono::steady_clock::now();
    const auto connects = plant.simulator.stat("connections_total");
    plant.simulator.set("fb2.di3", 0);
    EXPECT_TRUE(becomes(plant.probe, "a", "0", 192, 20s));
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
    EXPECT_LE(plant.simulator.stat("connections_total") - connects, seconds.count() + 1);
    expect_well(invariants, plant.gateway);
}

TEST(KindsFoundOut, OneUnknownSignalDoesNotHurtTheOthers) {
    Plant plant("      - {name: good, address: fb2.di3}\n      - {name: bad, address: fn7.di0}\n");
    EXPECT_TRUE(becomes(plant.probe, "good", "0"));
    EXPECT_TRUE(becomes(plant.probe, "bad", "null", 4));
}

}  // namespace
}  // namespace hi6gw::test
