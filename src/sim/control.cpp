#include "sim/control.h"

#include "sim/json.h"
#include "sim/simulator.h"

#include <boost/json/array.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace hi6gw::sim {
namespace {

namespace json = boost::json;

constexpr std::size_t kLogEntries = 10'000;
constexpr std::int64_t kLongestReboot = 3'600'000;  // ms

Reply ok() {
    return {200, R"({"ok":true})", {}};
}
Reply bad(std::string_view what) {
    std::string body = R"({"error":)";
    append_json_string(body, what);
    return {400, body + "}", {}};
}

std::uint64_t number_or(const boost::urls::url_view& url, std::string_view key,
                        std::uint64_t absent) {
    for (const auto param : url.params()) {
        if (param.key == key) {
            std::from_chars(param.value.data(), param.value.data() + param.value.size(), absent);
        }
    }
    return absent;
}

Reply read_memory(const Memory& memory, const boost::urls::url_view& url) {
    std::vector<std::string> values;
    for (const auto param : url.params()) {
        if (param.key != "name") {
            continue;
        }
        const auto place = memory.place(param.value, IndexUnit::byte);
        if (!place) {
            return bad("no such relay: " + param.value);
        }
        auto& value = values.emplace_back(fmt::format(R"({{"name":"{}","value":)", param.value));
        append_json(value, memory.get(*place));
        value += '}';
    }
    if (values.empty()) {
        return bad("which relay? GET /memory?name=fb1.diw20");
    }
    return {
        200, values.size() == 1 ? values[0] : fmt::format("[{}]", fmt::join(values, ",\n")), {}};
}

using Writes = std::vector<std::pair<Place, std::uint32_t>>;

// One {"name":...,"value":...} or {"name":...,"values":[...]}; returns what is wrong.
std::string plan_write(const Memory& memory, const json::value& entry, Writes& writes) {
    const auto* const object = entry.if_object();
    const auto name = object != nullptr ? string_member(*object, "name") : std::nullopt;
    if (!name) {
        return R"(a write is {"name":"fb1.diw20","value":5} or {"name":...,"values":[...]})";
    }
    auto place = memory.place(*name, IndexUnit::byte);
    const auto* const one = object->if_contains("value");
    const auto* const many = object->if_contains("values");
    if (!place || (one == nullptr) == (many == nullptr)) {
        return "no such relay, or not one of value and values: " + *name;
    }
    const auto list = many == nullptr ? json::array{*one}
                                      : (many->is_array() ? many->get_array() : json::array{});
    const auto end = [&] {
        const auto area = memory.area(
            name->substr(0, name->find_first_of("bwlf0123456789", name->find('.') + 1)));
        return area ? area->first + area->bytes : place->byte + bytes_of(place->view);
    }();
    for (const auto& value : list) {
        // A bit may be written true or false too.
        const auto bits = value.is_bool() ? encode(place->view, std::int64_t{value.get_bool()})
                                          : encode(place->view, value);
        if (!bits) {
            return "not a value of " + *name;
        }
        if (place->byte + bytes_of(place->view) > end) {
            return "too many values for " + *name;
        }
        writes.emplace_back(*place, *bits);
        if (place->view == View::bit) {
            place->byte += place->bit == 7 ? 1U : 0U;
            place->bit = (place->bit + 1) % 8;
        } else {
            place->byte += bytes_of(place->view);
        }
    }
    return {};
}

Reply write_memory(Simulator& simulator, const json::value& body) {
    Writes writes;
    const auto entries = body.is_array() ? body.get_array() : json::array{body};
    for (const auto& entry : entries) {
        if (const auto error = plan_write(simulator.memory(), entry, writes); !error.empty()) {
            return bad(error);
        }
    }
    for (const auto& [place, bits] : writes) {
        simulator.memory().set_bits(place, bits);
    }
    simulator.memory_changed();
    return ok();
}

std::string set_robot(RobotState& robot, const json::object& wanted) {
    const std::array<std::pair<std::string_view, int*>, 8> fields = {
        {{"cur_mode", &robot.cur_mode},
         {"motor", &robot.motor},
         {"is_playback", &robot.is_playback},
         {"is_remote_mode", &robot.is_remote_mode},
         {"is_ext_start", &robot.is_ext_start},
         {"cur_prog_no", &robot.cur_prog_no},
         {"cur_step_no", &robot.cur_step_no},
         {"cur_func_no", &robot.cur_func_no}}};
    std::size_t known = 0;
    for (const auto& [name, field] : fields) {
        if (const auto value = integer_member(wanted, name); value && *value == int(*value)) {
            *field = int(*value);
            ++known;
        }
    }
    return known == wanted.size() ? "" : "robot: integers cur_mode motor is_playback ...";
}

// One member of a POST /control; returns what is wrong.
std::string steer(Simulator& simulator, std::string_view key, const json::value& value) {
    if (key == "refuse_connections" && value.is_bool()) {
        simulator.refuse_connections(value.get_bool());
    } else if (key == "drop_connections" && value.is_bool()) {
        if (value.get_bool()) {
            simulator.drop_connections();
        }
    } else if (key == "reboot" && value.is_int64() && value.get_int64() >= 0 &&
               value.get_int64() <= kLongestReboot) {
        simulator.reboot(std::chrono::milliseconds(value.get_int64()));
    } else if ((key == "get_time" || key == "post_time") && value.is_string()) {
        const auto time = parse_duration({value.get_string().data(), value.get_string().size()});
        if (!time) {
            return fmt::format("{}: a duration such as 4ms", key);
        }
        (key == "get_time" ? simulator.options().get_time : simulator.options().post_time) = *time;
    } else if (key == "robot" && value.is_object()) {
        return set_robot(simulator.api().robot(), value.get_object());
    } else {
        return fmt::format("unknown or of the wrong kind: {}", key);
    }
    return {};
}

Reply steer_all(Simulator& simulator, const json::value& body) {
    if (!body.is_object()) {
        return bad("a JSON object is wanted");
    }
    for (const auto& member : body.get_object()) {
        const auto error =
            steer(simulator, {member.key().data(), member.key().size()}, member.value());
        if (!error.empty()) {
            return bad(error);
        }
    }
    return ok();
}

std::optional<Reply> handle_get(Simulator& simulator, std::string_view path,
                                const boost::urls::url_view& url) {
    if (path == "/memory") {
        return read_memory(simulator.memory(), url);
    }
    if (path == "/log") {
        const auto limit =
            std::min<std::uint64_t>(number_or(url, "limit", kLogEntries), kLogEntries);
        return Reply{200, simulator.log().to_json(number_or(url, "since", 0), limit), {}};
    }
    if (path == "/connections") {
        return Reply{200, simulator.log().connections_json(), {}};
    }
    if (path == "/stats") {
        return Reply{200, simulator.log().stats_json(), {}};
    }
    if (path == "/faults") {
        return Reply{200, simulator.faults().to_json(), {}};
    }
    return std::nullopt;
}

std::optional<Reply> handle_post(Simulator& simulator, std::string_view path,
                                 std::string_view text) {
    if (path != "/memory" && path != "/faults" && path != "/control") {
        return std::nullopt;
    }
    const auto body = parse_json(text);
    if (!body) {
        return bad("the body is not JSON");
    }
    if (path == "/memory") {
        return write_memory(simulator, *body);
    }
    if (path == "/control") {
        return steer_all(simulator, *body);
    }
    const auto error = simulator.faults().add(*body);
    return error.empty() ? ok() : bad(error);
}

std::optional<Reply> handle_delete(Simulator& simulator, std::string_view path) {
    if (path == "/log") {
        simulator.log().clear();
        return ok();
    }
    if (path == "/faults") {
        simulator.faults().clear();
        return ok();
    }
    return std::nullopt;
}

}  // namespace

Reply handle_control(Simulator& simulator, std::string_view method, std::string_view target,
                     std::string_view body) {
    const auto url = boost::urls::parse_origin_form({target.data(), target.size()});
    if (!url) {
        return bad("not a request target");
    }
    const std::string path = url->path();
    std::optional<Reply> reply;
    if (method == "GET") {
        reply = handle_get(simulator, path, *url);
    } else if (method == "POST") {
        reply = handle_post(simulator, path, body);
    } else if (method == "DELETE") {
        reply = handle_delete(simulator, path);
    }
    return reply.value_or(
        Reply{404, R"({"error":"see hi6sim --help for the control interface"})", {}});
}

}  // namespace hi6gw::sim
