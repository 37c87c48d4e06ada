#pragma once
// Proof that this controller's block API means what we take it to mean. Pure: it looks at data and
// says which request would tell the readings of the documentation apart, and judges the answer;
// poll/lane does the I/O.
//
// Two questions are open on every fresh connection (reference, "Memory" and "Reading"):
//  - unit: does the index of w, l and f count bytes or elements? Told apart by a single read of a
//  word whose bytes at
//    the two candidate offsets of a block's content differ. (It also proves byte order and that
//    both APIs see the same memory: an answer that fits neither candidate disproves the block API.)
//  - start: does `st` count bytes, bits or words? Told apart by reading the same area one byte
//  further on and comparing
//    the overlap: it is shifted by 8, 1 or 32 bits.
// Data may change between two reads: an answer only counts when the bytes it was judged by were the
// same in a read before and a read after it.

#include "hi6/address.h"
#include "hi6/open_api.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

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
        Address word;  // single-read this word...
        std::uint32_t configured =
            0;  // ...and expect the word at this byte of the area by the configured unit,
        std::uint32_t other = 0;  // or the one at this byte by the other
    };
    struct StartQuestion {
        BlockRead shifted;  // one word, one byte beside the window that it is compared with
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
    // A word to compare on connect when no question can be asked yet: both readings agree on what
    // it must be.
    [[nodiscard]] std::optional<UnitQuestion> plain_check(const Window& window) const;

    // The answer, judged against the window as it was before and after. False: the bytes concerned
    // changed meanwhile and nothing was learned.
    bool answer(const UnitQuestion& question, std::uint32_t raw, const Window& before,
                const Window& after);
    bool answer(const StartQuestion& question, std::span<const std::byte> word,
                const Window& before, const Window& after);
    // The block API is not there, or refuses what it must serve.
    void refuse(std::string why);

    // Whether the meaning of this window's content for `address` hangs on an open question *and*
    // the content could settle it: then it must be asked before the value is published.
    [[nodiscard]] bool must_ask(const Window& window, const Address& address) const;

  private:
    IndexUnit configured_;
    bool unit_settled_ = false;
    bool start_settled_ = false;
    std::string disproof_;
};

}  // namespace hi6gw::hi6
