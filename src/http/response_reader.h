#pragma once
// Reads one HTTP/1.x response from bytes as they come (RFC 9112), without I/O. Beast's parser does
// the grammar; on top: bounds, interim (1xx) responses skipped, only `chunked` as transfer coding,
// and no byte beyond the response. An answer that ends at EOF (no length given) is accepted,
// because small embedded servers send those. Any bytes are fine as input.

#include "http/connection.h"

#include <boost/beast/http/basic_parser.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace hi6gw::http {

class ResponseReader {
  public:
    enum class State : std::uint8_t { need_more, complete, failed };

    ResponseReader() { parser_.emplace(*this); }
    ResponseReader(const ResponseReader&) = delete;
    ResponseReader& operator=(const ResponseReader&) = delete;

    State feed(std::string_view bytes);
    State
    end_of_stream();  // the peer sent a FIN: completes an answer without a length, else `closed`

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] Phase phase() const;  // first_byte, header or body: what is awaited

    // Of a complete response.
    [[nodiscard]] unsigned status() const { return status_; }
    [[nodiscard]] bool peer_closes() const { return peer_closes_; }
    [[nodiscard]] std::string take_body() { return std::move(body_); }

    // Of a failed one: malformed, too_large or closed.
    [[nodiscard]] ErrorKind error() const { return error_; }
    [[nodiscard]] const std::string& detail() const { return detail_; }

  private:
    // Beast's grammar with our storage: fields are checked as they pass and not kept.
    class Parser final : public boost::beast::http::basic_parser<false> {
      public:
        explicit Parser(ResponseReader& owner);

      private:
        using Code = boost::beast::error_code;
        using View = boost::beast::string_view;
        using Length = boost::optional<std::uint64_t>;
        void on_request_impl(boost::beast::http::verb, View, View, int, Code&) override {}
        void on_response_impl(int status, View, int, Code&) override;
        void on_field_impl(boost::beast::http::field name, View, View value, Code&) override;
        void on_header_impl(Code&) override {}
        void on_body_init_impl(const Length& length, Code&) override;
        std::size_t on_body_impl(View bytes, Code&) override;
        void on_chunk_header_impl(std::uint64_t, View, Code&) override {}
        std::size_t on_chunk_body_impl(std::uint64_t, View bytes, Code&) override;
        void on_finish_impl(Code&) override {}

        ResponseReader& owner_;
    };

    std::size_t parse(std::string_view bytes);
    void finish(std::size_t surplus);
    State fail(ErrorKind kind, std::string detail);
    State fail(boost::beast::error_code code);

    std::optional<Parser> parser_;
    std::string pending_;  // bytes the parser wants to see again together with the next ones
    std::string body_;
    std::string detail_;
    std::size_t header_bytes_ = 0;  // of this response and the interim ones before it
    unsigned status_ = 0;
    int interim_ = 0;
    bool begun_ = false;
    bool peer_closes_ = false;
    State state_ = State::need_more;
    ErrorKind error_ = ErrorKind::none;
};

}  // namespace hi6gw::http
