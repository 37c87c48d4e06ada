#pragma once
// Proof that this controller's block API means what we take it to mean. Pure: it looks at data and
// says which request would tell the readings of the documentation apart, and judges the answer;
// poll/block_prover does the I/O.
//
// A reading is one guess at what the controller does, and all combinations are kept in mind:
//  - unit: the index of w, l and f counts bytes, or elements;
//  - order: the words of a block are little-endian (documented), or big-endian;
//  - start: `st` counts bytes (documented), bits, or words;
// and one more: the single reads know nothing of this memory and answer zero, so that zeros alone
// prove nothing.
// Each reading predicts from the content of a window what a single read of a word answers (unit and
// order), or a block read that starts a little further on (start and order). An answer that a
// reading did not predict counts against it. Two such answers rule it out, because the data may
// have flipped there and back between the reads; and an answer only counts where the bytes it was
// judged by were the same in a read before and a read after it. When only the documented and
// configured reading is left, it is proven; when that one is ruled out, by another reading or by
// memory that is another one altogether, the block API is disproven.

#include "hi6/address.h"
#include "hi6/open_api.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace hi6gw::hi6 {

class BlockProof {
  public:
    enum class State : std::uint8_t {
        pending,    // nothing speaks against the documented reading; the data could not tell all
                    // readings apart yet
        proven,     // both questions are settled as documented and configured
        disproven,  // some answer fits another reading, or none: the block API must not be used on
                    // this connection
    };
    struct UnitQuestion {
        Address word;                  // single-read this word...
        std::uint32_t configured = 0;  // which lies at this byte of the area by the configured unit
        std::uint32_t other = 0;       // and at this one by the other
    };
    struct StartQuestion {
        BlockRead shifted;  // one word that overlaps the window, with another `st`
    };
    using Question = std::variant<UnitQuestion, StartQuestion>;

    // Content of a window: bytes of `read.area` from byte `read.start` by the documented reading.
    struct Window {
        BlockRead read;
        std::span<const std::byte> bytes;
    };

    explicit BlockProof(IndexUnit configured);

    [[nodiscard]] State state() const;
    [[nodiscard]] bool unit_settled() const;
    [[nodiscard]] bool start_settled() const;
    // For the status topic: what is pending and why, or what disagrees and what to change. Empty
    // when proven.
    [[nodiscard]] std::string reason() const;

    // A question on an open point that this content can settle; nullopt: it cannot (all zero, say).
    // `attempt` > 0 asks for a different place of the content, after an attempt whose bytes did not
    // hold still.
    [[nodiscard]] std::optional<UnitQuestion> ask_unit(const Window& window,
                                                       unsigned attempt = 0) const;
    [[nodiscard]] std::optional<StartQuestion> ask_start(const Window& window,
                                                         unsigned attempt = 0) const;
    // A word to compare on connect when no question can be asked yet: all readings agree on
    // what it must be.
    [[nodiscard]] std::optional<UnitQuestion> plain_check(const Window& window) const;

    // The answer, judged against the window as it was before and after. False: ask again, with the
    // next `attempt`: the bytes concerned changed meanwhile, or a second answer is needed.
    bool answer(const UnitQuestion& question, std::uint32_t raw, const Window& before,
                const Window& after);
    bool answer(const StartQuestion& question, std::span<const std::byte> word,
                const Window& before, const Window& after);
    // The block API is not there, or refuses what it must serve.
    void refuse(std::string why);

    // Whether some reading that is not ruled out gives `address` another value in this window (or
    // one that lies outside the window), *and* a question on this content would tell: then it must
    // be asked before the value is published. True for everything while one answer speaks against
    // the documented reading and the second is due. Content that cannot tell (all zero, say) is
    // published by the documented reading.
    [[nodiscard]] bool must_ask(const Window& window, const Address& address) const;

  private:
    struct Reading {
        IndexUnit unit = IndexUnit::byte;
        bool big_endian = false;
        std::uint32_t start_bits = 8;  // what one count of `st` moves
        bool blank = false;    // single reads know nothing of the block's memory and answer 0
        unsigned against = 0;  // answers that it did not predict
    };
    // The bits of an answer that a window predicts.
    struct Known {
        std::uint32_t value = 0;
        std::uint32_t mask = 0;
        bool operator==(const Known&) const = default;
    };
    static constexpr std::size_t kReadings = 13;
    using Forecast = std::array<Known, kReadings>;

    [[nodiscard]] static bool alive(const Reading& reading);
    [[nodiscard]] static Known peek(const Window& window, bool big_endian, std::int64_t from,
                                    std::uint32_t count);
    [[nodiscard]] static Known value(const Window& window, const Reading& reading,
                                     const Address& address);
    [[nodiscard]] static Known shifted_word(const Window& window, const Reading& reading,
                                            std::uint32_t start);
    [[nodiscard]] Forecast forecast(const Window& window, const Address& address) const;
    [[nodiscard]] Forecast forecast(const Window& window, const BlockRead& shifted) const;
    // Readings that are alive and would answer otherwise than the documented one, as a bit set.
    [[nodiscard]] unsigned told_apart(const Forecast& forecast) const;
    [[nodiscard]] std::vector<Address> words_in(const Window& window) const;
    [[nodiscard]] static std::vector<std::uint32_t> starts_beside(const Window& window);
    [[nodiscard]] bool can_tell(const Window& window, unsigned readings) const;
    bool judge(const Forecast& before, const Forecast& after, std::uint32_t answer);
    [[nodiscard]] std::string explain(const Forecast& forecast, std::uint32_t answer) const;

    IndexUnit configured_;
    std::array<Reading, kReadings> readings_;  // [0]: as documented and configured
    std::string disproof_;
};

}  // namespace hi6gw::hi6
