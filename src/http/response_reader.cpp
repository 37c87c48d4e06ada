#include "http/response_reader.h"

#include <boost/beast/http/error.hpp>

#include <utility>

namespace hi6gw::http {
namespace {

namespace beast = boost::beast;
using BeastError = beast::http::error;

constexpr int kMaxInterim = 8;
constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

ResponseReader::Parser::Parser(ResponseReader& owner) : owner_(owner) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(kMaxHeader));
    body_limit(kMaxBody);
}

void ResponseReader::Parser::on_response_impl(int status, View, int, Code&) {
    owner_.status_ = static_cast<unsigned>(status);
}

void ResponseReader::Parser::on_field_impl(beast::http::field name, View, View value, Code& ec) {
    // A coding we do not undo would hand over a body that is not the body.
    if (name == beast::http::field::transfer_encoding && !beast::iequals(value, "chunked")) {
        ec = BeastError::bad_transfer_encoding;
    }
}

void ResponseReader::Parser::on_body_init_impl(const Length& length, Code&) {
    owner_.body_.reserve(
        static_cast<std::size_t>(length.value_or(0)));  // Beast held it to body_limit
}

std::size_t ResponseReader::Parser::on_body_impl(View bytes, Code& ec) {
    if (owner_.body_.size() + bytes.size() > kMaxBody) {
        ec = BeastError::body_limit;
        return 0;
    }
    owner_.body_.append(bytes.data(), bytes.size());
    return bytes.size();
}

std::size_t ResponseReader::Parser::on_chunk_body_impl(std::uint64_t, View bytes, Code& ec) {
    return on_body_impl(bytes, ec);
}

Phase ResponseReader::phase() const {
    if (parser_->is_header_done()) {
        return Phase::body;
    }
    return begun_ ? Phase::header : Phase::first_byte;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
    if (state_ != State::need_more || bytes.empty()) {
        return state_;
    }
    begun_ = true;
    std::string joined;  // keeps `bytes` alive when there was a remainder
    if (!pending_.empty()) {
        joined = std::exchange(pending_, {});
        joined.append(bytes);
        bytes = joined;
    }
    bytes.remove_prefix(parse(bytes));
    if (state_ == State::need_more && !bytes.empty()) {
        if (bytes.size() > kMaxHeader) {  // e.g. an endless chunk extension or trailer
            return fail(ErrorKind::too_large, "header or chunk header over 16 KiB");
        }
        pending_.assign(bytes);
    }
    return state_;
}

// Parses until the bytes or the response end; returns how many were used.
std::size_t ResponseReader::parse(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size()) {
        const std::string_view rest = bytes.substr(used);
        // Beast 1.81 asserts five bytes when it looks at the last chunk a second time. What is left
        // of a chunked answer is never less, so less can wait.
        if (parser_->is_header_done() && parser_->chunked() && rest.size() < kLastChunk.size()) {
            return used;
        }
        const bool in_header = !parser_->is_header_done();
        beast::error_code ec;
        const std::size_t n = parser_->put(boost::asio::buffer(rest), ec);
        used += n;
        if (in_header) {
            header_bytes_ += n;
        }
        if (ec && ec != BeastError::need_more) {
            fail(ec);
            return used;
        }
        if (!parser_->is_header_done() && header_bytes_ > kMaxHeader) {
            fail(ErrorKind::too_large, "header over 16 KiB");
            return used;
        }
        if (parser_->is_done()) {
            finish(bytes.size() - used);
            if (state_ != State::need_more) {
                return used;
            }
        } else if (ec == BeastError::need_more) {
            return used;
        }
    }
    return used;
}

void ResponseReader::finish(std::size_t surplus) {
    if (status_ / 100 == 1) {
        if (status_ == 101) {
            fail(ErrorKind::malformed, "switches protocols unasked");
        } else if (++interim_ > kMaxInterim) {
            fail(ErrorKind::malformed, "too many interim responses");
        } else {
            parser_.emplace(*this);
        }
    } else if (surplus > 0) {
        fail(ErrorKind::malformed, std::to_string(surplus) + " unasked bytes after the response");
    } else {
        peer_closes_ = !parser_->keep_alive();
        state_ = State::complete;
    }
}

ResponseReader::State ResponseReader::end_of_stream() {
    if (state_ != State::need_more) {
        return state_;
    }
    if (!parser_->is_header_done() || !parser_->need_eof()) {
        return fail(ErrorKind::closed, "closed by the peer");
    }
    beast::error_code ec;
    parser_->put_eof(ec);
    if (ec) {
        return fail(ec);
    }
    finish(0);
    return state_;
}

ResponseReader::State ResponseReader::fail(ErrorKind kind, std::string detail) {
    error_ = kind;
    detail_ = std::move(detail);
    return state_ = State::failed;
}

ResponseReader::State ResponseReader::fail(beast::error_code code) {
    const bool large = code == BeastError::body_limit || code == BeastError::header_limit ||
                       code == BeastError::buffer_overflow;
    return fail(large ? ErrorKind::too_large : ErrorKind::malformed, code.message());
}

}  // namespace hi6gw::http
