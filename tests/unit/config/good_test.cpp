// Files that load, and the structs they become.

#include "config/loader.h"
#include "support.h"
#include "support/certificates.h"
#include "support/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hi6gw::config {
namespace {

using namespace std::chrono_literals;
using test::Files;
using test::with_controller;
using test::with_signals;
using testing::ElementsAre;
using testing::IsEmpty;

domain::SignalOptions options_with(const std::function<void(domain::SignalOptions&)>& change) {
    domain::SignalOptions options;
    change(options);
    return options;
}
Signal signal(std::string name, std::string_view address, domain::SignalOptions options = {}) {
    return {std::move(name), hi6::parse_address(address, hi6::IndexUnit::byte).value(),
            std::make_shared<const domain::SignalOptions>(std::move(options))};
}

Config must_load(Files& files, std::string_view text) {
    auto loaded = files.load(text);
    EXPECT_THAT(files.shown(loaded.problems), IsEmpty());
    return loaded.config.value_or(Config{});
}

TEST(Load, FillsInTheDefaults) {
    Files files;
    Config expected;
    expected.gateway = {"edge-7", "./state"};
    expected.mqtt.client_id = "hi6gw-edge-7";
    expected.controllers.push_back({});
    expected.controllers[0].name = "r1";
    expected.controllers[0].host = "10.0.0.1";
    expected.controllers[0].signals = {signal("a", "fb2.di3")};
    EXPECT_EQ(must_load(files, with_signals("    - {name: a, address: fb2.di3}")), expected);
}

TEST(Load, ReadsEveryKey) {
    Files files;
    files.write("secret/pw", "s3cret\n");
    const hi6gw::test::Authority authority;
    const hi6gw::test::Credentials ours = authority.issue();
    files.write("ca.pem", authority.certificate());
    files.write("c.pem", ours.certificate);
    files.write("k.pem", ours.key);
    files.write("maps/cell.yaml", "- {name: from_map, address: mw20, access: rw}\n");
    Config expected;
    expected.gateway = {"line1", "/var/lib/hi6gw"};
    expected.log = {"debug", "json"};
    expected.http = {true, "::1", 9000};
    expected.mqtt.tls_enabled = true;
    expected.mqtt.host = "broker.example";
    expected.mqtt.port = 8883;
    expected.mqtt.version = 3;
    expected.mqtt.client_id = "me";
    expected.mqtt.username = "gw";
    expected.mqtt.password = Secret("s3cret");
    expected.mqtt.password_file = files.directory() / "secret/pw";
    expected.mqtt.tls = {files.directory() / "ca.pem", files.directory() / "c.pem",
                         files.directory() / "k.pem", "other.example"};
    expected.mqtt.keep_alive = 120s;
    expected.mqtt.window = 7;
    expected.topics = {"plant/a",
                       "{prefix}/{controller}/s/{signal}",
                       "ev/{controller}/{signal}",
                       "{prefix}/set/{client}/{controller}/{signal}",
                       "{prefix}/result/{client}/{controller}/{signal}",
                       "{prefix}/{controller}/status-of-it",
                       "{prefix}/{controller}/missing",
                       "{prefix}/{gateway}/me"};
    expected.payload = PayloadFormat::raw;
    expected.commands = {CommandMode::dry_run, 1500ms};
    expected.events = {std::uint64_t{1} << 30U, 2h, 5ms};
    Controller one;
    one.name = "r1";
    one.host = "fd00::1";
    one.port = 80;
    one.system_version = "V60.34-05";
    one.timeout = 250ms;
    one.max_load = 0.125;
    one.block_read = BlockMode::on;
    one.index_unit = hi6::IndexUnit::element;
    one.max_block_words = 250;
    const auto base = options_with([](auto& o) {
        o.poll = 20ms;
        o.qos = 0;
        o.retain = false;
        o.unit = "A";
    });
    auto map = base;
    map.writable = true;
    auto all = base;
    all.poll = 1h;
    all.writable = true;
    all.is_unsigned = true;
    all.scaled = true;
    all.scale = 0.5;
    all.offset = -10;
    all.unit = "°C";
    all.texts = {{0, "cold"}, {7, "hot"}};
    all.deadband = 0.25;
    all.min_interval = 100ms;
    all.max_interval = 1min;
    all.min = 0;
    all.max = 99.5;
    all.qos = 2;
    all.retain = true;
    all.events = true;
    all.verify = false;
    all.feedback = "from_map";
    all.description = "x y";
    auto bit = base;
    bit.invert = true;
    one.signals = {signal("from_map", "mw20", map), signal("a/b", "fb2.dow3", all),
                   signal("bit", "fb2.di3", bit)};
    expected.controllers.push_back(one);
    EXPECT_EQ(must_load(files, R"(
gateway: {id: line1, state_dir: /var/lib/hi6gw}
log: {level: debug, format: json}
http: {listen: "[::1]:9000"}
mqtt:
  url: mqtts://broker.example
  version: 3.1.1
  client_id: me
  username: gw
  password_file: secret/pw
  tls: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem, server_name: other.example}
  keep_alive: 2min
  window: 7
topics:
  prefix: plant/a
  state: "{prefix}/{controller}/s/{signal}"
  event: "ev/{controller}/{signal}"
  set: "{prefix}/set/{client}/{controller}/{signal}"
  result: "{prefix}/result/{client}/{controller}/{signal}"
  status: "{prefix}/{controller}/status-of-it"
  gap: "{prefix}/{controller}/missing"
  gateway: "{prefix}/{gateway}/me"
payload: {format: raw}
commands: {mode: dry_run, ttl: 1500ms}
events: {max_size: 1GiB, max_age: 2h, commit: 5ms}
defaults: {poll: 20ms, qos: 0, retain: false, unit: A}
controllers:
  - name: r1
    url: http://[fd00::1]:80/
    system_version: V60.34-05
    timeout: 250ms
    max_load: 12.5%
    block_read: on
    index_unit: element
    max_block: 250
    signal_map: maps/cell.yaml
    signals:
      - name: a/b
        address: fb2.dow3
        access: rw
        poll: 1h
        unsigned: true
        scale: 0.5
        offset: -10
        unit: "°C"
        values: {7: hot, 0: cold}
        deadband: 0.25
        min_interval: 100ms
        max_interval: 60s
        min: 0
        max: 99.5
        qos: 2
        retain: true
        events: true
        verify: false
        feedback: from_map
        description: x y
      - {name: bit, address: fb2.di3, invert: true}
)"),
              expected);
}

TEST(Load, TheExampleIsRightAndWritesNothing) {
    const Files files;
    const auto loaded =
        load(std::filesystem::path(SOURCE_DIR) / "config/hi6gw.yaml", files.environment());
    EXPECT_THAT(files.shown(loaded.problems), IsEmpty());
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->controllers[0].signals.size(), 70U);
    for (const auto& one : loaded.config->controllers[0].signals) {
        EXPECT_FALSE(one.options->writable) << one.name;
    }
}

}  // namespace
}  // namespace hi6gw::config
