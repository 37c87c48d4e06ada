#include "sim/api.h"

#include "sim/json.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

namespace hi6gw::sim {
namespace {

constexpr std::int64_t kDefaultWords = 8;

Reply error_reply(unsigned status, std::string_view error, std::string_view message) {
    std::string body = R"({"error":)";
    append_json_string(body, error);
    body += R"(,"message":)";
    append_json_string(body, message);
    body += '}';
    return {status, std::move(body), {}};
}

Reply bad(std::string_view message) {
    return error_reply(400, "bad_request", message);
}
Reply not_found(std::string_view path) {
    return error_reply(404, "not_found", fmt::format("no such path: {}", path));
}
Reply wrong_method(std::string_view allowed) {
    auto reply = error_reply(405, "method_not_allowed", fmt::format("allowed: {}", allowed));
    reply.allow = allowed;
    return reply;
}

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || last != end) {
        return std::nullopt;
    }
    return number;
}

// "dib" for relay "di" is View::byte.
std::optional<View> view_of_type(std::string_view type, std::string_view relay) {
    return type.starts_with(relay) ? view_of_suffix(type.substr(relay.size())) : std::nullopt;
}

}  // namespace

struct Api::Query {
    boost::urls::params_encoded_view params;

    [[nodiscard]] std::optional<std::string> text(std::string_view key) const {
        for (const auto param : params) {
            if (std::string_view(param.key.data(), param.key.size()) == key) {
                return param.value.decode();
            }
        }
        return std::nullopt;
    }
    // nullopt: absent or not an integer.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view key) const {
        const auto value = text(key);
        return value ? integer(*value) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::int64_t> number_or(std::string_view key,
                                                        std::int64_t absent) const {
        const auto value = text(key);
        return value ? integer(*value) : absent;
    }
};

