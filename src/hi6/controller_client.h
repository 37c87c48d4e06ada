#pragma once
// One controller as the poll loop and the command supervisor see it. Implementations: HTTP Open API
// (hi6/http_client.h), a fake in component tests, later Open Stream. At most one call is under way
// at a time; the caller (poll/lane) sees to that. No call outlives its deadline. Thread: the event
// loop's.

#include "hi6/address.h"
#include "hi6/open_api.h"
#include "hi6/outcome.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace hi6gw::hi6 {

struct Reply {
    Outcome outcome = Outcome::lost;
    unsigned status = 0;    // HTTP status, 0 without an answer
    std::string detail;     // words for the log; empty when ok
    std::size_t words = 0;  // read_block: words that were filled (may be fewer than asked)
    std::uint32_t raw = 0;  // read_single
    std::string body;       // get: the body
    std::chrono::steady_clock::time_point sent;      // first byte handed to the kernel
    std::chrono::steady_clock::time_point answered;  // last byte of the answer
};

struct LinkFault {
    enum class Kind : std::uint8_t {
        resolve,
        refused,
        unreachable,
        timeout,
        stranger,  // connected, but it is not the device that is meant (fault C27)
        other,
    };
    Kind kind = Kind::other;
    std::string detail;  // empty: connected
    [[nodiscard]] bool ok() const { return detail.empty(); }
};

class ControllerClient {
  public:
    using Deadline = std::chrono::steady_clock::time_point;

    ControllerClient() = default;
    ControllerClient(const ControllerClient&) = delete;
    ControllerClient& operator=(const ControllerClient&) = delete;
    virtual ~ControllerClient() = default;

    // Opens the one connection (closing what may be left of an older one). Rate limiting is the
    // caller's.
    virtual boost::asio::awaitable<LinkFault> connect(Deadline deadline) = 0;
    // True while the connection can carry the next request; false after any timeout, protocol
    // error, or the peer's FIN.
    [[nodiscard]] virtual bool connected() = 0;
    virtual void close() = 0;
    // The peer announced with its last answer that it closes the connection after each (fault C9).
    [[nodiscard]] virtual bool keep_alive_refused() const = 0;

    // `out`: 4 * read.words bytes, filled up to Reply::words.
    virtual boost::asio::awaitable<Reply> read_block(BlockRead read, std::span<std::byte> out,
                                                     Deadline deadline) = 0;
    virtual boost::asio::awaitable<Reply> read_single(Address address, Deadline deadline) = 0;
    // Sets an output or relay to absolute raw bits, by do_val or set_relay_value as the area
    // demands.
    virtual boost::asio::awaitable<Reply> write(Address address, std::uint32_t raw,
                                                Deadline deadline) = 0;
    // A GET of any documented path, for identification (api_ver, sysver).
    virtual boost::asio::awaitable<Reply> get(std::string target, Deadline deadline) = 0;
};

}  // namespace hi6gw::hi6
