// The password for the broker, from wherever it comes, is not to be found in anything that the
// programs say: logs at their most talkative, pages, topics, and what the subcommands print.

#include "support/net.h"
#include "system/judged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace hi6gw::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecret = "hunter2-7e57";

BrokerOptions guarded(const std::string& password) {
    BrokerOptions options;
    options.username = "gw";
    options.password = password;
    return options;
}

// What `hi6gw COMMAND -c` prints of a configuration.
std::string printed(const std::string& command, const std::string& yaml) {
    const TempDir directory;
    const Finished done =
        run({Gateway::program(), command, "-c", directory.file("c.yaml", yaml).string()});
    EXPECT_EQ(done.status, 0) << done.out << done.err;
    return done.out + done.err;
}

void expect_silence(const std::string& yaml, Gateway& gateway, const MqttProbe& probe) {
    std::string all = printed("check", yaml) + printed("topics", yaml);
    for (const char* page : {"/metrics", "/healthz", "/readyz", "/nothing"}) {
        all += gateway.get(page).body;
    }
    for (const Received& message : probe.messages()) {
        all += message.topic + message.payload;
    }
    EXPECT_EQ(gateway.stop(), 0);
    all += gateway.process().out() + gateway.process().err();
    EXPECT_THAT(all, HasSubstr("hi6gw_mqtt_connected"));
    EXPECT_THAT(all, HasSubstr("stopped"));
    EXPECT_THAT(all, Not(HasSubstr(kSecret)));
}

TEST(Secrets, AreSaidNowhere) {
    const TempDir directory;
    const std::string file = directory.file("pw", kSecret).string();
    std::ignore = directory.file("mqtt-password", kSecret);
    struct Row {
        std::string keys;
        const char* variable;
        std::string value;
    };
    const std::vector<Row> rows{
        {std::string("password: ") + kSecret, "UNUSED", ""},
        {"password_file: " + file, "UNUSED", ""},
        {"password: '${HI6GW_TEST_PASSWORD}'", "HI6GW_TEST_PASSWORD", kSecret},
        {"version: 5", "CREDENTIALS_DIRECTORY", directory.path().string()},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.keys);
        ::setenv(row.variable, row.value.c_str(),
                 1);  // NOLINT(concurrency-mt-unsafe): for children
        for (const bool right : {true, false}) {
            const Broker broker(guarded(right ? kSecret : "another"));
            const Simulator simulator;
            const MqttProbe probe(broker);
            const std::string yaml =
                "gateway: {id: line1}\nlog: {level: trace}\ndefaults: {poll: 20ms}\nmqtt: {url: "
                "\"" +
                broker.url() + "\", username: gw, " + row.keys + "}\n" +
                controller_yaml(simulator, "      - {name: a, address: fb2.di3}\n");
            Gateway gateway(yaml);
            if (right) {
                EXPECT_TRUE(becomes(probe, "a", "0"));
            } else {
                EXPECT_TRUE(gateway.process().wait_for_output(
                    "cannot connect: refused by the broker: Not authorized (0x87); trying again "
                    "every 30 s",
                    kPatience));
                EXPECT_THAT(gateway.get("/readyz").body,
                            HasSubstr("not connected to the broker: refused by the broker: Not "
                                      "authorized (0x87)"));
            }
            expect_silence(yaml, gateway, probe);
        }
        ::unsetenv(row.variable);  // NOLINT(concurrency-mt-unsafe)
    }
}

// H18. A directory in place of the file: root may read whatever is there.
TEST(Secrets, OnesThatCannotBeReadAgainLeaveTheOldInForce) {
    const TempDir directory;
    const std::string file = directory.file("pw", kSecret).string();
    const Broker broker(guarded(kSecret));
    const Simulator simulator;
    const MqttProbe probe(broker);
    Invariants invariants(broker);
    invariants.watch("r1", simulator, {{"a", "fb2.di3", false}});
    const std::string yaml = "gateway: {id: line1}\ndefaults: {poll: 20ms}\nmqtt: {url: \"" +
                             broker.url() + "\", username: gw, password_file: " + file + "}\n" +
                             controller_yaml(simulator, "      - {name: a, address: fb2.di3}\n");
    Gateway gateway(yaml);
    ASSERT_TRUE(becomes(probe, "a", "0"));
    const auto reason = [&] {
        const auto now = latest(probe, "hi6/gateway/line1/status");
        const auto* text = now.as_object().if_contains("reason");
        return text == nullptr ? std::string() : std::string(text->as_string());
    };
    int value = 0;
    for (const bool there : {false, true}) {
        SCOPED_TRACE(there ? "a directory" : "missing");
        std::filesystem::remove_all(file);
        if (there) {
            std::filesystem::create_directory(file);
        }
        ASSERT_TRUE(reloads(gateway, yaml, "refused")) << gateway.process().err();
        EXPECT_TRUE(eventually([&] { return reason().starts_with("config_error: "); }, kPatience));
        EXPECT_THAT(reason(), HasSubstr("mqtt.password_file"));
        value = 1 - value;
        simulator.set("fb2.di3", value);
        EXPECT_TRUE(becomes(probe, "a", std::to_string(value)));
    }
    std::filesystem::remove_all(file);
    std::ignore = directory.file("pw", kSecret);
    ASSERT_TRUE(reloads(gateway, yaml));
    EXPECT_TRUE(eventually([&] { return reason().empty(); }, kPatience));
    EXPECT_EQ(gateway.metric("hi6gw_mqtt_connects_total"), 1);
    expect_well(invariants, gateway);
    EXPECT_THAT(gateway.process().err(), Not(HasSubstr(kSecret)));
}

TEST(Secrets, InAUrlAreRefusedAndNotRepeated) {
    const TempDir directory;
    const std::string file =
        directory
            .file("c.yaml", std::string("mqtt: {url: \"mqtt://gw:") + kSecret +
                                "@127.0.0.1\"}\ncontrollers: [{name: r, url: http://127.0.0.1}]\n")
            .string();
    for (const char* command : {"check", "topics", "run"}) {
        const Finished done = run({Gateway::program(), command, "-c", file});
        EXPECT_EQ(done.status, 78);
        EXPECT_THAT(done.out + done.err, HasSubstr("do not belong into the URL"));
        EXPECT_THAT(done.out + done.err, Not(HasSubstr(kSecret)));
    }
}

}  // namespace
}  // namespace hi6gw::test
