#include "sim/scenario.h"

#include "support/paths.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace hi6gw::sim {
namespace {

using namespace std::chrono_literals;

struct Cell {
    explicit Cell(const std::string& yaml, std::uint64_t seed = 1)
        : scenario(Scenario::parse(yaml, memory, seed).value()) {}
    double at(const char* name) {
        const auto value = memory.get(memory.place(name, IndexUnit::byte).value());
        return value.is_real ? double{value.real} : double(value.integer);
    }
    void command(const char* name, std::uint32_t bits, Scenario::Duration now) {
        memory.set_bits(memory.place(name, IndexUnit::byte).value(), bits);
        scenario.react(now);
    }
    // What a relay was after each of these times.
    std::vector<double> over(const char* name, std::initializer_list<Scenario::Duration> times) {
        std::vector<double> values;
        for (const auto time : times) {
            scenario.advance(time);
            values.push_back(at(name));
        }
        return values;
    }
    Memory memory;
    Scenario scenario;
};

using Values = std::vector<double>;

TEST(Scenario, CountsAndStartsAgain) {
    Cell up("steps: [{every: 100ms, counter: fb1.diw20, by: 2, from: 3, to: 6}]");
    EXPECT_EQ(up.over("fb1.diw20", {0ms, 99ms, 100ms, 200ms, 350ms, 400ms}),
              (Values{0, 0, 3, 5, 3, 5}));
    Cell down("steps: [{every: 1s, counter: mb0, by: -1, from: 0, to: 2}]");
    EXPECT_EQ(down.over("mb0", {1s, 2s, 3s, 4s}), (Values{2, 1, 0, 2}));
}

TEST(Scenario, CatchesUpButNotForEver) {
    Cell cell("steps: [{every: 1ms, counter: ml0, to: 1000000}]");
    cell.scenario.advance(10ms);
    EXPECT_EQ(cell.at("ml0"), 10);
    cell.scenario.advance(1h);
    EXPECT_EQ(cell.at("ml0"), 1010);
    cell.scenario.advance(1h + 1ms);
    EXPECT_EQ(cell.at("ml0"), 1011);
}

TEST(Scenario, TogglesSetsAndPulses) {
    Cell cell(R"(
steps:
  - {every: 1s, toggle: fb2.di3}
  - {at: 1500ms, set: fb2.dif8, value: 2.5}
  - {at: 0s, every: 2s, pulse: fb2.di4, width: 500ms}
)");
    EXPECT_EQ(cell.over("fb2.di3", {0s, 999ms, 1s}), (Values{0, 0, 1}));
    EXPECT_EQ(cell.over("fb2.dif8", {1499ms, 1500ms}), (Values{0, 2.5}));
    EXPECT_EQ(cell.over("fb2.di3", {2s, 3s}), (Values{0, 1}));
    EXPECT_EQ(cell.over("fb2.di4", {4s, 4499ms, 4500ms, 5999ms, 6s}), (Values{1, 1, 0, 0, 1}));
}

TEST(Scenario, RandomStaysInRangeAndFollowsTheSeed) {
    const auto draw = [](std::uint64_t seed) {
        Cell cell("steps: [{every: 1ms, random: mw0, from: -2, to: 2}]", seed);
        Values values;
        for (auto now = 1ms; now <= 200ms; now += 1ms) {
            cell.scenario.advance(now);
            values.push_back(cell.at("mw0"));
        }
        return values;
    };
    const auto values = draw(1);
    EXPECT_EQ(std::set<double>(values.begin(), values.end()), (std::set<double>{-2, -1, 0, 1, 2}));
    EXPECT_EQ(draw(1), values);
    EXPECT_NE(draw(2), values);
}

TEST(Scenario, SineSwingsAboutItsMean) {
    Cell cell("steps: [{every: 1s, sine: fb1.diw0, mean: 100, amplitude: 50, period: 4s}]");
    EXPECT_EQ(cell.over("fb1.diw0", {1s, 2s, 3s, 4s}), (Values{150, 100, 50, 100}));
}

TEST(Scenario, AValueOutOfRangeKeepsTheLast) {
    Cell cell("steps: [{every: 1s, sine: fb1.dib0, mean: 0, amplitude: 1000, period: 4s}]");
    EXPECT_EQ(cell.over("fb1.dib0", {1s, 2s}), (Values{0, 0}));
}

TEST(Scenario, InputsFollowCommandsAfterATime) {
    Cell cell(R"(
steps:
  - {when: fb2.do3, is: 1, set: fb2.di5, value: 1, after: 200ms}
  - {when: fb2.do3, is: 0, set: fb2.di5, value: 0, after: 50ms}
  - {when: fb2.dow8, set: fb2.diw8, after: 10ms}
)");
    cell.command("fb2.do3", 1, 1s);
    EXPECT_EQ(cell.scenario.next(), Scenario::Duration(1200ms));
    EXPECT_EQ(cell.over("fb2.di5", {1199ms, 1200ms}), (Values{0, 1}));
    cell.command("fb2.do3", 1, 2s);  // no change, no reaction
    EXPECT_EQ(cell.scenario.next(), std::nullopt);
    cell.command("fb2.do3", 0, 3s);
    EXPECT_EQ(cell.over("fb2.di5", {3049ms, 3050ms}), (Values{1, 0}));
    cell.command("fb2.dow8", 0xFFFE, 4s);
    EXPECT_EQ(cell.over("fb2.diw8", {4s, 4010ms}), (Values{0, -2}));
}

TEST(Scenario, ReactionsCanChain) {
    Cell cell(R"(
steps:
  - {at: 1s, set: fb2.di0, value: 1}
  - {when: fb2.di0, set: fb2.di1}
  - {when: fb2.di1, set: fb2.di0, value: 0, after: 1ms}
)");
    EXPECT_EQ(cell.over("fb2.di1", {1s, 1001ms}), (Values{0, 1}));
    EXPECT_EQ(cell.over("fb2.di0", {1001ms, 1002ms}), (Values{1, 0}));
}

TEST(Scenario, PendingReactionsAreBounded) {
    Cell cell("steps: [{when: mw0, set: mw2, after: 1h}]");
    for (std::uint32_t i = 1; i < Scenario::kMostPending + 100; ++i) {
        cell.command("mw0", i, 0s);
    }
    cell.scenario.advance(1h);
    EXPECT_EQ(cell.at("mw2"), double(Scenario::kMostPending));
}

TEST(Scenario, MistakesNameTheirLine) {
    struct Case {
        const char* step;
        const char* says;
    };
    for (const auto& each : {
             Case{"{every: 1s}", "what is to happen"},
             Case{"{toggle: fb2.di3}", "every"},
             Case{"{every: 0s, toggle: fb2.di3}", "every"},
             Case{"{every: 1s, toggle: fb12.di3}", "no such relay: fb12.di3"},
             Case{"{every: soon, toggle: fb2.di3}", "a duration"},
             Case{"{every: 1s, toggle: fb2.di3, colour: red}", "unknown key colour"},
             Case{"{every: 1s, counter: mw0, from: 5, to: 1}", "from may not be above to"},
             Case{"{every: 1s, counter: mw0, by: .nan}", "finite"},
             Case{"{every: 1s, counter: mw0, by: fast}", "bad conversion"},
             Case{"{when: fb2.do3, after: 1s}", "set: missing"},
             Case{"{when: fb2.do3, set: mw0}", "same type"},
             Case{"{when: fb2.do3, is: 2, set: fb2.di0}", "is: out of the range"},
             Case{"{when: fb2.do3, set: mb0, value: 300}", "value: out of the range"},
             Case{"5", "a step is a map"},
             Case{"{every: [", "line"},
         }) {
        Memory memory;
        const auto parsed =
            Scenario::parse(std::string("steps:\n  - ") + each.step + "\n", memory, 1);
        ASSERT_TRUE(parsed.has_error()) << each.step;
        EXPECT_NE(parsed.error().what.find(each.says), std::string::npos) << parsed.error().what;
        EXPECT_EQ(parsed.error().what.find("line "), 0U) << parsed.error().what;
    }
    for (const char* const other : {"", "5", "steps: 5", "{steps: [], more: 1}", "- 1"}) {
        Memory memory;
        EXPECT_TRUE(Scenario::parse(other, memory, 1).has_error()) << other;
    }
}

TEST(Scenario, TheDemoIsLively) {
    std::ifstream file(SOURCE_DIR "/config/scenarios/demo.yaml");
    const std::string yaml(std::istreambuf_iterator<char>(file), {});
    Cell cell(yaml);
    std::set<double> parts;
    std::set<double> temperatures;
    for (auto now = 0ms; now < 20s; now += 50ms) {
        cell.scenario.advance(now);
        parts.insert(cell.at("fb1.diw16"));
        temperatures.insert(cell.at("fb1.diw20"));
    }
    EXPECT_GE(parts.size(), 7U);
    EXPECT_GE(temperatures.size(), 30U);
    EXPECT_EQ(cell.at("fb2.di6"), 1);  // open
    cell.command("fb2.do3", 1, 20s);
    cell.scenario.advance(20200ms);
    EXPECT_EQ(cell.at("fb2.di5"), 1);  // closed
    EXPECT_EQ(cell.at("fb2.di6"), 0);
}

TEST(ParseDuration, KnowsItsUnits) {
    EXPECT_EQ(parse_duration("4ms"), 4ms);
    EXPECT_EQ(parse_duration("250us"), 250us);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("2min"), 2min);
    EXPECT_EQ(parse_duration("0"), 0ms);
    for (const char* const wrong : {"", "4", "ms", "-1s", "1 s", "1d", "nan", "1e300h", "1ss"}) {
        EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
    }
}

}  // namespace
}  // namespace hi6gw::sim
