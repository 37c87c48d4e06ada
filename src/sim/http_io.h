#pragma once
// HTTP/1.1 of the simulator: requests read by Beast's parser with tight limits, replies rendered by
// hand, because some of them are wrong on purpose.

#include "sim/api.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace hi6gw::sim {

struct HttpRequest {
    std::string method;
    std::string target;
    std::string body;
    bool keep_alive = true;  // false: HTTP/1.0, or Connection: close
};

enum class ReadOutcome : std::uint8_t { request, closed, malformed };

// Requests of one connection. Header at most 8 KiB, body at most `body_limit`.
class HttpReader {
  public:
    HttpReader(boost::asio::ip::tcp::socket& socket, std::uint64_t body_limit);

    // Reads the next request into `request`. Never throws for what a client does.
    boost::asio::awaitable<ReadOutcome> next(HttpRequest& request);
    // Bytes of a further request are already there.
    [[nodiscard]] bool has_more() const;
    // Swallows what comes until the connection is gone.
    boost::asio::awaitable<void> drain();

  private:
    boost::asio::ip::tcp::socket& socket_;
    boost::beast::flat_buffer buffer_;
    std::uint64_t body_limit_;
};

struct Framing {
    bool http10 = false;
    bool chunked = false;
    bool close = false;
    bool head = false;  // reply to HEAD: no body
    std::string_view content_type = "application/json; charset=utf-8";
};

// A rendered reply; the header is its first `header_bytes`.
struct Wire {
    std::string bytes;
    std::size_t header_bytes = 0;
};
void render(const Reply& reply, const Framing& framing, Wire& out);

}  // namespace hi6gw::sim
