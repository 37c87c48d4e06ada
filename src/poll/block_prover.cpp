#include "poll/block_prover.h"

#include "hi6/codec.h"
#include "hi6/read_plan.h"

#include <algorithm>
#include <array>
#include <span>

namespace hi6gw::poll {
namespace {

namespace asio = boost::asio;
using hi6::BlockProof;
using hi6::Outcome;

// Live data may change under a question; a few tries at different places of the content find
// something that holds still.
constexpr unsigned kAttempts = 3;
// Of read_address(): one round settles what one place of the content can tell.
constexpr unsigned kQuestionRounds = 4;

BlockProof::Window window_of(const hi6::BlockRead& read, const std::vector<std::byte>& content) {
    return {read, content};
}

}  // namespace

BlockProver::BlockProver(hi6::ControllerClient& client, const PacedClient& paced, Time& time,
                         std::chrono::milliseconds timeout, hi6::IndexUnit unit,
                         std::uint32_t max_words)
    : client_(client),
      paced_(paced),
      time_(time),
      timeout_(timeout),
      unit_(unit),
      max_words_(max_words),
      proof_(unit) {}

asio::awaitable<bool> BlockProver::prove(std::vector<hi6::Area> areas) {
    std::string refusal;
    bool served = false;
    for (const hi6::Area& area : areas) {
        hi6::BlockRead window{area, 0, std::min(max_words_, hi6::area_bytes(area) / 4)};
        std::vector<std::byte> content;
        const Read got = co_await read(window, &content);
        if (got == Read::lost) {
            co_return false;
        }
        if (got == Read::refused) {
            refusal = to_string(area);
            continue;
        }
        served = true;
        if (got == Read::ok) {
            const bool kept = co_await settle(window, &content);
            if (!kept) {
                co_return false;
            }
        }
        if (proof_.state() != BlockProof::State::pending) {
            co_return true;
        }
    }
    if (!served && !areas.empty()) {
        proof_.refuse("the controller has no block read (tried " + refusal + ")");
    }
    co_return true;
}

asio::awaitable<bool> BlockProver::settle(hi6::BlockRead window, std::vector<std::byte>* content) {
    const bool kept = co_await settle_unit(window, content);
    if (!kept) {
        co_return false;
    }
    const bool settled = co_await settle_start(window, content);
    co_return settled;
}

asio::awaitable<hi6::Reply> BlockProver::read_address(hi6::Address address,
                                                      Steady::time_point until) {
    const std::uint32_t first = hi6::bit_range(address, unit_).first / 8;
    const std::uint32_t bytes = hi6::width_bytes(address.width);
    const std::array<hi6::Extent, 1> need{{{address.area, first, bytes}}};
    const hi6::BlockRead window = hi6::cover(need, max_words_).front();
    std::vector<std::byte> content(std::size_t{window.words} * 4);
    hi6::Reply reply = co_await client_.read_block(window, content, until);
    if (reply.outcome != Outcome::ok) {
        co_return reply;
    }
    content.resize(std::min(content.size(), reply.words * 4));
    for (unsigned round = 0; round < kQuestionRounds; ++round) {
        if (!proof_.must_ask(window_of(window, content), address) || time_.now() >= until) {
            break;
        }
        const bool kept = co_await settle(window, &content);
        if (!kept) {
            reply.outcome = Outcome::lost;
            reply.detail = lost_why_;
            co_return reply;
        }
    }
    const std::uint32_t from = first - window.start;
    if (proof_.state() == BlockProof::State::disproven ||
        proof_.must_ask(window_of(window, content), address)) {
        reply.outcome = Outcome::refused;
        reply.detail = to_string(address) + ": the block read is not proven";
    } else if (from + bytes > content.size()) {
        reply.outcome = Outcome::bad_data;
        reply.detail = to_string(address) + ": the answer ends before it";
    } else {
        const auto own = std::span<const std::byte>(content).subspan(from, bytes);
        reply.raw = hi6::extract(own, address.width, hi6::bit_in_byte(address));
        reply.answered = time_.now();
    }
    co_return reply;
}

asio::awaitable<BlockProver::Read> BlockProver::read(hi6::BlockRead window,
                                                     std::vector<std::byte>* content) {
    hi6::Reply reply;
    for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
        content->assign(std::size_t{window.words} * 4, std::byte{0});
        reply = co_await client_.read_block(window, *content, deadline());
        if (reply.outcome != Outcome::bad_data) {
            break;
        }
    }
    if (reply.outcome == Outcome::ok) {
        content->resize(std::min(content->size(), reply.words * 4));
        co_return Read::ok;
    }
    content->clear();  // not zeros that somebody might take for an answer
    if (link_gone(reply.outcome)) {
        lost_why_ = reply.detail;
        co_return Read::lost;
    }
    if (reply.outcome == Outcome::bad_data) {  // again and again
        proof_.refuse("block read: " + reply.detail);
    }
    co_return reply.outcome == Outcome::refused ? Read::refused : Read::failed;
}

asio::awaitable<bool> BlockProver::settle_unit(hi6::BlockRead window,
                                               std::vector<std::byte>* content) {
    if (!hi6::has_single_read(window.area)) {
        co_return true;
    }
    for (unsigned attempt = 0; attempt < kAttempts && !proof_.unit_settled(); ++attempt) {
        auto question = proof_.ask_unit(window_of(window, *content), unit_places_++);
        if (!question) {
            question = proof_.plain_check(window_of(window, *content));
        }
        if (!question || proof_.state() == BlockProof::State::disproven) {
            co_return true;
        }
        const std::uint64_t writes = paced_.writes();
        const hi6::Reply answer = co_await client_.read_single(question->word, deadline());
        if (link_gone(answer.outcome)) {
            lost_why_ = answer.detail;
            co_return false;
        }
        const std::vector<std::byte> before = *content;
        const Read again = co_await read(window, content);
        if (again != Read::ok || answer.outcome != Outcome::ok) {
            co_return again != Read::lost;
        }
        const bool untouched = paced_.writes() == writes;
        if (untouched && proof_.answer(*question, answer.raw, window_of(window, before),
                                       window_of(window, *content))) {
            co_return true;
        }
    }
    co_return true;
}

asio::awaitable<bool> BlockProver::settle_start(hi6::BlockRead window,
                                                std::vector<std::byte>* content) {
    // The byte order is settled with the unit where there are single reads, else here.
    const bool order_too = !hi6::has_single_read(window.area);
    for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
        const bool open =
            order_too ? proof_.state() == BlockProof::State::pending : !proof_.start_settled();
        if (!open) {
            co_return true;
        }
        const auto question = proof_.ask_start(window_of(window, *content), start_places_++);
        if (!question || proof_.state() == BlockProof::State::disproven) {
            co_return true;
        }
        const std::uint64_t writes = paced_.writes();
        std::vector<std::byte> word;
        const Read shifted = co_await read(question->shifted, &word);
        if (shifted != Read::ok) {
            co_return shifted != Read::lost;
        }
        const std::vector<std::byte> before = *content;
        const Read again = co_await read(window, content);
        if (again != Read::ok) {
            co_return again != Read::lost;
        }
        const bool untouched = paced_.writes() == writes;
        if (untouched && proof_.answer(*question, word, window_of(window, before),
                                       window_of(window, *content))) {
            co_return true;
        }
    }
    co_return true;
}

}  // namespace hi6gw::poll
