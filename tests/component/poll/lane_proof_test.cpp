// A wrong value must be impossible: the controller reads the manual in every other way, the data
// come late, and answers fail in the middle of a proof.

#include "lane_bench.h"

#include <random>

namespace hi6gw::poll {
namespace {

using Start = FakeController::Start;
using hi6::IndexUnit;
using hi6::Outcome;
using Fault = FakeController::Fault;
using Request = FakeController::Request;

std::vector<config::Signal> wide(IndexUnit unit = IndexUnit::byte) {
    return {make_signal("fb0.do5", 100ms, unit),   make_signal("fb0.dob3", 100ms, unit),
            make_signal("fb0.dow4", 100ms, unit),  make_signal("fb0.dow10", 100ms, unit),
            make_signal("fb0.dol20", 100ms, unit), make_signal("fb0.dow57", 100ms, unit)};
}

struct Reading {
    const char* name;
    IndexUnit configured;
    IndexUnit unit;
    Start start;
    bool agrees;
};

class LaneProof : public testing::TestWithParam<Reading> {
  protected:
    LaneProof() {
        auto config = make_controller(wide(GetParam().configured));
        config.index_unit = GetParam().configured;
        bench = std::make_unique<LaneBench>(std::move(config));
        bench->controller.unit = GetParam().unit;
        bench->controller.start = GetParam().start;
        bench->check_truth = true;  // by the controller's own reading, not by ours
    }
    void fill() {
        for (std::uint32_t i = 0; i < 120; ++i) {
            bench->controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + 11)});
        }
    }
    void expect_settled() {
        EXPECT_EQ(bench->state(), GetParam().agrees ? "online" : "degraded");
        EXPECT_EQ(bench->last_status.read_mode, GetParam().agrees ? "block" : "single");
        EXPECT_EQ(bench->last_status.reason.empty(), GetParam().agrees);
        for (const auto& signal : bench->lane->config().signals) {
            EXPECT_EQ(bench->last(signal.name).quality, 192) << signal.name;
        }
    }
    std::unique_ptr<LaneBench> bench;
};

TEST_P(LaneProof, DataFromTheStartSettleIt) {
    fill();
    bench->run();
    bench->advance(2s);
    expect_settled();
}

TEST_P(LaneProof, DataThatComeLaterAreProvenBeforeTheyArePublished) {
    bench->run();
    bench->advance(30s);
    EXPECT_EQ(bench->state(), "online");
    EXPECT_NE(bench->last_status.reason, "") << "pending";
    EXPECT_EQ(bench->last("fb0.dow10").quality, 192);
    std::minstd_rand random(5);
    for (int i = 0; i < 200; ++i) {
        bench->controller.put(kOut, static_cast<std::uint32_t>(random() % 120),
                              {static_cast<std::uint8_t>(random() % 256)});
        bench->advance(30ms);
    }
    fill();
    bench->advance(15s);
    expect_settled();
}

// Answers fail or the connection goes at every point of the proof.
TEST_P(LaneProof, FaultsInTheMiddleOfAProofPublishNothingWrong) {
    for (const Outcome outcome :
         {Outcome::server_error, Outcome::bad_data, Outcome::lost, Outcome::refused}) {
        for (int at = 0; at < 14; ++at) {
            auto config = make_controller(wide(GetParam().configured));
            config.index_unit = GetParam().configured;
            LaneBench one(std::move(config));
            one.controller.unit = GetParam().unit;
            one.controller.start = GetParam().start;
            one.check_truth = true;
            one.run();
            one.advance(5s);  // all zero: pending
            for (std::uint32_t i = 0; i < 120; ++i) {
                one.controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + 11)});
            }
            one.controller.fault = [n = 0, at, outcome](const Request&) mutable {
                return n++ == at ? std::optional(Fault{outcome}) : std::nullopt;
            };
            one.advance(90s);
            for (const auto& signal : one.lane->config().signals) {
                EXPECT_EQ(one.last(signal.name).quality, 192)
                    << signal.name << " " << hi6::to_string(outcome) << " at " << at;
            }
        }
    }
}

// The proof runs while a program writes into the same bytes.
TEST_P(LaneProof, LiveDataAreNeverPublishedWrong) {
    std::minstd_rand random(17);
    bench->controller.before_answer = [&](const Request&) {
        for (int n = 0; n < 3; ++n) {
            bench->controller.put(kOut, static_cast<std::uint32_t>(random() % 120),
                                  {static_cast<std::uint8_t>(random() % 256)});
        }
    };
    bench->run();
    bench->advance(60s);
    EXPECT_EQ(bench->state(), GetParam().agrees ? "online" : "degraded")
        << bench->last_status.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Readings, LaneProof,
    testing::Values(
        Reading{"documented", IndexUnit::byte, IndexUnit::byte, Start::byte, true},
        Reading{"elements", IndexUnit::element, IndexUnit::element, Start::byte, true},
        Reading{"elements_unasked", IndexUnit::byte, IndexUnit::element, Start::byte, false},
        Reading{"bytes_unasked", IndexUnit::element, IndexUnit::byte, Start::byte, false},
        Reading{"start_in_bits", IndexUnit::byte, IndexUnit::byte, Start::bit, false},
        Reading{"start_in_words", IndexUnit::byte, IndexUnit::byte, Start::word, false}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(LaneProofOnce, OneGarbledAnswerDoesNotCostTheBlockRead) {
    LaneBench bench(make_controller(wide()));
    for (std::uint32_t i = 0; i < 120; ++i) {
        bench.controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + 11)});
    }
    bench.controller.fault = [n = 0](const Request& request) mutable {
        return request.is("block") && n++ == 0 ? std::optional(Fault{Outcome::bad_data})
                                               : std::nullopt;
    };
    bench.run();
    bench.advance(1s);
    EXPECT_EQ(bench.state(), "online");
    EXPECT_EQ(bench.last_status.read_mode, "block");
}

