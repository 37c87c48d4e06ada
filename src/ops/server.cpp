#include "ops/server.h"

#include "base/task_group.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <optional>
#include <utility>

namespace hi6gw::ops {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bh = boost::beast::http;
using asio::ip::tcp;
using Parser = bh::request_parser<bh::empty_body>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxHeader = 8 * 1024;
constexpr std::size_t kMaxBuffer = 16 * 1024;
constexpr auto kAcceptPause = std::chrono::milliseconds(200);

using Answer = bh::response<bh::string_body>;

Answer answer(bh::status status, const char* type, std::string body) {
    Answer result(status, 11);
    result.set(bh::field::content_type, type);
    result.set(bh::field::cache_control, "no-store");
    result.body() = std::move(body);
    result.prepare_payload();
    return result;
}

Answer plain(bh::status status) {
    return answer(status, "text/plain; charset=utf-8",
                  std::string(bh::obsolete_reason(status)) + "\n");
}

Answer refusal(const beast::error_code& ec) {
    Answer result = plain(ec == bh::error::header_limit || ec == bh::error::buffer_overflow
                              ? bh::status::request_header_fields_too_large
                              : bh::status::bad_request);
    result.keep_alive(false);
    return result;
}

}  // namespace

struct Server::Impl {
    Impl(const asio::any_io_executor& executor, const std::string& host, std::uint16_t port,
         Pages what, Limits bounds)
        : acceptor(executor, tcp::endpoint(asio::ip::make_address(host), port)),
          pages(std::move(what)),
          limits(bounds) {}

    asio::awaitable<void> accept(TaskGroup& sessions);
    asio::awaitable<void> session(tcp::socket socket);
    asio::awaitable<void> talk(beast::tcp_stream& stream);
    asio::awaitable<bool> read(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                               Parser& parser, beast::error_code& error);
    Answer page(bh::verb method, beast::string_view target) const;

    tcp::acceptor acceptor;
    Pages pages;
    Limits limits;
    std::size_t open = 0;
};

asio::awaitable<void> Server::Impl::accept(TaskGroup& sessions) {
    asio::steady_timer pause(acceptor.get_executor());
    for (;;) {
        auto [ec, socket] = co_await acceptor.async_accept(kTuple);
        if (ec) {  // no file descriptors left, say: neither give up nor spin
            pause.expires_after(kAcceptPause);
            co_await pause.async_wait(asio::use_awaitable);
        } else if (open < limits.connections) {
            ++open;
            sessions.spawn(session(std::move(socket)));
        }  // else: closed here
    }
}

asio::awaitable<void> Server::Impl::session(tcp::socket socket) {
    beast::tcp_stream stream(std::move(socket));
    try {
        co_await talk(stream);
    } catch (const std::exception&) {
        // Cancelled, or a page could not be made: this client's connection ends, nothing else does.
        beast::error_code ignored;
        stream.socket().close(ignored);
    }
    --open;
}

// Reads one request. False: the connection is over; `error` then says whether an answer is due.
asio::awaitable<bool> Server::Impl::read(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                         Parser& parser, beast::error_code& error) {
    if (buffer.size() == 0) {
        stream.expires_after(limits.idle);
        const auto [ec, n] = co_await stream.async_read_some(buffer.prepare(2048), kTuple);
        buffer.commit(n);
        if (ec) {
            co_return false;
        }
    }
    stream.expires_after(limits.exchange);
    const auto [ec, n] = co_await bh::async_read(stream, buffer, parser, kTuple);
    if (ec && ec != beast::error::timeout && ec != bh::error::end_of_stream) {
        error = ec;
    }
    co_return !ec;
}

asio::awaitable<void> Server::Impl::talk(beast::tcp_stream& stream) {
    beast::flat_buffer buffer(kMaxBuffer);
    for (;;) {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(kMaxHeader));
        beast::error_code error;
        const bool got = co_await read(stream, buffer, parser, error);
        if (!got && !error) {
            co_return;
        }
        Answer response = got ? page(parser.get().method(), parser.get().target()) : refusal(error);
        const bool head = got && parser.get().method() == bh::verb::head;
        response.keep_alive(got && parser.get().keep_alive());
        response.version(got ? parser.get().version() : 11);
        bh::response_serializer<bh::string_body> serializer(response);
        serializer.split(head);
        stream.expires_after(limits.exchange);
        // Of a HEAD's answer only the header goes out, its Content-Length included.
        const auto [ec, n] = head ? co_await bh::async_write_header(stream, serializer, kTuple)
                                  : co_await bh::async_write(stream, serializer, kTuple);
        if (ec || !response.keep_alive()) {
            stream.socket().shutdown(tcp::socket::shutdown_send, error);
            co_return;
        }
    }
}

Answer Server::Impl::page(bh::verb method, beast::string_view target) const {
    target = target.substr(0, target.find('?'));
    const bool known = target == "/metrics" || target == "/healthz" || target == "/readyz";
    if (!known) {
        return plain(bh::status::not_found);
    }
    if (method != bh::verb::get && method != bh::verb::head) {
        Answer result = plain(bh::status::method_not_allowed);
        result.set(bh::field::allow, "GET, HEAD");
        return result;
    }
    if (target == "/metrics") {
        return answer(bh::status::ok, "text/plain; version=0.0.4; charset=utf-8", pages.metrics());
    }
    if (target == "/healthz") {
        return plain(bh::status::ok);
    }
    Readiness readiness = pages.readiness();
    return answer(readiness.ready ? bh::status::ok : bh::status::service_unavailable,
                  "application/json", std::move(readiness.json));
}

Server::Server(const asio::any_io_executor& executor, const std::string& host, std::uint16_t port,
               Pages pages, Limits limits)
    : impl_(std::make_unique<Impl>(executor, host, port, std::move(pages), limits)) {}

Server::~Server() = default;

std::uint16_t Server::port() const {
    return impl_->acceptor.local_endpoint().port();
}

asio::awaitable<void> Server::run() {
    TaskGroup tasks(impl_->acceptor.get_executor());
    tasks.spawn(impl_->accept(tasks));
    co_await tasks.join();
}

}  // namespace hi6gw::ops
