#pragma once
// Puts the questions of hi6/block_proof.h to the controller and hands it the answers, but those
// between whose two reads a command has written: it may have changed what they are about, and
// another one may have changed it back. Thread: the event loop's.

#include "base/time.h"
#include "hi6/block_proof.h"
#include "hi6/controller_client.h"
#include "poll/paced_client.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hi6gw::poll {

class BlockProver {
  public:
    // All outlive this. `client` is asked, and all that is written goes through `paced`, which is
    // beneath it or the same. `timeout`: of one request.
    BlockProver(hi6::ControllerClient& client, const PacedClient& paced, Time& time,
                std::chrono::milliseconds timeout, hi6::IndexUnit unit, std::uint32_t max_words);

    [[nodiscard]] const hi6::BlockProof& proof() const { return proof_; }
    // A fresh connection: what was known of the controller is void.
    void reset() {
        proof_ = hi6::BlockProof(unit_);
        unit_places_ = start_places_ = 0;
    }

    // Reads the first words of each area and asks whatever their content can settle, until all is
    // settled. False: the connection was lost meanwhile.
    boost::asio::awaitable<bool> prove(std::vector<hi6::Area> areas);

    // Of the latest call that returned false.
    [[nodiscard]] const std::string& lost_why() const { return lost_why_; }

    // Asks whatever this window's content can settle. `content` is replaced by that of the last
    // read, empty when that failed. False: the connection was lost meanwhile.
    boost::asio::awaitable<bool> settle(hi6::BlockRead window, std::vector<std::byte>* content);

    // One address by the block read, for areas without a single read: Reply::raw. Where the answer
    // hangs on an open question, that is put to the controller first and may take longer than
    // `until`; what stays in doubt is Outcome::refused.
    boost::asio::awaitable<hi6::Reply> read_address(hi6::Address address, Steady::time_point until);

  private:
    enum class Read : std::uint8_t { ok, refused, failed, lost };
    boost::asio::awaitable<Read> read(hi6::BlockRead window, std::vector<std::byte>* content);
    boost::asio::awaitable<bool> settle_unit(hi6::BlockRead window,
                                             std::vector<std::byte>* content);
    boost::asio::awaitable<bool> settle_start(hi6::BlockRead window,
                                              std::vector<std::byte>* content);
    [[nodiscard]] Steady::time_point deadline() const { return time_.now() + timeout_; }

    hi6::ControllerClient& client_;
    const PacedClient& paced_;
    Time& time_;
    std::chrono::milliseconds timeout_;
    hi6::IndexUnit unit_;
    std::uint32_t max_words_;
    hi6::BlockProof proof_;
    // How many places of the content have been asked about: the next question is about another one,
    // also in the next sweep, because what moves now moves then.
    unsigned unit_places_ = 0;
    unsigned start_places_ = 0;
    std::string lost_why_;
};

}  // namespace hi6gw::poll
