// The proof of the block API against model controllers of every kind and memories of every kind.
#include "hi6/block_proof.h"

#include "hi6/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace hi6gw::hi6 {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;
using State = BlockProof::State;
constexpr Area kFb{Scope::fb, 2, Relay::do_};
constexpr std::uint32_t kSize = 120;

struct Truth {
    IndexUnit unit = IndexUnit::byte;
    bool big_endian = false;
    std::uint32_t start_bits = 8;
    bool unrelated = false;  // the block API shows other memory than the single reads

    [[nodiscard]] bool documented(IndexUnit configured) const {
        return unit == configured && !big_endian && start_bits == 8 && !unrelated;
    }
};

// A controller that does what `truth` says; anything beyond the area is refused.
class Model {
  public:
    Model(Truth truth, Bytes memory, Bytes block_memory)
        : truth_(truth), memory_(std::move(memory)), block_(std::move(block_memory)) {}

    [[nodiscard]] std::optional<Bytes> block(const BlockRead& read) const {
        const Bytes& from = truth_.unrelated ? block_ : memory_;
        Bytes out(std::size_t{read.words} * 4);
        for (std::size_t i = 0; i < out.size() * 8; ++i) {
            const std::size_t at = std::size_t{read.start} * truth_.start_bits + i;
            if (at >= from.size() * 8) {
                return std::nullopt;
            }
            const std::size_t byte = truth_.big_endian ? i / 32 * 4 + 3 - i / 8 % 4 : i / 8;
            const bool set = ((from[at / 8] >> (at % 8)) & std::byte{1}) != std::byte{0};
            out[byte] |= set ? std::byte{1} << (i % 8) : std::byte{0};
        }
        return out;
    }
    [[nodiscard]] std::optional<std::uint32_t> single(const Address& address) const {
        const std::uint32_t first = first_byte(address, truth_.unit);
        if (first + width_bytes(address.width) > memory_.size()) {
            return std::nullopt;
        }
        return extract(std::span(memory_).subspan(first), address.width, bit_in_byte(address));
    }
    Bytes& memory() { return memory_; }
    // Whether the two memories are alike in any byte that is set: then they are hardly unrelated.
    [[nodiscard]] bool alike() const {
        for (std::size_t i = 0; i < memory_.size(); ++i) {
            if (memory_[i] == block_[i] && block_[i] != std::byte{0}) {
                return true;
            }
        }
        return false;
    }

  private:
    Truth truth_;
    Bytes memory_;
    Bytes block_;
};

// As poll/block_prover drives it. `disturb` is called before every request.
template <class Disturb>
void settle(BlockProof& proof, Model& model, const BlockRead& window, Bytes& content,
            Disturb disturb) {
    for (unsigned attempt = 0; attempt < 3 && !proof.unit_settled(); ++attempt) {
        auto question = proof.ask_unit({window, content}, attempt);
        if (!question) {
            question = proof.plain_check({window, content});
        }
        if (!question || proof.state() == State::disproven) {
            break;
        }
        disturb();
        const auto raw = model.single(question->word);
        const Bytes before = content;
        disturb();
        content = model.block(window).value();
        if (raw && proof.answer(*question, *raw, {window, before}, {window, content})) {
            break;
        }
    }
    for (unsigned attempt = 0; attempt < 3 && !proof.start_settled(); ++attempt) {
        const auto question = proof.ask_start({window, content}, attempt);
        if (!question || proof.state() == State::disproven) {
            break;
        }
        disturb();
        const auto word = model.block(question->shifted);
        const Bytes before = content;
        disturb();
        content = model.block(window).value();
        if (word && proof.answer(*question, *word, {window, before}, {window, content})) {
            break;
        }
    }
}
void settle(BlockProof& proof, Model& model, const BlockRead& window, Bytes& content) {
    settle(proof, model, window, content, [] {});
}

enum class Content { random, sparse, one_bit, zero, ones, constant, period, count };

Bytes make_content(Content kind, std::mt19937& random) {
    Bytes out(kSize, std::byte{0});
    const auto any = [&random] { return static_cast<std::byte>(random() & 0xff); };
    const std::byte fixed = any();
    for (std::size_t i = 0; i < out.size(); ++i) {
        switch (kind) {
            case Content::random:
                out[i] = any();
                break;
            case Content::sparse:
                out[i] = random() % 20 == 0 ? any() : std::byte{0};
                break;
            case Content::ones:
                out[i] = std::byte{0xff};
                break;
            case Content::constant:
                out[i] = fixed;
                break;
            case Content::period:
                out[i] = i % 4 == 0 ? fixed : std::byte{0};
                break;
            default:
                break;
        }
    }
    if (kind == Content::one_bit) {
        out[random() % kSize] = std::byte{1} << (random() % 8);
    }
    return out;
}

std::vector<Truth> all_truths() {
    std::vector<Truth> out;
    for (const IndexUnit unit : {IndexUnit::byte, IndexUnit::element}) {
        for (const bool big_endian : {false, true}) {
            for (const std::uint32_t start_bits : {8U, 1U, 32U}) {
                for (const bool unrelated : {false, true}) {
                    out.push_back({unit, big_endian, start_bits, unrelated});
                }
            }
        }
    }
    return out;
}