TEST(LaneProofOnce, ABlockReadThatIsAlwaysGarbledIsNotUsed) {
    LaneBench bench(make_controller(wide()));
    bench.controller.fault = [](const Request& request) {
        return request.is("block") ? std::optional(Fault{Outcome::bad_data}) : std::nullopt;
    };
    bench.run();
    bench.advance(1s);
    EXPECT_EQ(bench.state(), "degraded");
    EXPECT_EQ(bench.last("fb0.dow10").quality, 192);
}

// Commands go between the reads of a proof. Here each question finds the output switched off, and
// both reads beside it find it on.
class LaneProofCommanded : public testing::TestWithParam<const char*> {
  protected:
    void switch_to(std::uint32_t raw) {
        bench.command(std::to_string(bench.controller.requests.size()), GetParam(), raw);
    }
    LaneBench bench{make_controller({make_signal(GetParam()), make_signal("m40")})};
};

TEST_P(LaneProofCommanded, WhatIsSwitchedThereAndBackDisprovesNothing) {
    bench.check_truth = true;
    bench.run();
    bench.advance(5s);
    ASSERT_NE(bench.last_status.reason, "") << "pending: all is zero";
    const std::string window = bench.controller.some("block fb0.do").back().text;
    bool switches = true;
    bench.controller.before_answer = [&](const Request& request) {
        if (switches && request.text == window) {
            switch_to(0);
        } else if (switches && (request.is("single fb0.dow") || request.is("block fb0.do "))) {
            switch_to(1);
        }
    };
    switch_to(1);
    bench.advance(2s);
    EXPECT_GT(bench.controller.count("write"), 20U);
    EXPECT_NE(bench.last_status.read_mode, "single") << bench.last_status.reason;
    EXPECT_EQ(bench.last("m40").quality, 192) << "only the block read has it";
    switches = false;
    bench.advance(1s);
    switch_to(1);
    bench.advance(15s);
    EXPECT_EQ(bench.state(), "online");
    EXPECT_EQ(bench.last_status.read_mode, "block") << bench.last_status.reason;
    EXPECT_EQ(bench.last(GetParam()).value, "1");
    EXPECT_EQ(bench.last("m40").quality, 192);
}

INSTANTIATE_TEST_SUITE_P(Bits, LaneProofCommanded,
                         testing::Values("fb0.do12", "fb0.do17", "fb0.do31", "fb0.do40"));

// Every byte is another one with each answer, as of a robot in motion: there is nothing to compare.
class LaneProofRestless : public testing::Test {
  protected:
    void never_rest(LaneBench& bench, const hi6::Area& area) {
        bench.controller.before_answer = [this, &bench, area](const Request&) {
            ++turn;
            for (std::uint32_t i = 0; i < 120 && !rests; ++i) {
                bench.controller.put(area, i, {static_cast<std::uint8_t>(i * 37 + turn)});
            }
        };
    }
    unsigned turn = 0;
    bool rests = false;
};

TEST_F(LaneProofRestless, DataThatNeverHoldStillAreReadOneByOne) {
    LaneBench bench(make_controller(wide()));
    bench.check_truth = true;
    never_rest(bench, kOut);
    bench.run();
    bench.advance(10s);
    EXPECT_EQ(bench.state(), "degraded");
    EXPECT_NE(bench.last_status.reason.find("do not hold still"), std::string::npos)
        << bench.last_status.reason;
    for (const auto& signal : bench.lane->config().signals) {
        EXPECT_EQ(bench.last(signal.name).quality, 192) << signal.name;
        EXPECT_GT(bench.last(signal.name).at, bench.time.now() - 1s) << signal.name;
    }
    rests = true;
    bench.advance(15s);
    EXPECT_EQ(bench.state(), "online") << "it is proven once the data rest";
    EXPECT_EQ(bench.last_status.reason, "");
    EXPECT_EQ(bench.last("fb0.dow10").quality, 192);
}

TEST_F(LaneProofRestless, WhereNoSingleReadHelpsThatIsSaid) {
    const hi6::Area memory{hi6::Scope::plain, 0, hi6::Relay::m};
    LaneBench bench(make_controller({make_signal("mw2"), make_signal("mw30")}));
    never_rest(bench, memory);
    bench.run();
    bench.advance(10s);
    EXPECT_EQ(bench.state(), "online") << "it answers";
    EXPECT_EQ(bench.last("mw2").quality, 12);
    rests = true;
    bench.advance(15s);
    EXPECT_EQ(bench.last("mw2").quality, 192);
}

// A part of the data rests: it is found, wherever it is.
TEST_F(LaneProofRestless, WhatRestsIsFound) {
    LaneBench bench(make_controller({make_signal("fb0.dow50"), make_signal("fb0.dow116")}));
    bench.check_truth = true;
    bench.controller.before_answer = [&](const Request&) {
        ++turn;
        for (std::uint32_t i = 0; i < 120; ++i) {
            const unsigned rest = i >= 30 ? 11 : turn;
            bench.controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + rest)});
        }
    };
    bench.run();
    bench.advance(60s);
    EXPECT_EQ(bench.state(), "online") << bench.last_status.reason;
    EXPECT_EQ(bench.last("fb0.dow116").quality, 192);
    EXPECT_EQ(bench.controller.count("single fb0.dow116"), 0U);
}

}  // namespace
}  // namespace hi6gw::poll
