#include "sim/options.h"

#include "sim/scenario.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace hi6gw::sim {
namespace {

constexpr int kUsageError = 64;

constexpr const char* kAbout =
    "hi6sim: a simulated Hi6 robot controller. It serves the HTTP Open API of a controller from a\n"
    "memory of its own, so that a gateway or a SCADA screen can be built without a robot.\n";

constexpr const char* kFooter =
    R"(Control interface: HTTP and JSON on the control port, for tests and for the curious.
Relay names count bytes there, whatever --index-unit says.
  GET  /memory?name=fb1.diw20              a relay; more names: a list
  POST /memory {"name":"fb1.diw20","value":5}
                                           writes any relay, inputs too; a list of such is applied
                                           at once; "values":[...] fills consecutive places
  GET  /log?since=0&limit=1000             the requests with seq > since; DELETE /log forgets them
  GET  /connections                        connections seen (times as in the log, microseconds)
  GET  /stats                              sums; requests_open_max over 1: a client did not wait
  POST /control {"refuse_connections":true}      refuse connects until false
                {"drop_connections":true}        RST on every connection
                {"reboot":2000}                  RST on all, outputs to 0, refuse for 2000 ms
                {"get_time":"400ms","post_time":"4ms"}
                {"robot":{"motor":2,"cur_mode":0}}   what rgen and motor_on_state answer
  POST /faults {"path":"do_val","method":"POST","action":"reset_after","count":1,"skip":0}
                                           faults for the requests whose target contains path (*:
                                           any) with that method (*: any), after skip of them, count
                                           times (-1: always). Also a list. The first that matches
                                           wins. GET /faults lists them, DELETE /faults clears
    delay          the reply comes "ms" later; the controller is busy meanwhile
    hang           never answered; the connection stays open                      (write: lost)
    reset_before   RST instead of a reply                                         (write: lost)
    reset_after    RST instead of a reply                                         (write: applied)
    close_before   FIN instead of a reply                                         (write: lost)
    close_after    FIN instead of a reply                                         (write: applied)
    status         "status" (default 500) with "body" or an error                 (write: lost)
    garbage        200 with an HTML page, or "body"
    body           200 with "body"
    raw            exactly the bytes of "body" (U+0000-U+00FF), no header of our own
    dribble        the reply byte by byte, "ms" apart
    stall_body     the header and half the body; the connection stays open
    "apply":true|false overrides what happens to a write; "close":true closes after the reply.

Example:  hi6sim --port 8888 --scenario config/scenarios/demo.yaml
          curl 'http://127.0.0.1:8888/project/plc/fb2_do/val_s32?st=0&len=30')";

// The texts on the command line of an enumeration.
template <class Enum>
using Names = std::vector<std::pair<std::string, Enum>>;

template <class Enum>
void add_choice(CLI::App& app, const std::string& option, Enum& target, const Names<Enum>& names,
                const std::string& description) {
    std::vector<std::string> allowed;
    for (const auto& [name, value] : names) {
        allowed.push_back(name);
    }
    app.add_option_function<std::string>(
           option,
           [&target, names](const std::string& text) {
               for (const auto& [name, value] : names) {
                   if (name == text) {
                       target = value;
                   }
               }
           },
           description)
        ->check(CLI::IsMember(allowed))
        ->option_text(fmt::format("{} ({})", fmt::join(allowed, "|"), allowed.front()));
}

std::string duration_check(const std::string& text) {
    return parse_duration(text) ? std::string() : "a duration such as 4ms, 250us, 1s or 0";
}
std::string version_check(const std::string& text) {
    constexpr std::string_view kBreaksJson = "\"\\";
    return text.find_first_of(kBreaksJson) == std::string::npos ? std::string()
                                                                : "text without quotes";
}
std::string window_check(const std::string& text) {
    Memory memory;
    return add_window(memory, text) ? std::string()
                                    : "N=fbB.RELAY:FIRST_BYTE:BYTES, such as 3=fb2.do:0:16";
}

