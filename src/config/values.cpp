#include "config/values.h"

#include "hi6/quote.h"
#include "mqtt/topics.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace hi6gw::config {

namespace {

constexpr std::string_view kDurationForm =
    "a whole number with ms, s, min or h, as in 250ms 5s 2min 1h";

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array<Unit, 4> kUnits = {
    {{"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}}};

struct SizeUnit {
    std::string_view name;
    std::int64_t bytes;
};
constexpr std::array<SizeUnit, 3> kSizeUnits = {
    {{"GiB", std::int64_t{1} << 30U}, {"MiB", std::int64_t{1} << 20U}, {"KiB", 1024}}};

// "20ms" as 20 and "ms".
std::pair<std::optional<std::int64_t>, std::string_view> with_unit(std::string_view text) {
    const auto split = std::min(text.find_first_not_of("0123456789"), text.size());
    return {parse_integer(text.substr(0, split)), text.substr(split)};
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    T value{};
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end && !text.starts_with('+') ? std::optional(value)
                                                                         : std::nullopt;
}

bool is_host_name(std::string_view host) {
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    });
}

// What is wrong with the parts of a URL that must not be there, or with its host.
std::string url_fault(const boost::urls::url_view& url) {
    if (url.has_userinfo()) {
        return "user name and password do not belong into the URL (mqtt.username and "
               "mqtt.password_file are for the broker; a controller has none)";
    }
    if (!url.encoded_path().empty() && url.encoded_path() != "/") {
        return "a path is not allowed after host and port";
    }
    if (url.has_query() || url.has_fragment()) {
        return "? and # are not allowed after host and port";
    }
    const bool ip = url.host_type() == boost::urls::host_type::ipv4 ||
                    url.host_type() == boost::urls::host_type::ipv6;
    const std::string_view host(url.encoded_host().data(), url.encoded_host().size());
    return ip || is_host_name(host) ? "" : "the host must be a name or an IP address";
}

std::string host_of(const boost::urls::authority_view& authority) {
    const auto host = authority.encoded_host_address();
    return std::string(host.data(), host.size());
}

}  // namespace

bool is_identifier(std::string_view text) {
    return is_host_name(text) && text.find('.') == std::string_view::npos;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    return parse_number<std::int64_t>(text);
}

std::string to_string(Milliseconds duration) {
    for (const auto& unit : kUnits) {
        if (duration.count() % unit.milliseconds == 0 && duration.count() != 0) {
            return std::to_string(duration.count() / unit.milliseconds) + std::string(unit.name);
        }
    }
    return "0";
}

std::string size_text(std::int64_t bytes) {
    for (const auto& unit : kSizeUnits) {
        if (bytes % unit.bytes == 0 && bytes != 0) {
            return std::to_string(bytes / unit.bytes) + std::string(unit.name);
        }
    }
    return std::to_string(bytes);
}

std::string Values::quoted(const Place& place) {
    return hi6::quoted(place.node->text);
}

bool Values::has_variable(const Place& place) {
    return place.node->text.find("${") != std::string::npos;
}

std::optional<std::string> Values::variable(const Place& place, std::string_view name) {
    const bool good = is_identifier(name) && name.find('-') == std::string_view::npos &&
                      (name.front() < '0' || name.front() > '9');
    if (!good) {
        report_.error(place,
                      "${ must be followed by the name of an environment variable and }; "
                      "write $${ for the text ${");
        return std::nullopt;
    }
    auto value = environment_.variable(std::string(name));
    if (!value) {
        report_.error(place, "the environment variable " + std::string(name) + " is not set");
    }
    return value;
}

std::optional<std::string> Values::bytes(const Place& place) {
    if (place.node->kind != YamlTree::Kind::scalar) {
        report_.error(place, place.node->kind == YamlTree::Kind::null
                                 ? "has no value; give one or remove the key"
                                 : "must be a single value, not a list or keys");
        return std::nullopt;
    }
    std::string_view rest = place.node->text;
    std::string out;
    for (auto at = rest.find("${"); at != std::string_view::npos; at = rest.find("${")) {
        if (at > 0 && rest[at - 1] == '$') {
            out.append(rest.substr(0, at - 1)).append("${");
            rest.remove_prefix(at + 2);
            continue;
        }
        const auto close = rest.find('}', at);
        const auto name = close == std::string_view::npos ? std::string_view{}
                                                          : rest.substr(at + 2, close - at - 2);
        const auto value = variable(place, name);
        if (!value) {
            return std::nullopt;
        }
        out.append(rest.substr(0, at)).append(*value);
        rest.remove_prefix(close + 1);
    }
    return out.append(rest);
}

std::optional<std::string> Values::text(const Place& place) {
    auto out = bytes(place);
    if (out && (out->find('\0') != std::string::npos || !mqtt::is_utf8(*out))) {
        report_.error(place, "must be valid UTF-8 without zero bytes");
        return std::nullopt;
    }
    return out;
}

std::optional<std::string> Values::identifier(const Place& place) {
    auto out = text(place);
    if (out && !is_identifier(*out)) {
        report_.error(place, quoted(place) + " is not allowed; letters, digits, _ and - are");
        return std::nullopt;
    }
    return out;
}

std::optional<std::string> Values::host(const Place& place) {
    auto out = text(place);
    in6_addr ignored{};
    if (out && !is_host_name(*out) && ::inet_pton(AF_INET6, out->c_str(), &ignored) != 1) {
        report_.error(place, quoted(place) + " is not allowed; a host name or an IP address is");
        return std::nullopt;
    }
    return out;
}

std::optional<bool> Values::boolean(const Place& place) {
    static constexpr std::pair<std::string_view, bool> kWords[] = {{"true", true},
                                                                   {"false", false}};
    return choice(place, kWords);
}

std::optional<std::int64_t> Values::integer(const Place& place, std::int64_t min,
                                            std::int64_t max) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    const auto value = parse_integer(*given);
    if (!value || *value < min || *value > max) {
        report_.error(place, quoted(place) + " is not allowed; a whole number from " +
                                 std::to_string(min) + " to " + std::to_string(max) + " is");
        return std::nullopt;
    }
    return value;
}

