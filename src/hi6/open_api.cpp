#include "hi6/open_api.h"

#include "hi6/codec.h"
#include "hi6/quote.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>

namespace hi6gw::hi6 {
namespace {

using boost::json::error_code;

// What Boost.JSON's event parser needs of a handler. Nothing is expected until a derived handler
// says so: every event fails with words of its own.
struct Handler {
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

    bool fail(const char* words, error_code& ec) {
        why = words;
        ec = boost::json::error::syntax;  // any error stops the parser
        return false;
    }
    static bool on_document_begin(error_code& /*ec*/) { return true; }
    static bool on_document_end(error_code& /*ec*/) { return true; }
    static bool on_number_part(std::string_view /*text*/, error_code& /*ec*/) { return true; }
    static bool on_comment_part(std::string_view /*text*/, error_code& /*ec*/) { return true; }
    static bool on_comment(std::string_view /*text*/, error_code& /*ec*/) { return true; }

    const char* why = nullptr;
};

// [0, 0, -2139095040]
struct WordsHandler : Handler {
    static constexpr const char* kExpected = "not an array of whole numbers";

    explicit WordsHandler(std::span<std::byte> destination) : out(destination) {}

    bool on_array_begin(error_code& ec) { return inside ? fail(kExpected, ec) : (inside = true); }
    bool on_array_end(std::size_t /*n*/, error_code& /*ec*/) { return true; }
    bool on_int64(std::int64_t number, std::string_view /*text*/, error_code& ec) {
        if (!inside) {
            return fail(kExpected, ec);
        }
        if (number < signed_range(Width::dword).low || number > unsigned_range(Width::dword).high) {
            return fail("a word beyond 32 bits", ec);
        }
        if (count < out.size() / 4) {
            for (std::size_t i = 0; i < 4; ++i) {
                out[4 * count + i] = static_cast<std::byte>(number >> (8 * i));
            }
        }
        ++count;
        return true;
    }
    bool on_uint64(std::uint64_t /*n*/, std::string_view /*text*/, error_code& ec) {
        return fail("a word beyond 32 bits", ec);
    }
    bool on_double(double /*n*/, std::string_view /*text*/, error_code& ec) {
        return fail(kExpected, ec);
    }
    bool on_object_begin(error_code& ec) { return fail(kExpected, ec); }
    bool on_object_end(std::size_t /*n*/, error_code& ec) { return fail(kExpected, ec); }
    bool on_string_part(std::string_view /*s*/, std::size_t /*n*/, error_code& ec) {
        return fail(kExpected, ec);
    }
    bool on_string(std::string_view /*s*/, std::size_t /*n*/, error_code& ec) {
        return fail(kExpected, ec);
    }
    bool on_key_part(std::string_view /*s*/, std::size_t /*n*/, error_code& ec) {
        return fail(kExpected, ec);
    }
    bool on_key(std::string_view /*s*/, std::size_t /*n*/, error_code& ec) {
        return fail(kExpected, ec);
    }
    bool on_bool(bool /*b*/, error_code& ec) { return fail(kExpected, ec); }
    bool on_null(error_code& ec) { return fail(kExpected, ec); }

    std::span<std::byte> out;
    std::size_t count = 0;
    bool inside = false;
};

// {"_type":"JObject","val":-56}: one number under "val" at the top; other members may be anything.
struct SingleHandler : Handler {
    explicit SingleHandler(Width wanted) : width(wanted) {}