void add_server_options(CLI::App& app, Options& o, std::string& get_time, std::string& post_time) {
    app.add_option("--host", o.host, "Address to listen on, for both interfaces")
        ->capture_default_str();
    app.add_option("--port", o.port, "Port of the Open API; 0: any free one, printed on start")
        ->capture_default_str();
    app.add_option("--control-port", o.control_port,
                   "Port of the control interface (below); 0: any free one, printed on start")
        ->capture_default_str();
    app.add_option("--get-time", get_time,
                   "Service time of a read. One request is served at a time, whatever the number\n"
                   "of connections; a value is sampled at the end, right before the reply. The\n"
                   "vendor's sample shows about 50ms")
        ->check(duration_check, "DURATION")
        ->capture_default_str();
    app.add_option("--post-time", post_time, "Service time of a write; it takes effect at the end")
        ->check(duration_check, "DURATION")
        ->capture_default_str();
    app.add_option("--max-connections", o.max_connections,
                   "More are closed as soon as they are accepted (1-1000)")
        ->check(CLI::Range(1, 1000))
        ->option_text("UINT=8");
}

void add_api_options(CLI::App& app, Options& o) {
    add_choice<IndexUnit>(app, "--index-unit", o.api.index_unit,
                          {{"byte", IndexUnit::byte}, {"element", IndexUnit::element}},
                          "What the index of a w, l or f counts: bytes (the manuals) or elements\n"
                          " (the vendor's C# and ROS samples)");
    app.add_flag(
        "--no-block", [&o](auto) { o.api.block_read = false; },
        "No block API: val_s32 answers 404, as a controller without it does");
    add_choice<BlockStart>(
        app, "--block-start", o.api.block_start,
        {{"byte", BlockStart::byte}, {"bit", BlockStart::bit}, {"word", BlockStart::word}},
        "What st of a block read counts: bytes (the manual), bits (a comment in a\n"
        "vendor's driver) or 32-bit words");
    app.add_flag("--trailing-comma", o.api.trailing_comma,
                 "Replies end in a comma, {\"val\":-56,}, as the manual prints them");
    app.add_option("--system-version", o.api.system_version,
                   "What /versions/sysver says of the controller and its teach pendant")
        ->check(version_check, "VERSION")
        ->capture_default_str();
    app.add_option(
           "--fn", o.windows,
           "N=fbB.RELAY:FIRST:BYTES, such as 3=fb2.do:0:16: RELAY of window fnN shows BYTES\n"
           "bytes of block B from byte FIRST on. May be repeated; windows that are not\n"
           "configured answer 404")
        ->check(window_check, "WINDOW");
}

void add_http_options(CLI::App& app, Options& o) {
    app.add_flag("--split-writes", o.split_writes,
                 "Header and body in two sends without TCP_NODELAY, as small embedded servers do:\n"
                 "a client that delays its ACKs waits 40 ms for every reply");
    app.add_flag("--chunked", o.chunked, "Replies with Transfer-Encoding: chunked");
    app.add_option("--keep-alive-max", o.keep_alive_max,
                   "Close a connection (FIN, unannounced) after so many replies; 0: never")
        ->capture_default_str();
    app.add_flag("--close-each", o.close_each, "Every reply says Connection: close and means it");
    app.add_flag("--http10", o.http10, "Replies as HTTP/1.0, and closes after each");
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine result;
    auto& o = result.options;
    std::string get_time = "4ms";
    std::string post_time = "4ms";
    CLI::App app(kAbout, "hi6sim");
    app.footer(kFooter);
    add_server_options(app, o, get_time, post_time);
    add_api_options(app, o);
    add_http_options(app, o);
    app.add_option("--scenario", o.scenario_file,
                   "YAML file: what happens in the cell over time, and how inputs follow outputs;\n"
                   "config/scenarios/demo.yaml explains the format")
        ->check(CLI::ExistingFile);
    app.add_option("--seed", o.seed, "Start of the scenario's random numbers")
        ->capture_default_str();
    app.add_flag("--quiet", o.quiet, "Print the two addresses only");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        result.exit_code = app.exit(error) == 0 ? 0 : kUsageError;
    }
    o.get_time = parse_duration(get_time).value_or(o.get_time);
    o.post_time = parse_duration(post_time).value_or(o.post_time);
    return result;
}

bool add_window(Memory& memory, const std::string& text) {
    unsigned number = 0;
    unsigned block = 0;
    unsigned first = 0;
    unsigned bytes = 0;
    char relay[3] = {};
    int used = 0;
    const int fields = std::sscanf(text.c_str(), "%2u=fb%1u.%2[a-z]:%3u:%3u%n", &number, &block,
                                   relay, &first, &bytes, &used);
    return fields == 5 && std::size_t(used) == text.size() &&
           memory.add_window(number, relay, block, first, bytes);
}

}  // namespace hi6gw::sim
