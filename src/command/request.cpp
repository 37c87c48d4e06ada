#include "command/request.h"

#include "mqtt/topics.h"

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace hi6gw::command {
namespace {

using std::chrono::milliseconds;
namespace json = boost::json;

constexpr std::string_view kSpace = " \t\r\n";  // JSON's

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
bool is_json_number(std::string_view text) {
    const auto digits = [&text] {
        const auto count = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(count);
        return count;
    };
    const auto skip = [&text](std::string_view any_of) {
        const bool found = !text.empty() && any_of.find(text.front()) != std::string_view::npos;
        text.remove_prefix(found ? 1 : 0);
        return found;
    };
    skip("-");
    const bool zero = !text.empty() && text.front() == '0';
    const auto whole = digits();
    if (whole == 0 || (zero && whole > 1) || (skip(".") && digits() == 0)) {
        return false;
    }
    if (skip("eE")) {
        skip("+-");
        if (digits() == 0) {
            return false;
        }
    }
    return text.empty();
}

enum Key : unsigned { value_key, id_key, ttl_key, pulse_key, expect_key, no_key };
constexpr std::array<std::string_view, 5> kKeys{"value", "id", "ttl", "pulse", "expect"};

// Called by Boost.JSON's parser, which checks the grammar; this checks what the object may hold.
// Returning false ends the parse; `wrong` says why. Numbers are converted from their text, because
// the parser's own conversion of doubles is not correctly rounded in Boost 1.81.
class Handler {
  public:
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    explicit Handler(std::string* id) : id_(id) {}

    Request request;
    std::string wrong;
    bool has_value = false;

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code& ec) {
        inside_ = true;
        return key_ == no_key || fail("an object is not a value", ec);
    }
    bool on_object_end(std::size_t, json::error_code&) { return true; }
    bool on_array_begin(json::error_code& ec) { return fail("an array is not a value", ec); }
    bool on_array_end(std::size_t, json::error_code&) { return true; }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
        text_.append(part.data(), part.size());
        key_ = no_key;
        for (unsigned i = 0; i < kKeys.size(); ++i) {
            if (text_ == kKeys.at(i)) {
                key_ = static_cast<Key>(i);
            }
        }
        text_.clear();
        if (key_ == no_key) {
            return fail("unknown key; known are value, id, ttl, pulse, expect", ec);
        }
        const unsigned bit = 1U << key_;
        const bool twice = (seen_ & bit) != 0;
        seen_ |= bit;
        return !twice || fail("the same key twice", ec);
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
        text_.append(part.data(), part.size());
        return key_ == id_key ? take_id(ec) : scalar(std::exchange(text_, {}), ec);
    }
    bool on_number_part(json::string_view part, json::error_code&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_int64(std::int64_t, json::string_view part, json::error_code& ec) {
        return number(part, ec);
    }
    bool on_uint64(std::uint64_t, json::string_view part, json::error_code& ec) {
        return number(part, ec);
    }
    bool on_double(double, json::string_view part, json::error_code& ec) {
        return number(part, ec);
    }
    bool on_bool(bool value, json::error_code& ec) { return scalar(value, ec); }
    bool on_null(json::error_code& ec) { return fail("null is not a value", ec); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

  private:
    bool fail(const char* why, json::error_code& ec) {
        wrong = why;
        ec = json::error::exception;
        return false;
    }
    bool take_id(json::error_code& ec) {
        if (text_.empty() || text_.size() > kLongestId || mqtt::has_control_character(text_)) {
            return fail("id: 1 to 128 bytes without control characters", ec);
        }
        request.id = std::exchange(text_, {});
        if (id_ != nullptr) {
            *id_ = request.id;
        }
        return true;
    }
    bool number(json::string_view part, json::error_code& ec) {
        text_.append(part.data(), part.size());
        const auto parsed = parse_number(std::exchange(text_, {}));
        if (!parsed) {
            return fail("a number too large", ec);
        }
        if (key_ == ttl_key || key_ == pulse_key) {
            return take_time(*parsed, ec);
        }
        return std::visit([&](auto plain) { return scalar(plain, ec); }, *parsed);
    }
    bool take_time(const std::variant<std::int64_t, double>& parsed, json::error_code& ec) {
        const auto* ms = std::get_if<std::int64_t>(&parsed);
        const milliseconds limit = key_ == ttl_key ? kLongestTtl : kLongestPulse;
        if (ms == nullptr || *ms < 1 || *ms > limit.count()) {
            return fail(key_ == ttl_key ? "ttl: whole milliseconds from 1 to 600000"
                                        : "pulse: whole milliseconds from 1 to 60000",
                        ec);
        }
        (key_ == ttl_key ? request.ttl : request.pulse) = milliseconds(*ms);
        return true;
    }
    bool scalar(Scalar what, json::error_code& ec) {
        if (inside_ && key_ == value_key) {
            request.value = std::move(what);
            has_value = true;
            return true;
        }
        if (inside_ && key_ == expect_key) {
            request.expect = std::move(what);
            return true;
        }
        return fail(key_ == id_key ? "id: a string" : "ttl and pulse: whole milliseconds", ec);
    }

    std::string* id_;
    bool inside_ = false;
    Key key_ = no_key;
    unsigned seen_ = 0;
    std::string text_;
};

Result<Request> parse_object(std::string_view text, std::string* id) {
    json::parse_options strict;
    strict.max_depth = 2;
    json::basic_parser<Handler> parser(strict, id);
    json::error_code ec;
    const auto used = parser.write_some(false, text.data(), text.size(), ec);
    if (ec || used != text.size()) {
        const std::string& wrong = parser.handler().wrong;
        return Fault{wrong.empty() ? "not JSON: " + (ec ? ec.message() : "trailing bytes") : wrong};
    }
    if (!parser.handler().has_value) {
        return Fault{"no value"};
    }
    return std::move(parser.handler().request);
}

}  // namespace

std::optional<std::variant<std::int64_t, double>> parse_number(std::string_view text) {
    if (!is_json_number(text)) {
        return std::nullopt;
    }
    const char* end = text.data() + text.size();
    std::int64_t whole = 0;
    const auto as_integer = std::from_chars(text.data(), end, whole);
    if (as_integer.ec == std::errc{} && as_integer.ptr == end && text != "-0") {
        return whole;
    }
    double real = 0.0;
    const auto as_real = std::from_chars(text.data(), end, real);
    if (as_real.ec != std::errc{} || !std::isfinite(real)) {
        return std::nullopt;  // also what is too small for a double
    }
    return real;
}

Result<Request> parse_request(std::string_view payload, std::string* id) {
    if (payload.size() > kLongestPayload) {
        return Fault{"longer than 4096 bytes"};
    }
    if (!mqtt::is_utf8(payload)) {
        return Fault{"not UTF-8"};
    }
    const std::string_view text = trimmed(payload);
    if (text.empty()) {
        return Fault{"empty"};
    }
    if (text.front() == '{') {
        return parse_object(text, id);
    }
    if (text.front() == '"' || text.front() == '[') {
        return Fault{"neither a bare scalar nor a JSON object"};
    }
    Request request;
    if (is_json_number(text)) {
        const auto number = parse_number(text);
        if (!number) {
            return Fault{"a number too large or too small"};
        }
        std::visit([&](auto plain) { request.value = plain; }, *number);
    } else {
        request.value = std::string(text);
    }
    return request;
}

}  // namespace hi6gw::command