    bool on_object_begin(error_code& ec) { return depth++ == 0 || other(ec); }
    bool on_object_end(std::size_t /*n*/, error_code& ec) {
        return --depth > 0 || raw || fail("no \"val\"", ec);
    }
    bool on_array_begin(error_code& ec) { return other(ec) && ++depth > 0; }
    bool on_array_end(std::size_t /*n*/, error_code& /*ec*/) { return --depth > 0; }
    bool on_key_part(std::string_view part, std::size_t /*n*/, error_code& /*ec*/) {
        key.append(part, 0, 4 - std::min<std::size_t>(4, key.size()));
        return true;
    }
    bool on_key(std::string_view part, std::size_t n, error_code& ec) {
        on_key_part(part, n, ec);
        at_value = depth == 1 && n == 3 && key == "val";
        key.clear();
        return !at_value || !raw || fail("two members \"val\"", ec);
    }
    bool on_int64(std::int64_t number, std::string_view text, error_code& ec) {
        if (!at_value || width == Width::real) {
            return on_double(static_cast<double>(number), text, ec);
        }
        at_value = false;
        if (number < signed_range(width).low || number > unsigned_range(width).high) {
            return fail("\"val\" is out of range", ec);
        }
        raw = static_cast<std::uint32_t>(number & unsigned_range(width).high);
        return true;
    }
    bool on_uint64(std::uint64_t number, std::string_view text, error_code& ec) {
        return on_double(static_cast<double>(number), text, ec);
    }
    bool on_double(double number, std::string_view text, error_code& ec) {
        return at_value && width == Width::real ? take_real(number, text, ec) : other(ec);
    }
    bool on_string_part(std::string_view /*s*/, std::size_t /*n*/, error_code& ec) {
        return other(ec);
    }
    bool on_string(std::string_view /*s*/, std::size_t /*n*/, error_code& ec) { return other(ec); }
    bool on_bool(bool /*b*/, error_code& ec) { return other(ec); }
    bool on_null(error_code& ec) { return other(ec); }

    // from_chars rounds the digits to float once and correctly, and keeps the sign of -0.
    bool take_real(double number, std::string_view text, error_code& ec) {
        at_value = false;
        float value = 0.0F;
        const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
        if (done.ec == std::errc::result_out_of_range && std::abs(number) < 1.0) {
            value = std::signbit(number) ? -0.0F : 0.0F;
        } else if (done.ec != std::errc{}) {
            return fail("\"val\" is out of range", ec);
        }
        raw = std::bit_cast<std::uint32_t>(value);
        return true;
    }
    // Something else than a number of the right kind: harmless in another member.
    bool other(error_code& ec) {
        if (depth == 0) {
            return fail("not an object", ec);
        }
        return !at_value || fail(width == Width::real ? "\"val\" is not a number"
                                                      : "\"val\" is not a whole number",
                                 ec);
    }

    Width width;
    std::string key;  // of at most 4 bytes: never allocates
    std::optional<std::uint32_t> raw;
    int depth = 0;
    bool at_value = false;
};

boost::json::parse_options options(bool trailing_commas) {
    boost::json::parse_options out;
    out.allow_trailing_commas = trailing_commas;
    return out;
}

template <class H, class Argument>
struct Parsed {
    Parsed(std::string_view body, Argument argument, bool trailing_commas)
        : parser(options(trailing_commas), argument) {
        consumed = parser.write_some(false, body.data(), body.size(), ec);
        if (!ec && consumed < body.size()) {
            ec = boost::json::error::extra_data;
        }
    }
    H& handler() { return parser.handler(); }

    boost::json::basic_parser<H> parser;
    error_code ec;
    std::size_t consumed = 0;
};

template <class H, class Argument>
Fault describe(Parsed<H, Argument>& parsed, std::string_view body) {
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        return Fault{"empty body"};
    }
    const char* why = parsed.handler().why;
    return Fault{fmt::format("{}: {}", why != nullptr ? why : parsed.ec.message(), quoted(body))};
}

std::string name_of(Relay relay) {
    return to_string(Area{Scope::plain, 0, relay});
}

// "dob" for fb2.dob3.
std::string type_of(const Address& address) {
    const std::string whole =
        to_string(Address{{Scope::plain, 0, address.area.relay}, address.width, 0});
    return whole.substr(0, whole.size() - 1);
}

std::int64_t signed_value(std::uint32_t raw, Width width) {
    const std::int64_t value = raw;
    return value > signed_range(width).high ? value - unsigned_range(width).high - 1 : value;
}

// The shortest digits that read back as this float, always as a real: 2.0, not 2.
std::string real_text(std::uint32_t raw) {
    std::string text = fmt::format("{}", std::bit_cast<float>(raw));
    if (text.find_first_of(".en") == std::string::npos) {
        text += ".0";
    }
    return text;
}

std::string number_text(const Address& address, std::uint32_t raw) {
    return address.width == Width::real ? real_text(raw)
                                        : std::to_string(signed_value(raw, address.width));
}

}  // namespace

