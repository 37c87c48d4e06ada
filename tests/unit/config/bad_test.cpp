// Files with mistakes, and exactly where and how each is reported.

#include "support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace hi6gw::config {
namespace {

using test::Files;
using test::with_controller;
using test::with_signals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Case {
    std::string yaml;
    std::string where;  // "line:column: key: ", the start of the only problem
    std::string what;   // part of its text
};

void expect_one_problem(const std::vector<Case>& table) {
    for (const auto& [yaml, where, what] : table) {
        Files files;
        const auto loaded = files.load(yaml);
        EXPECT_THAT(files.shown(loaded.problems),
                    ElementsAre(AllOf(StartsWith("c.yaml:" + where), HasSubstr(what))))
            << yaml;
        EXPECT_FALSE(loaded.config) << yaml;
    }
}

// What stands above a good controller; line 1 is its first.
std::vector<Case> above(std::vector<Case> table) {
    for (auto& one : table) {
        one.yaml = with_signals("    - {name: a, address: fb2.di3}", one.yaml);
    }
    return table;
}
// Keys of a controller that has no other; they begin in line 5.
std::vector<Case> in_controller(std::vector<Case> table) {
    for (auto& one : table) {
        one.yaml = with_controller(one.yaml + "\n    signals: []");
    }
    return table;
}
// One entry in line 6; @ marks where the problem is, else it is the entry.
std::vector<Case> in_signals(std::vector<Case> table) {
    for (auto& one : table) {
        one.yaml = with_signals("    - {" + one.yaml + "}");
        const auto line = one.yaml.find("    - {");
        const auto at = one.yaml.find('@');
        one.where =
            "6:" + std::to_string(at == std::string::npos ? 7 : at - line + 1) + ": " + one.where;
        std::erase(one.yaml, '@');
    }
    return table;
}

TEST(Problems, OfTheSectionsHaveTheirPlace) {
    expect_one_problem(above({
        {"gatway: {id: x}", "1:1: gatway: ", "unknown key (did you mean gateway?); allowed: gat"},
        {"gateway: {id: x, ID: y}", "1:18: gateway.ID: ", "(did you mean id?); allowed: id, st"},
        {"gateway: {id: a b}", "1:15: gateway.id: ", "'a b' is not allowed; letters, digits"},
        {"gateway: {id: [a]}", "1:15: gateway.id: ", "must be a single value"},
        {"gateway: {id: }", "1:15: gateway.id: ", "has no value"},
        {"gateway: x", "1:10: gateway: ", "must hold keys with values; allowed: id, state_dir"},
        {"gateway: {state_dir: ''}", "1:22: gateway.state_dir: ", "must not be empty"},
        {"log: {level: inof}", "1:14: log.level: ", "(did you mean info?); allowed: trace, debug"},
        {"log: {format: xml}", "1:15: log.format: ", "'xml' is unknown; allowed: auto, text, json"},
        {"log: {level: info, level: warn}",
         "1:20: log.level: ", "duplicate key; the first one is at "},
        {"http: {listen: 9464}", "1:16: http.listen: ", "an IP address with a port is"},
        {"http: {listen: localhost:80}", "1:16: http.listen: ", "'localhost:80' is not allowed"},
        {"http: {listen: 0.0.0.0:65536}", "1:16: http.listen: ", "is not allowed"},
        {"http: {listen: '[::1]'}", "1:16: http.listen: ", "is not allowed"},
        {"http: {listen: of}", "1:16: http.listen: ", ", or off"},
        {"mqtt: {url: '127.0.0.1:1883'}", "1:13: mqtt.url: ", "mqtt://HOST:1883 or mqtts://HOST:8"},
        {"mqtt: {url: 'http://x'}", "1:13: mqtt.url: ", "not a URL of the kind"},
        {"mqtt: {url: 'mqtt://x:0'}", "1:13: mqtt.url: ", "the port must be 1 to 65535"},
        {"mqtt: {url: 'mqtt://x:99999999999999999999'}", "1:13: mqtt.url: ", "1 to 65535"},
        {"mqtt: {url: 'mqtt://x/topic'}", "1:13: mqtt.url: ", "a path is not allowed"},
        {"mqtt: {url: 'mqtt://x?a=b'}", "1:13: mqtt.url: ", "? and # are not allowed"},
        {"mqtt: {url: 'mqtt://'}", "1:13: mqtt.url: ", "the host must be"},
        {"mqtt: {url: 'mqtt:x'}", "1:13: mqtt.url: ", "not a URL of the kind"},
        {"mqtt: {version: 4}", "1:17: mqtt.version: ", "allowed: 5, 3.1.1"},
        {"mqtt: {client_id: ''}", "1:19: mqtt.client_id: ", "1 to 256 bytes"},
        {"mqtt: {keep_alive: 15}", "1:20: mqtt.keep_alive: ", "'15' lacks its unit; a whole numb"},
        {"mqtt: {keep_alive: 0s}", "1:20: mqtt.keep_alive: ", "1s to 18h is"},
        {"mqtt: {keep_alive: 19h}", "1:20: mqtt.keep_alive: ", "1s to 18h is"},
        {"mqtt: {keep_alive: 1500ms}", "1:20: mqtt.keep_alive: ", "whole seconds are"},
        {"mqtt: {keep_alive: 99999999999999999h}", "1:20: mqtt.keep_alive: ", "1s to 18h is"},
        {"mqtt: {keep_alive: 1.5s}", "1:20: mqtt.keep_alive: ", "'1.5s' is not a duration"},
        {"mqtt: {keep_alive: -5s}", "1:20: mqtt.keep_alive: ", "'-5s' is not a duration"},
        {"mqtt: {window: 0}", "1:16: mqtt.window: ", "a whole number from 1 to 10000 is"},
        {"mqtt: {window: 1e3}", "1:16: mqtt.window: ", "a whole number from 1 to 10000 is"},
        {"mqtt: {username: u, password: x, password_file: y}",
         "1:49: mqtt.password_file: ", "only one of"},
        {"mqtt: {url: mqtts://b, tls: {cert_file: x}}", "1:29: mqtt.tls: ", "only useful together"},
        {"mqtt: {url: mqtts://b, tls: {ca: x}}", "1:30: mqtt.tls.ca: ", "unknown key"},
        {"payload: {format: bin}", "1:19: payload.format: ", "allowed: json, raw"},
        {"commands: {mode: dryrun}", "1:18: commands.mode: ", "(did you mean dry_run?)"},
        {"commands: {ttl: 2h}", "1:17: commands.ttl: ", "10ms to 1h is"},
        {"events: {max_size: 256}", "1:20: events.max_size: ", "1MiB to 1024GiB is, as a whole"},
        {"events: {max_size: 1023KiB}", "1:20: events.max_size: ", "'1023KiB' is not allowed"},
        {"events: {max_size: 1025GiB}", "1:20: events.max_size: ", "'1025GiB' is not allowed"},
        {"events: {max_size: 99999999999999999999GiB}", "1:20: events.max_size: ", "1MiB to"},
        {"events: {max_size: 1.5GiB}", "1:20: events.max_size: ", "'1.5GiB' is not allowed"},
        {"events: {max_size: 256MB}", "1:20: events.max_size: ", "'256MB' is not allowed"},
        {"events: {max_age: 59s}", "1:19: events.max_age: ", "1min to 8760h is"},
        {"events: {commit: 2s}", "1:18: events.commit: ", "1ms to 1s is"},
        {"defaults: {name: x}", "1:12: defaults.name: ", "unknown key"},
        {"defaults: {poll: off}", "1:18: defaults.poll: ", "'off' is not a duration"},
        {"defaults: {poll: 0ms}", "1:18: defaults.poll: ", "1ms to 1h is"},
        {"defaults: {qos: 3}", "1:17: defaults.qos: ", "a whole number from 0 to 2 is"},
        {"defaults: {retain: yes}", "1:20: defaults.retain: ", "allowed: true, false"},
        {"defaults: {min_interval: 2s, max_interval: 1s}",
         "1:26: defaults.min_interval: ", "min_interval 2s is longer than max_interval 1s"},
        {"? [a]\n: b", "1:3: ", "a key must be plain text"},
    }));
}

TEST(Problems, OfControllersHaveTheirPlace) {
    expect_one_problem(in_controller({
        {"    system_version: ''", "5:21: controllers[0].system_version: ", "must not be empty"},
        {"    timeout: 5ms", "5:14: controllers[0].timeout: ", "10ms to 1min is"},
        {"    max_load: 0.5",
         "5:15: controllers[0].max_load: ", "'0.5' is not allowed; a percenta"},
        {"    max_load: 0%", "5:15: controllers[0].max_load: ", "above 0% and up to 100%"},
        {"    max_load: 101%", "5:15: controllers[0].max_load: ", "above 0% and up to 100%"},
        {"    max_load: nan%", "5:15: controllers[0].max_load: ", "above 0% and up to 100%"},
        {"    block_read: onn", "5:17: controllers[0].block_read: ", "(did you mean on?)"},
        {"    index_unit: words", "5:17: controllers[0].index_unit: ", "allowed: byte, element"},
        {"    max_block: 251", "5:16: controllers[0].max_block: ", "from 1 to 250"},
        {"    adress: 1", "5:5: controllers[0].adress: ", "unknown key"},
        {"    name: r2", "5:5: controllers[0].name: ", "duplicate key; the first one is at "},
        {"    signal_map: none.yaml",
         "5:17: controllers[0].signal_map: ", "none.yaml' cannot be read: No such file"},
        {"    signal_map: .", "5:17: controllers[0].signal_map: ", "is not a file"},
    }));
    expect_one_problem({
        {"log: {}", "1:1: controllers: ", "is missing; at least one"},
        {"controllers: {}", "1:14: controllers: ", "must be a list of at least one"},
        {"controllers: [x]", "1:15: controllers[0]: ", "must hold keys with values; allowed: name"},
        {"controllers: []", "1:14: controllers: ", "must be a list of at least one"},
        {"controllers: [{url: http://a, signals: []}]",
         "1:15: controllers[0].name: ", "is missing"},
        {"controllers: [{name: r, signals: []}]", "1:15: controllers[0].url: ", "is missing; such"},
        {"controllers: [{name: r/1, url: http://a, signals: []}]",
         "1:22: controllers[0].name: ", "letters, digits, _ and - are"},
        {"controllers: [{name: r, url: https://a, signals: []}]",
         "1:30: controllers[0].url: ", "must be like http://HOST:8888"},
        {"controllers: [{name: r, url: http://a, signals: 3}]",
         "1:49: controllers[0].signals: ", "must be a list of signals"},
        {"controllers:\n- {name: r, url: http://a, signals: []}\n- {name: r, url: http://b, "
         "signals: "
         "[]}",
         "3:10: controllers[1].name: ", "c.yaml:2:10"},
        {"controllers:\n- {name: r, url: http://a, signals: []}\n- {name: s, url: "
         "http://a:8888, signals: []}",
         "3:18: controllers[1].url: ", "one connection only"},
    });
}

TEST(Problems, OfSignalsHaveTheirPlace) {
    expect_one_problem(in_signals({
        {"address: fb2.di3", "controllers[0].signals[0].name: ", "is missing"},
        {"name: a", "controllers[0].signals[0].address: ", "is missing"},
        {"name: a, @adress: fb2.di3, address: mw2",
         "controllers[0].signals[0].adress: ", "(did you mean address?)"},
        {"name: a, address: @fb12.di3", "controllers[0].signals[0].address: ", "fb0-fb9"},
        {"name: a, address: @fb2.di960", "controllers[0].signals[0].address: ", "0-959"},
        {"name: a, address: @fb2.dow119", "controllers[0].signals[0].address: ", "0-118"},
        {"name: @a/, address: mw2", "controllers[0].signals[0].name: ", "none of them may be emp"},
        {"name: @/a, address: mw2", "controllers[0].signals[0].name: ", "none of them may be emp"},
        {"name: @a//b, address: mw2", "controllers[0].signals[0].name: ", "none of them may be"},
        {"name: @'', address: mw2", "controllers[0].signals[0].name: ", "must not be empty"},
        {"name: @a+b, address: mw2", "controllers[0].signals[0].name: ", "+ # $ and control"},
        {"name: @'a#b', address: mw2", "controllers[0].signals[0].name: ", "+ # $ and control"},
        {"name: @a$b, address: mw2", "controllers[0].signals[0].name: ", "+ # $ and control"},
        {R"(name: @"a\tb", address: mw2)", "controllers[0].signals[0].name: ", "control"},
        {R"(name: @"a\0b", address: mw2)", "controllers[0].signals[0].name: ", "zero bytes"},
        {"name: @'a{i}', address: mw2", "controllers[0].signals[0].name: ", "{i} needs a range"},
        {"name: a, address: @'mw{i}'", "controllers[0].signals[0].address: ", "needs a range"},
        {"name: @a, address: 'mw{i}', for: 0..3",
         "controllers[0].signals[0].name: ", "must contain {i}"},
        {"name: 'a{i}', address: @mw2, for: 0..3",
         "controllers[0].signals[0].address: ", "must contain {i}"},
        {"name: 'a{i}', address: @'mw{i}{j}', for: 0..3",
         "controllers[0].signals[0].address: ", "only thing in braces"},
        {"name: 'a{i}', address: 'mw{i}', for: @3..0",
         "controllers[0].signals[0].for: ", "'3..0' is not a range"},
        {"name: 'a{i}', address: 'mw{i}', for: @0-3",
         "controllers[0].signals[0].for: ", "is not a range"},
        {"name: 'a{i}', address: 'mw{i}', for: @0..160000",
         "controllers[0].signals[0].for: ", "0 to 159999"},
        {"name: 'a{i}', address: 'mw{i}', for: [1, @x]",
         "controllers[0].signals[0].for[1]: ", "'x' is not a range"},
        {"name: 'a{i}', address: 'mw{i}', for: @[]", "controllers[0].signals[0].for: ", "empty"},
        {"name: 'a{i}', address: 'm{i}', for: [0..159999, @1..2]",
         "controllers[0].signals[0].for[1]: ", "more than 160000 signals in one entry"},
        {"name: 'a{i}', address: @'fb3.di{i}', for: 900..1023",
         "controllers[0].signals[0].address: ", "(and 63 more)"},
        {"name: @'a{i}', address: 'fb3.di{i}', for: [1, 2, 1, 2]",
         "controllers[0].signals[0].name: ", "duplicate name 'a1'"},
        {"name: a, address: fb2.di3, access: @w", "controllers[0].signals[0].access: ", "r, rw"},
        {"name: a, address: fb2.di3, access: @rw",
         "controllers[0].signals[0].access: ", "rw is not possible: fb2.di"},
        {"name: a, address: mw2, poll: @100", "controllers[0].signals[0].poll: ", "lacks its unit"},
        {"name: a, address: mw2, invert: @true",
         "controllers[0].signals[0].invert: ", "only a bit"},
        {"name: a, address: mf4, unsigned: @true",
         "controllers[0].signals[0].unsigned: ", "only b, w and l"},
        {"name: a, address: m2, unsigned: @true",
         "controllers[0].signals[0].unsigned: ", "only b, w and l"},
        {"name: a, address: m2, scale: @2", "controllers[0].signals[0].scale: ", "a bit has no"},
        {"name: a, address: m2, offset: @2", "controllers[0].signals[0].offset: ", "a bit has no"},
        {"name: a, address: m2, deadband: @2", "controllers[0].signals[0].deadband: ", "a bit h"},
        {"name: a, address: m2, min: @0", "controllers[0].signals[0].min: ", "a bit has no range"},
        {"name: a, address: m2, max: @1", "controllers[0].signals[0].max: ", "a bit has no range"},
        {"name: a, address: mw2, scale: @0", "controllers[0].signals[0].scale: ", "0 is not allow"},
        {"name: a, address: mw2, scale: @inf", "controllers[0].signals[0].scale: ", "not a number"},
        {"name: a, address: mw2, offset: @nan", "controllers[0].signals[0].offset: ", "not a numb"},
        {"name: a, address: mw2, scale: @1e999", "controllers[0].signals[0].scale: ", "not a num"},
        {"name: a, address: mw2, deadband: @-1", "controllers[0].signals[0].deadband: ", "0 or m"},
        {"name: a, address: mw2, min: @5, max: 4",
         "controllers[0].signals[0].min: ", "min 5 is above max 4"},
        {"name: a, address: mw2, max: @40000",
         "controllers[0].signals[0].max: ", "-32768 to 32767"},
        {"name: a, address: mw2, unsigned: true, min: @-1",
         "controllers[0].signals[0].min: ", "0 to 65535"},
        {"name: a, address: mb2, scale: -0.5, max: @65",
         "controllers[0].signals[0].max: ", "-63.5 to 64"},
        {"name: a, address: mw2, min_interval: @2s, max_interval: 1s",
         "controllers[0].signals[0].min_interval: ", "longer than max_interval"},
        {"name: a, address: mw2, min_interval: @25h",
         "controllers[0].signals[0].min_interval: ", "1ms to 24h, or off is"},
        {"name: a, address: mw2, values: {@x: open}",
         "controllers[0].signals[0].values.x: ", "must be a whole number"},
        {"name: a, address: mw2, values: {1: open, @+1: closed}",
         "controllers[0].signals[0].values.'+1': ", "duplicate number"},
        {"name: a, address: mw2, values: {1: open, 2: @open}",
         "controllers[0].signals[0].values.2: ", "already stands for another"},
        {"name: a, address: mw2, values: @[open]",
         "controllers[0].signals[0].values: ", "{0: open, 1: closed}"},
        {"name: a, address: m2, values: @{2: open}",
         "controllers[0].signals[0].values: ", "2 is not a value of this address; 0 to 1 are"},
        {"name: a, address: mf4, values: @{2: open}",
         "controllers[0].signals[0].values: ", "an f address has no texts"},
        {"name: a, address: mw2, feedback: @b",
         "controllers[0].signals[0].feedback: ", "there is no signal 'b'"},
        {"name: a, address: mw2, feedback: @a",
         "controllers[0].signals[0].feedback: ", "another signal"},
        {"name: a, address: mw2, events: @maybe",
         "controllers[0].signals[0].events: ", "true, false"},
        {"name: a, address: mw2, description: @'${NO_SUCH}'",
         "controllers[0].signals[0].description: ", "variable NO_SUCH is not set"},
        {"name: a, address: mw2, description: @'${9}'",
         "controllers[0].signals[0].description: ", "must be followed by the name"},
        {"name: a, address: mw2, description: @'x ${'",
         "controllers[0].signals[0].description: ", "must be followed by the name"},
    }));
}

TEST(Problems, OfYamlItselfHaveTheirPlace) {
    expect_one_problem({
        {"", " is empty", ""},
        {"# nothing\n", " is empty", ""},
        {"---\n", "", "empty"},
        {"- a\n", "1:1: ", "must hold keys"},
        {"a: b: c\n", "1:5: ", "not valid YAML: illegal map value"},
        {"a: [b\n", "", "not valid YAML: end of sequence flow not found"},
        {"log: {}\nlog: {level: \"\\q\"}\n", "2:", "not valid YAML: unknown escape character"},
        {"log: *x\n", "1:6: ", "an alias without its anchor"},
        {"log: !x y\n", "1:6: ", "tags are not supported"},
        {"a: b\n---\nc: d\n", "2:1: ", "a second document"},
        {"a:\n  \xff: b\n", "2:3: ", "not valid UTF-8"},
        {std::string("a: b\nc: \0d\n", 11), "2:4: ", "a control character"},
        {"a: b\n\x04", "2:1: ", "a control character"},
        {std::string(100'000, '['), "1:17: ", "nested too deep"},
        {std::string((16U << 20U) + 1, ' '), " ", "larger than 16"},
    });
}

}  // namespace
}  // namespace hi6gw::config