std::vector<Address> addresses_in(const BlockRead& window, IndexUnit unit) {
    std::vector<Address> out;
    for (const Width width : {Width::bit, Width::byte, Width::word, Width::dword, Width::real}) {
        for (std::uint32_t index = 0; index < 8 * kSize; ++index) {
            const Address address{window.area, width, index};
            const BitRange range = bit_range(address, unit);
            if (range.first >= 8 * window.start &&
                range.first + range.count <= 8 * (window.start + 4 * window.words)) {
                out.push_back(address);
            }
        }
    }
    return out;
}

// Whether this truth's value of the address could be seen in the window at all.
bool in_sight(const Truth& truth, const Address& address, const BlockRead& window) {
    const BitRange range = bit_range(address, truth.unit);
    const std::uint32_t begins = window.start * truth.start_bits;
    return range.first >= begins && range.first + range.count <= begins + 32 * window.words;
}

// What the lane would publish from this window is what the controller says of each address.
void expect_no_wrong_value(const BlockProof& proof, const Model& model, const Truth& truth,
                           const BlockRead& window, const Bytes& content, IndexUnit configured) {
    if (proof.state() == State::disproven || truth.unrelated) {
        return;
    }
    for (const Address& address : addresses_in(window, configured)) {
        const auto said = model.single(address);
        if (!said || proof.must_ask({window, content}, address)) {
            continue;
        }
        const std::uint32_t first = first_byte(address, configured) - window.start;
        const std::uint32_t decoded =
            extract(std::span(content).subspan(first), address.width, bit_in_byte(address));
        if (decoded != *said) {
            // Only where neither a question nor the window itself could have told.
            ASSERT_FALSE(in_sight(truth, address, window)) << to_string(address);
            ASSERT_EQ(proof.state(), State::pending);
        }
    }
}

class BlockProofOfEveryController : public ::testing::TestWithParam<int> {};

