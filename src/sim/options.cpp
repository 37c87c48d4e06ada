#include "sim/options.h"

#include "sim/scenario.h"

#include <CLI/CLI.hpp>

#include <map>

namespace hi6gw::sim {
namespace {

constexpr int kUsageError = 64;

constexpr const char* kAbout =
    "hi6sim: a simulated Hi6 robot controller. It serves the HTTP Open API of a controller from a\n"
    "memory of its own, so that a gateway or a SCADA screen can be built without a robot.\n";

constexpr const char* kFooter =
    R"(Control interface (HTTP and JSON on the control port, for tests and curious users):
  GET    /memory?name=fb1.diw20          read any relay; names count bytes, whatever --index-unit
  POST   /memory {"name":"fb1.diw20","value":5}
                                         write any relay, inputs too; a list is applied at once;
                                         "values":[...] fills consecutive places
  GET    /log?since=0&limit=1000         requests seen: entries with seq > since   DELETE /log
  GET    /connections  GET /stats        connections seen; sums
  POST   /faults {"path":"do_val","method":"POST","action":"reset_after","count":1}
                                         play a fault on matching requests; also a list
                                         GET /faults lists, DELETE /faults clears
         action: delay hang reset_before reset_after close_before close_after status garbage body
                 raw dribble stall_body;  count -1: always;  skip: let so many pass first;
                 ms, status, body: for the action;  apply: whether a write takes effect;
                 close: close the connection after the reply
  POST   /control {"refuse_connections":true}   connects are refused until false
                  {"drop_connections":true}     resets every connection
                  {"reboot":2000}               resets all, zeroes outputs, refuses for 2000 ms
                  {"get_time":"400ms","post_time":"4ms"}
                  {"robot":{"motor":2,"cur_mode":0}}   what rgen and motor_on_state answer

Example:  hi6sim --port 8888 --scenario config/scenarios/demo.yaml
          curl 'http://127.0.0.1:8888/project/plc/fb2_do/val_s32?st=0&len=30')";

std::string duration_check(const std::string& text) {
    return parse_duration(text) ? std::string() : "a duration such as 4ms, 250us, 1s or 0";
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
                   "Port of the control interface; 0: any free one, printed on start")
        ->capture_default_str();
    app.add_option("--get-time", get_time,
                   "Service time of a read. One request is served at a time; a value is sampled at "
                   "the end, right before the reply. The vendor's sample shows 50ms")
        ->check(duration_check, "DURATION")
        ->capture_default_str();
    app.add_option("--post-time", post_time, "Service time of a write; it takes effect at the end")
        ->check(duration_check, "DURATION")
        ->capture_default_str();
    app.add_option("--max-connections", o.max_connections,
                   "More are closed as soon as they are accepted")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
}

void add_api_options(CLI::App& app, Options& o) {
    const std::map<std::string, IndexUnit> units = {{"byte", IndexUnit::byte},
                                                    {"element", IndexUnit::element}};
    app.add_option("--index-unit", o.api.index_unit,
                   "What the index of a w, l or f counts: byte (the manuals) or element (the "
                   "vendor's C# and ROS samples). Default: byte")
        ->transform(CLI::CheckedTransformer(units));
    app.add_flag(
        "--no-block", [&o](auto) { o.api.block_read = false; },
        "No block API: val_s32 answers 404, as older controller software does");
    const std::map<std::string, BlockStart> starts = {
        {"byte", BlockStart::byte}, {"bit", BlockStart::bit}, {"word", BlockStart::word}};
    app.add_option("--block-start", o.api.block_start,
                   "What st of a block read counts: byte (the manual), bit (one vendor driver) or "
                   "word (32 bits). Default: byte")
        ->transform(CLI::CheckedTransformer(starts));
    app.add_flag("--trailing-comma", o.api.trailing_comma,
                 "Replies end in a comma, {\"val\":-56,}, as the manual prints them");
    app.add_option("--fn", o.windows,
                   "N=fbB.RELAY:FIRST:BYTES, such as 3=fb2.do:0:16: relay of window fnN shows that "
                   "part of block B. May be repeated; other windows are unconfigured (404)")
        ->check(window_check, "WINDOW");
}

void add_http_options(CLI::App& app, Options& o) {
    app.add_flag(
        "--split-writes", o.split_writes,
        "Header and body in two sends without TCP_NODELAY, as small embedded servers do: a "
        "client that delays its ACKs waits 40 ms for every reply");
    app.add_flag("--chunked", o.chunked, "Replies with Transfer-Encoding: chunked");
    app.add_option("--keep-alive-max", o.keep_alive_max,
                   "Close a connection (FIN) after so many replies; 0: never")
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
                   "YAML file of what happens in the cell over time; config/scenarios/demo.yaml "
                   "explains the format")
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
    // One regular form, so sscanf-like: N=fbB.RELAY:FIRST:BYTES
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
