#pragma once
// One persistent HTTP/1.1 client connection with at most one request in flight: connect, exchange,
// close. RFC 9112. TCP_NODELAY, TCP_QUICKACK after each part of an unfinished answer (a peer that
// writes header and body separately costs 40 ms otherwise), TCP_USER_TIMEOUT. Strict framing:
// anything odd closes the connection, because the next answer could belong to the wrong request.
// Thread: the event loop's.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hi6gw::http {

inline constexpr std::size_t kMaxBody = 256 * 1024;  // bytes; a larger answer closes the connection
inline constexpr std::size_t kMaxHeader = 16 * 1024;  // bytes

struct Endpoint {
    std::string host;  // name, IPv4, or IPv6 without brackets
    std::uint16_t port = 80;
};

enum class Phase : std::uint8_t { resolve, connect, write, first_byte, header, body };
[[nodiscard]] const char* to_string(Phase phase);

enum class ErrorKind : std::uint8_t {
    none,
    timeout,      // the deadline passed
    unresolved,   // no such host
    refused,      // RST to the SYN
    unreachable,  // no route, network down
    closed,       // FIN or RST by the peer
    malformed,    // not HTTP/1.x, conflicting lengths, unasked bytes
    too_large,    // over kMaxBody or kMaxHeader
    cancelled,
    other,
};
[[nodiscard]] const char* to_string(ErrorKind kind);

// After any error the connection is closed.
struct Error {
    ErrorKind kind = ErrorKind::none;
    Phase phase = Phase::resolve;
    bool request_started =
        false;           // a byte of the request may have reached the peer: outcome unknown
    std::string detail;  // "timeout waiting for the first byte", ...

    [[nodiscard]] bool ok() const { return kind == ErrorKind::none; }
};

struct Response {
    Error error;  // not ok(): the rest is empty
    unsigned status = 0;
    std::string body;
    bool peer_closes = false;  // HTTP/1.0 or Connection: close: closed after this answer
    std::chrono::steady_clock::time_point sent;      // first byte handed to the kernel
    std::chrono::steady_clock::time_point answered;  // last byte read
};

// Cancelling the awaiting coroutine closes the connection and yields ErrorKind::cancelled (Asio
// then throws operation_aborted at the caller's next co_await); so does close() while a call is
// under way. A second call while one is under way throws std::logic_error. Destroying the
// Connection is always safe; a call under way then ends as cancelled.
class Connection {
  public:
    using Deadline = std::chrono::steady_clock::time_point;

    Connection(const boost::asio::any_io_executor& executor, Endpoint endpoint);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    // Closes what is open, resolves (numeric hosts without the resolver; when the resolver fails or
    // is slow, the last good address is tried) and connects; several addresses share the time.
    boost::asio::awaitable<Error> connect(Deadline deadline);

    // False once the peer has sent a FIN or unasked bytes (looked up with MSG_PEEK before each
    // answer), or after close().
    [[nodiscard]] bool usable();
    void close();

    // Sends a rendered request (see render_get, render_post) and reads one response.
    boost::asio::awaitable<Response> exchange(std::string request, Deadline deadline);

    [[nodiscard]] const Endpoint& endpoint() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the call under way
};

// Requests as text: Host, Accept, Connection: keep-alive. `target` begins with "/" and holds
// neither blanks nor control characters, else std::invalid_argument.
[[nodiscard]] std::string render_get(const Endpoint& endpoint, std::string_view target);
[[nodiscard]] std::string render_post(const Endpoint& endpoint, std::string_view target,
                                      std::string_view json_body);

}  // namespace hi6gw::http
