#include "sim/http_io.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace hi6gw::sim {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kHeaderBytes = 8 * 1024;
// More than the longest header, so that there is always room for what the parser still wants.
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;

void append_chunked(std::string& out, std::string_view body) {
    constexpr std::size_t kChunk = 16;  // small, so that even short replies have several
    while (!body.empty()) {
        const auto chunk = body.substr(0, kChunk);
        fmt::format_to(std::back_inserter(out), "{:x}\r\n{}\r\n", chunk.size(), chunk);
        body.remove_prefix(chunk.size());
    }
    out += "0\r\n\r\n";
}

}  // namespace

HttpReader::HttpReader(asio::ip::tcp::socket& socket, std::uint64_t body_limit)
    : socket_(socket), buffer_(kBufferBytes), body_limit_(body_limit) {}

// Feeds the parser directly instead of http::async_read: this loop is the simulator's speed.
asio::awaitable<ReadOutcome> HttpReader::next(HttpRequest& request) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kHeaderBytes);
    parser.body_limit(body_limit_);
    parser.eager(true);
    while (!parser.is_done()) {
        boost::system::error_code bad;
        if (buffer_.size() > 0) {
            buffer_.consume(parser.put(buffer_.data(), bad));
            if (bad && bad != http::error::need_more) {
                co_return ReadOutcome::malformed;
            }
            if (parser.is_done()) {
                break;
            }
        }
        const auto room =
            buffer_.prepare(std::min(kReadBytes, buffer_.max_size() - buffer_.size()));
        const auto [error, bytes] = co_await socket_.async_read_some(room, tuple_awaitable);
        if (error) {
            co_return ReadOutcome::closed;
        }
        buffer_.commit(bytes);
    }
    auto& message = parser.get();
    request.method.assign(message.method_string().data(), message.method_string().size());
    request.target.assign(message.target().data(), message.target().size());
    request.body = std::move(message.body());
    request.keep_alive = message.keep_alive();
    co_return ReadOutcome::request;
}

bool HttpReader::has_more() const {
    boost::system::error_code ignored;  // a dead socket has nothing more
    return buffer_.size() > 0 || socket_.available(ignored) > 0;
}

asio::awaitable<void> HttpReader::drain() {
    std::array<char, 1024> sink{};
    for (;;) {
        const auto [error, bytes] =
            co_await socket_.async_read_some(asio::buffer(sink), tuple_awaitable);
        if (error) {
            co_return;
        }
    }
}

void render(const Reply& reply, const Framing& framing, Wire& out) {
    const auto reason = http::obsolete_reason(http::int_to_status(reply.status));
    out.bytes.clear();
    auto to = std::back_inserter(out.bytes);
    fmt::format_to(to, "HTTP/1.{} {} {}\r\nContent-Type: {}\r\n", framing.http10 ? 0 : 1,
                   reply.status, std::string_view(reason.data(), reason.size()),
                   framing.content_type);
    if (!reply.allow.empty()) {
        fmt::format_to(to, "Allow: {}\r\n", reply.allow);
    }
    if (framing.close) {
        out.bytes += "Connection: close\r\n";
    }
    const bool chunked = framing.chunked && !framing.http10;
    if (chunked) {
        out.bytes += "Transfer-Encoding: chunked\r\n\r\n";
    } else {
        fmt::format_to(to, "Content-Length: {}\r\n\r\n", reply.body.size());
    }
    out.header_bytes = out.bytes.size();
    if (framing.head) {
        return;
    }
    if (chunked) {
        append_chunked(out.bytes, reply.body);
    } else {
        out.bytes += reply.body;
    }
}

}  // namespace hi6gw::sim