// The controller's state, for the paths without parameters.
std::optional<std::string> Api::about(std::string_view path,
                                      std::chrono::system_clock::time_point now) const {
    if (path == "/api_ver") {
        return "5";
    }
    if (path == "/versions/sysver") {
        return fmt::format(
            R"({{"modules":[{{"name":"com","ver":"{0}","build-date":"2024-11-05",)"
            R"("build-time":"10:12:30","commit-id":"5eed000"}},{{"name":"tp","ver":"{0}",)"
            R"("build-date":"2024-11-05","build-time":"10:40:02","commit-id":"5eed001"}}]}})",
            options_.system_version);
    }
    if (path == "/project/rgen") {
        return rgen().body;
    }
    if (path == "/project/robot/motor_on_state") {
        return value_reply(fmt::format_int(robot_.motor).str()).body;
    }
    if (path == "/clock/date_time") {
        const auto t = fmt::gmtime(std::chrono::system_clock::to_time_t(now));
        return fmt::format(
            R"({{"_type":"JObject","year":{},"mon":{},"day":{},"hour":{},"min":{},"sec":{}}})",
            t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    }
    return std::nullopt;
}

Reply Api::handle(std::string_view method, std::string_view target, std::string_view body,
                  std::chrono::system_clock::time_point now) {
    const auto url = boost::urls::parse_origin_form({target.data(), target.size()});
    if (!url) {
        return bad("not a request target");
    }
    const auto encoded = url->encoded_path();
    const std::string_view path(encoded.data(), encoded.size());
    const Query query{url->encoded_params()};
    constexpr std::string_view kDio = "/project/control/ios/dio/";
    constexpr std::string_view kSio = "/project/control/ios/sio/";
    constexpr std::string_view kPlc = "/project/plc/";
    constexpr std::string_view kBlock = "/val_s32";

    if (path == "/project/control/ios/dio/do_val" && method == "POST") {
        return write_output(body);
    }
    if (path == "/project/plc/set_relay_value") {
        return method == "POST" ? write_relay(body) : wrong_method("POST");
    }
    const bool get = method == "GET";
    for (const std::string_view relay : {"di", "do", "si", "so"}) {
        const bool dio = relay.front() == 'd';
        if (path.starts_with(dio ? kDio : kSio) &&
            path.substr(kDio.size()) == fmt::format("{}_val", relay)) {
            return get ? single_read(relay, dio, query)
                       : wrong_method(relay == "do" ? "GET, POST" : "GET");
        }
    }
    if (path.starts_with(kPlc) && path.ends_with(kBlock) &&
        path.size() > kPlc.size() + kBlock.size() && options_.block_read) {
        const auto object = path.substr(kPlc.size(), path.size() - kPlc.size() - kBlock.size());
        return get ? block_read(object, query) : wrong_method("GET");
    }
    const auto answer = about(path, now);
    if (!answer) {
        return not_found(path);
    }
    return get ? Reply{200, *answer, {}} : wrong_method("GET");
}

Reply Api::rgen() const {
    const auto& r = robot_;
    // Byte 0 of enable_state: motor 0 on, 1 off, 2 busy; motor_on_state counts otherwise.
    const int enable = r.motor == 0 ? 0 : 3 - r.motor;
    return {200,
            fmt::format(R"({{"_type":"JObject","cur_mode":{},"enable_state":{},"is_playback":{},)"
                        R"("is_remote_mode":{},"is_ext_start":{},"cur_prog_no":{},)"
                        R"("cur_step_no":{},"cur_func_no":{}}})",
                        r.cur_mode, enable, r.is_playback, r.is_remote_mode, r.is_ext_start,
                        r.cur_prog_no, r.cur_step_no, r.cur_func_no),
            {}};
}

Reply Api::value_reply(std::string_view value) const {
    return {200,
            fmt::format(R"({{"_type":"JObject","val":{}{}}})", value,
                        options_.trailing_comma ? "," : ""),
            {}};
}

Reply Api::single_read(std::string_view relay, bool has_block, const Query& query) const {
    std::string name(relay);
    if (has_block) {
        const auto block = query.number("blk_no");
        if (!block || *block < 0 || *block >= std::int64_t(Memory::kBlocks)) {
            return bad("blk_no: 0-9");
        }
        name = fmt::format("fb{}.{}", *block, relay);
    }
    const auto view = view_of_type(query.text("type").value_or(""), relay);
    if (!view) {
        return bad(fmt::format("type: {0} {0}b {0}w {0}l {0}f", relay));
    }
    const auto signal = query.number("sig_no");
    if (!signal || *signal < 0) {
        return bad("sig_no: an index from 0");
    }
    const auto place =
        Memory::place(*memory_.area(name), *view, std::size_t(*signal), options_.index_unit);
    if (!place) {
        return bad("sig_no: past the end of the area");
    }
    std::string value;
    append_json(value, memory_.get(*place));
    return value_reply(value);
}

Reply Api::block_read(std::string_view object, const Query& query) const {
    std::string name(object);
    if (const auto underscore = name.find('_'); underscore != std::string::npos) {
        name[underscore] = '.';
    } else if (object != "m" && object != "s" && object != "r" && object != "k") {
        return not_found(object);
    }
    const auto area = memory_.area(name);
    if (!area) {
        return error_reply(404, "not_found", fmt::format("no such object: {}", object));
    }
    const auto start = query.number_or("st", 0);
    const auto words = query.number_or("len", kDefaultWords);
    const auto most = std::int64_t(area->bytes);
    if (!start || *start < 0 || *start > most * 8) {
        return bad("st: a start from 0 within the area");
    }
    if (!words || *words < 1 || *words > most / 4) {
        return bad("len: number of 32-bit words within the area, from 1");
    }
    constexpr std::int64_t kBitsPerUnit[] = {8, 1, 32};
    const auto first_bit = *start * kBitsPerUnit[std::size_t(options_.block_start)];
    if (first_bit + *words * 32 > most * 8) {
        return bad("st and len reach past the end of the area");
    }
    std::string body = "[";
    for (std::int64_t word = 0; word < *words; ++word) {
        const auto bit = std::size_t(first_bit + word * 32);
        std::uint32_t raw = 0;
        if (bit % 8 == 0) {
            raw = memory_.bits({area->first + bit / 8, 0, View::dword, false});
        } else {
            for (std::size_t i = 0; i < 32; ++i) {
                raw |= std::uint32_t{memory_.bit(area->first * 8 + bit + i)} << i;
            }
        }
        body += word == 0 ? "" : ", ";
        body += fmt::format_int(std::int32_t(raw)).str();
    }
    body += options_.trailing_comma ? ",]" : "]";
    return {200, std::move(body), {}};
}

Reply Api::write_output(std::string_view body) {
    const auto json = parse_object(body);
    if (!json) {
        return bad("the body is not a JSON object");
    }
    const auto* const type = json->if_contains("type");
    const auto view =
        type != nullptr && type->is_string()
            ? view_of_type({type->get_string().data(), type->get_string().size()}, "do")
            : std::nullopt;
    if (!view) {
        return bad("type: do dob dow dol dof");
    }
    const auto block = integer_member(*json, "blk_no");
    if (!block || *block < 0 || *block >= std::int64_t(Memory::kBlocks)) {
        return bad("blk_no: 0-9");
    }
    const auto signal = integer_member(*json, "sig_no");
    if (!signal || *signal < 0) {
        return bad("sig_no: an index from 0");
    }
    const auto* const value = json->if_contains("val");
    const auto bits = value != nullptr && value->is_number() ? encode(*view, *value) : std::nullopt;
    const auto area = memory_.area(fmt::format("fb{}.do", *block));
    return write(Memory::place(*area, *view, std::size_t(*signal), options_.index_unit), bits,
                 "sig_no");
}

Reply Api::write_relay(std::string_view body) {
    const auto json = parse_object(body);
    if (!json) {
        return bad("the body is not a JSON object");
    }
    const auto* const name = json->if_contains("name");
    if (name == nullptr || !name->is_string()) {
        return bad("name: a relay such as fb3.dof14");
    }
    const auto place =
        memory_.place({name->get_string().data(), name->get_string().size()}, options_.index_unit);
    const auto* const value = json->if_contains("value");
    const auto bits = place && value != nullptr ? encode(place->view, *value) : std::nullopt;
    return write(place, bits, "name");
}

Reply Api::write(const std::optional<Place>& place, const std::optional<std::uint32_t>& bits,
                 std::string_view name) {
    if (!place) {
        return bad(fmt::format("{}: no such relay, or past the end of its area", name));
    }
    if (!place->writable) {
        return bad(fmt::format("{}: read only", name));
    }
    if (!bits) {
        return bad("value: not a number in the range of the type");
    }
    memory_.set_bits(*place, *bits);
    return {200, R"({"_type":"JObject"})", {}};
}

}  // namespace hi6gw::sim