std::optional<double> Values::number(const Place& place) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    const auto value = parse_number<double>(*given);
    if (!value || !std::isfinite(*value)) {
        report_.error(place, quoted(place) + " is not a number, such as 12.5 or -3");
        return std::nullopt;
    }
    return value;
}

std::optional<Milliseconds> Values::duration(const Place& place, const DurationRange& range) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    if (range.may_be_off && (*given == "0" || *given == "off")) {
        return Milliseconds{0};
    }
    const auto [count, name] = with_unit(*given);
    const auto unit = std::ranges::find(kUnits, name, &Unit::name);
    if (!count || unit == kUnits.end()) {
        const bool bare = count && name.empty();
        report_.error(place, quoted(place) + (bare ? " lacks its unit; " : " is not a duration; ") +
                                 std::string(kDurationForm));
        return std::nullopt;
    }
    const std::int64_t limit = range.max.count() / unit->milliseconds;
    const Milliseconds value{std::min(*count, limit + 1) * unit->milliseconds};
    if (!(range.may_be_off && value.count() == 0) && (value < range.min || value > range.max)) {
        report_.error(place, quoted(place) + " is not allowed; " + to_string(range.min) + " to " +
                                 to_string(range.max) + (range.may_be_off ? ", or off" : "") +
                                 " is");
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> Values::size(const Place& place, const SizeRange& range) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    const auto [count, name] = with_unit(*given);
    const auto unit = std::ranges::find(kSizeUnits, name, &SizeUnit::name);
    const bool known = count && unit != kSizeUnits.end();
    if (!known || *count < (range.min + unit->bytes - 1) / unit->bytes ||
        *count > range.max / unit->bytes) {
        report_.error(place, quoted(place) + " is not allowed; " + size_text(range.min) + " to " +
                                 size_text(range.max) +
                                 " is, as a whole number of KiB, MiB or GiB");
        return std::nullopt;
    }
    return *count * unit->bytes;
}

std::optional<double> Values::percentage(const Place& place) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    const bool percent = given->ends_with('%');
    const auto value = parse_number<double>(
        std::string_view(*given).substr(0, given->size() - (percent ? 1U : 0U)));
    if (!percent || !value || !(*value > 0.0) || *value > 100.0) {
        report_.error(place, quoted(place) +
                                 " is not allowed; a percentage above 0% and up to 100% is, as in "
                                 "50%");
        return std::nullopt;
    }
    return *value / 100.0;
}

Result<Endpoint> parse_url(std::string_view text, std::span<const Scheme> schemes) {
    std::string example;
    for (const auto& scheme : schemes) {
        example += (example.empty() ? "" : " or ") + std::string(scheme.name) +
                   "://HOST:" + std::to_string(scheme.default_port);
    }
    const auto fail = [&](const std::string& what) {
        return Fault{what + "; must be like " + example};
    };
    const auto parsed = boost::urls::parse_uri(text);
    const auto scheme = std::find_if(schemes.begin(), schemes.end(), [&](const Scheme& candidate) {
        return parsed.has_value() && std::string_view(parsed->scheme()) == candidate.name;
    });
    if (scheme == schemes.end() || !parsed->has_authority()) {
        return fail("not a URL of the kind that is needed here");
    }
    if (const auto what = url_fault(*parsed); !what.empty()) {
        return fail(what);
    }
    Endpoint endpoint{host_of(parsed->authority()), scheme->default_port,
                      std::string(scheme->name)};
    if (parsed->has_port()) {
        const auto port = parse_integer(std::string_view(parsed->port()));
        if (!port || *port < 1 || *port > 65535) {
            return fail("the port must be 1 to 65535");
        }
        endpoint.port = static_cast<std::uint16_t>(*port);
    }
    return endpoint;
}

std::optional<Endpoint> Values::url(const Place& place, std::span<const Scheme> schemes) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    Result<Endpoint> endpoint = parse_url(*given, schemes);
    if (!endpoint) {
        report_.error(place, endpoint.error().what);
        return std::nullopt;
    }
    return std::move(*endpoint);
}

std::optional<Endpoint> Values::listen(const Place& place) {
    const auto given = text(place);
    if (!given) {
        return std::nullopt;
    }
    const auto parsed = boost::urls::parse_authority(*given);
    const bool ip = parsed.has_value() && !parsed->has_userinfo() &&
                    (parsed->host_type() == boost::urls::host_type::ipv4 ||
                     parsed->host_type() == boost::urls::host_type::ipv6);
    const auto port =
        ip ? parse_integer(std::string_view(parsed->port())) : std::optional<std::int64_t>{};
    if (!port || *port < 0 || *port > 65535) {
        report_.error(place, quoted(place) +
                                 " is not allowed; an IP address with a port is, as in "
                                 "127.0.0.1:9464 or [::]:9464, or off");
        return std::nullopt;
    }
    return Endpoint{host_of(*parsed), static_cast<std::uint16_t>(*port), {}};
}

}  // namespace hi6gw::config