TEST_P(BlockProofOfEveryController, NeverPassesAWrongOneNorFailsTheDocumentedOne) {
    const auto kind = static_cast<Content>(GetParam());
    std::mt19937 random(static_cast<unsigned>(GetParam()) + 100);
    const BlockRead windows[] = {{kFb, 0, 30}, {kFb, 0, 3}, {kFb, 0, 1}, {kFb, 3, 5}, {kFb, 8, 1}};
    for (const IndexUnit configured : {IndexUnit::byte, IndexUnit::element}) {
        for (const Truth& truth : all_truths()) {
            for (const BlockRead& window : windows) {
                for (int round = 0; round < 2; ++round) {
                    Model model(truth, make_content(kind, random), make_content(kind, random));
                    auto content = model.block(window);
                    if (!content) {
                        continue;
                    }
                    BlockProof proof(configured);
                    expect_no_wrong_value(proof, model, truth, window, *content, configured);
                    for (int again = 0; again < 3; ++again) {
                        settle(proof, model, window, *content);
                        expect_no_wrong_value(proof, model, truth, window, *content, configured);
                    }
                    const State state = proof.state();
                    const bool documented = truth.documented(configured);
                    const bool excusable = truth.unrelated && model.alike();
                    ASSERT_TRUE(documented || excusable || state != State::proven);
                    ASSERT_TRUE(!documented || state != State::disproven) << proof.reason();
                    ASSERT_EQ(proof.reason().empty(), state == State::proven);
                    if (kind == Content::random && window.words == 30) {
                        ASSERT_EQ(state, documented ? State::proven : State::disproven);
                    }
                    if (kind == Content::zero) {
                        ASSERT_EQ(state, State::pending);
                    }
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Content, BlockProofOfEveryController,
                         ::testing::Range(0, static_cast<int>(Content::count)));

// The memory changes between any two requests: what was learned must still be true.
TEST(BlockProof, HoldsWhileTheDataMove) {
    std::mt19937 random(9);
    int proven = 0;
    for (int round = 0; round < 80; ++round) {
        for (const Truth& truth : all_truths()) {
            if (truth.unrelated) {
                continue;
            }
            Model model(truth, make_content(Content::sparse, random), {});
            const BlockRead window{kFb, 0, 30};
            Bytes content = model.block(window).value();
            BlockProof proof(IndexUnit::byte);
            const auto disturb = [&] {
                if (random() % 3 == 0) {
                    model.memory()[random() % kSize] = static_cast<std::byte>(random() & 0xff);
                }
            };
            for (int again = 0; again < 3; ++again) {
                settle(proof, model, window, content, disturb);
            }
            const bool documented = truth.documented(IndexUnit::byte);
            ASSERT_TRUE(documented || proof.state() != State::proven);
            ASSERT_TRUE(!documented || proof.state() != State::disproven) << proof.reason();
            proven += proof.state() == State::proven ? 1 : 0;
        }
    }
    EXPECT_GT(proven, 60);
}

// A toggle that is back before the second look must neither disprove nor prove anything alone.
TEST(BlockProof, OneAnswerIsNotAVerdict) {
    const BlockRead window{kFb, 0, 30};
    Bytes content(kSize, std::byte{0});
    content[20] = std::byte{5};
    BlockProof proof(IndexUnit::byte);
    const auto question = proof.ask_unit({window, content});
    ASSERT_TRUE(question);
    const std::uint32_t right =
        extract(std::span(content).subspan(question->configured), Width::word, 0);
    const BlockProof::Window seen{window, content};
    EXPECT_FALSE(proof.answer(*question, right ^ 1U, seen, seen));
    EXPECT_EQ(proof.state(), State::pending);
    EXPECT_TRUE(proof.must_ask(seen, {kFb, Width::byte, 90}));
    EXPECT_FALSE(proof.answer(*question, right, seen, seen));
    EXPECT_FALSE(proof.unit_settled());
    EXPECT_TRUE(proof.answer(*question, right, seen, seen));
    EXPECT_EQ(proof.state(), State::pending);
}

TEST(BlockProof, ZerosCannotTellUntilSomethingIsSet) {
    const BlockRead window{kFb, 0, 30};
    Bytes content(kSize, std::byte{0});
    BlockProof proof(IndexUnit::byte);
    EXPECT_FALSE(proof.ask_unit({window, content}));
    EXPECT_FALSE(proof.ask_start({window, content}));
    ASSERT_TRUE(proof.plain_check({window, content}));
    EXPECT_FALSE(proof.must_ask({window, content}, {kFb, Width::word, 20}));
    EXPECT_THAT(proof.reason(), HasSubstr("not proven yet"));
    content[20] = std::byte{5};
    EXPECT_TRUE(proof.ask_unit({window, content}));
    EXPECT_TRUE(proof.ask_start({window, content}));
    EXPECT_TRUE(proof.must_ask({window, content}, {kFb, Width::word, 20}));
    EXPECT_TRUE(proof.must_ask({window, content}, {kFb, Width::bit, 160}));
}

TEST(BlockProof, SaysWhatDisagreesAndWhatToChange) {
    const struct {
        Truth truth;
        IndexUnit configured;
        const char* says;
    } cases[] = {
        {{IndexUnit::element, false, 8, false}, IndexUnit::byte, "set index_unit: element"},
        {{IndexUnit::byte, false, 8, false}, IndexUnit::element, "set index_unit: byte"},
        {{IndexUnit::byte, true, 8, false}, IndexUnit::byte, "big-endian"},
        {{IndexUnit::byte, false, 1, false}, IndexUnit::byte, "st counts bits"},
        {{IndexUnit::byte, false, 32, false}, IndexUnit::byte, "st counts words"},
        {{IndexUnit::byte, false, 8, true}, IndexUnit::byte, "other memory"},
    };
    std::mt19937 random(1);
    for (const auto& c : cases) {
        Model model(c.truth, make_content(Content::random, random),
                    make_content(Content::random, random));
        const BlockRead window{kFb, 0, 30};
        Bytes content = model.block(window).value();
        BlockProof proof(c.configured);
        settle(proof, model, window, content);
        EXPECT_EQ(proof.state(), State::disproven);
        EXPECT_THAT(proof.reason(), HasSubstr(c.says));
    }
}

TEST(BlockProof, ARefusalIsFinalAndKeepsItsFirstReason) {
    BlockProof proof(IndexUnit::byte);
    proof.refuse("404");
    proof.refuse("later");
    EXPECT_EQ(proof.state(), State::disproven);
    EXPECT_EQ(proof.reason(), "404");
}

TEST(BlockProof, AreasWithoutASingleReadSettleOnlyTheStart) {
    const Area m{Scope::plain, 0, Relay::m};
    Bytes content(40, std::byte{0});
    content[20] = std::byte{5};
    const BlockProof proof(IndexUnit::byte);
    const BlockProof::Window window{{m, 0, 10}, content};
    EXPECT_FALSE(proof.ask_unit(window));
    EXPECT_FALSE(proof.plain_check(window));
    EXPECT_TRUE(proof.ask_start(window));
}

// Short or empty content, windows at the very end: no question beyond the area, no read beyond the
// bytes that came.
TEST(BlockProof, AsksOnlyWithinTheArea) {
    std::mt19937 random(4);
    for (std::uint32_t start = 0; start <= 116; ++start) {
        for (std::size_t came = 0; came <= 12; ++came) {
            const BlockRead read{kFb, start, 3};
            Bytes content(came);
            for (auto& b : content) {
                b = static_cast<std::byte>(random() & 0xff);
            }
            const BlockProof proof(IndexUnit::byte);
            for (unsigned attempt = 0; attempt < 5; ++attempt) {
                const auto unit = proof.ask_unit({read, content}, attempt);
                ASSERT_TRUE(!unit || unit->configured + 2 <= kSize);
                const auto shifted = proof.ask_start({read, content}, attempt);
                ASSERT_TRUE(!shifted ||
                            (shifted->shifted.start <= 116 && shifted->shifted.start != start));
            }
            static_cast<void>(proof.must_ask({read, content}, {kFb, Width::dword, start}));
        }
    }
}

}  // namespace
}  // namespace hi6gw::hi6