std::string block_target(const BlockRead& read) {
    std::string object = to_string(read.area);
    if (const auto dot = object.find('.'); dot != std::string::npos) {
        object[dot] = '_';
    }
    return fmt::format("/project/plc/{}/val_s32?st={}&len={}", object, read.start, read.words);
}

std::string single_target(const Address& address) {
    const bool fb = address.area.scope == Scope::fb;
    const std::string block = fb ? fmt::format("&blk_no={}", address.area.number) : "";
    return fmt::format("/project/control/ios/{}/{}_val?type={}{}&sig_no={}", fb ? "dio" : "sio",
                       name_of(address.area.relay), type_of(address), block, address.index);
}

Result<WordsReply> parse_words(std::string_view body, std::span<std::byte> out) {
    // The first pass only judges, so that nothing is written on error.
    using Pass = Parsed<WordsHandler, std::span<std::byte>>;
    const bool strict = !Pass(body, {}, false).ec;
    if (!strict) {
        if (Pass tolerant(body, {}, true); tolerant.ec) {
            return describe(tolerant, body);
        }
    }
    Pass pass(body, out, !strict);
    const std::size_t asked = out.size() / 4;
    const std::size_t came = pass.handler().count;
    return WordsReply{std::min(asked, came), came > asked, !strict};
}

Result<SingleReply> parse_single(std::string_view body, Width width) {
    using Pass = Parsed<SingleHandler, Width>;
    if (Pass strict(body, width, false); !strict.ec) {
        return SingleReply{*strict.handler().raw, false};
    }
    Pass tolerant(body, width, true);
    if (tolerant.ec) {
        return describe(tolerant, body);
    }
    return SingleReply{*tolerant.handler().raw, true};
}

Result<std::int64_t> parse_api_version(std::string_view body) {
    const auto first = body.find_first_not_of(" \t\r\n");
    const auto last = body.find_last_not_of(" \t\r\n");
    const std::string_view text =
        first == std::string_view::npos ? "" : body.substr(first, last - first + 1);
    std::int64_t version = 0;
    const auto done = std::from_chars(text.data(), text.data() + text.size(), version);
    if (text.empty() || done.ec != std::errc{} || done.ptr != text.data() + text.size()) {
        return Fault{fmt::format("not a whole number: {}", quoted(body))};
    }
    return version;
}

Result<std::vector<Module>> parse_system_version(std::string_view body) {
    Fault other{fmt::format("not a list of modules: {}", quoted(body))};
    boost::json::parse_options tolerant;
    tolerant.allow_trailing_commas = true;
    error_code ec;
    const boost::json::value parsed = boost::json::parse(body, ec, {}, tolerant);
    const auto* object = ec ? nullptr : parsed.if_object();
    const auto* list = object == nullptr ? nullptr : object->if_contains("modules");
    if (list == nullptr || !list->is_array()) {
        return other;
    }
    const auto text = [](const boost::json::object& module, std::string_view key) {
        const auto* member = module.if_contains(key);
        if (member == nullptr) {
            return std::string();
        }
        const auto* string = member->if_string();
        return string != nullptr ? std::string(*string) : boost::json::serialize(*member);
    };
    std::vector<Module> out;
    for (const auto& one : list->get_array()) {
        const auto* module = one.if_object();
        if (module == nullptr) {
            return other;
        }
        out.push_back({text(*module, "name"), text(*module, "ver")});
    }
    return out;
}

std::string do_val_body(const Address& address, std::uint32_t raw) {
    return fmt::format(R"({{"type":"{}","blk_no":{},"sig_no":{},"val":{}}})", type_of(address),
                       address.area.number, address.index, number_text(address, raw));
}

std::string set_relay_body(const Address& address, std::uint32_t raw) {
    // Both a string and a number are documented. A real goes as in the manual's sample
    // ("value":"2.718"), so that its digits do not depend on the controller's JSON library.
    const char* quote = address.width == Width::real ? "\"" : "";
    return fmt::format(R"({{"name":"{}","value":{}{}{}}})", to_string(address), quote,
                       number_text(address, raw), quote);
}

}  // namespace hi6gw::hi6
