#include "support/http_request.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <exception>

namespace hi6gw::test {

namespace http = boost::beast::http;
namespace asio = boost::asio;

HttpReply http_request(std::uint16_t port, const std::string& method, const std::string& target,
                       const std::string& body) {
    try {
        asio::io_context loop;
        asio::ip::tcp::socket socket(loop);
        const timeval patience{.tv_sec = 20, .tv_usec = 0};  // for one that never accepts
        socket.open(asio::ip::tcp::v4());
        ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        socket.connect({asio::ip::make_address("127.0.0.1"), port});
        http::request<http::string_body> request;
        request.method_string(method);
        request.target(target);
        request.set(http::field::host, "127.0.0.1");
        request.set(http::field::content_type, "application/json");
        request.set(http::field::connection, "close");
        request.body() = body;
        request.prepare_payload();
        http::write(socket, request);
        boost::beast::flat_buffer buffer;
        http::response_parser<http::string_body> parser;
        parser.body_limit(256 * 1024 * 1024);
        http::read(socket, buffer, parser);
        return {parser.get().result_int(), parser.get().body()};
    } catch (const std::exception&) {
        return {};
    }
}

}  // namespace hi6gw::test
