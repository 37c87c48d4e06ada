// What a configuration that is read again changes, and that config/README.md says so of each key.

#include "app/reload.h"

#include "app/owners.h"
#include "support/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <set>

namespace hi6gw::app {
namespace {

using namespace std::chrono_literals;
using config::Config;
using domain::SignalOptions;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

config::Signal signal(const std::string& name, const std::string& address,
                      SignalOptions options = {}) {
    return {name, hi6::parse_address(address, hi6::IndexUnit::byte).value(),
            std::make_shared<SignalOptions>(std::move(options))};
}

Config usual() {
    Config config;
    config.gateway.id = "line1";
    config.mqtt.client_id = "hi6gw-line1";
    for (const char* name : {"r1", "r2"}) {
        config::Controller& controller = config.controllers.emplace_back();
        controller.name = name;
        controller.host = std::string("10.0.0.") + name[1];
        controller.signals.push_back(signal("a", "mw20"));
    }
    return config;
}

Reload plan(const std::function<void(Config&)>& change) {
    Config fresh = usual();
    change(fresh);
    return plan_reload(std::make_shared<const Config>(usual()), std::move(fresh));
}

// ---- the column "Reload"

// {key: what the column says}
std::map<std::string, std::string> column() {
    std::map<std::string, std::string> out;
    std::ifstream file(SOURCE_DIR "/config/README.md");
    std::string line;
    while (std::getline(file, line)) {
        std::vector<std::string> cells;
        for (std::size_t at = line.find("| "); at != std::string::npos;) {
            const std::size_t end = line.find(" |", at + 1);
            if (end == std::string::npos) {
                break;
            }
            cells.push_back(line.substr(at + 2, end > at + 2 ? end - at - 2 : 0));
            at = line.find('|', end);
        }
        if (cells.size() >= 6 && cells[0].starts_with('`') && !cells[4].empty()) {
            out[cells[0].substr(1, cells[0].size() - 2)] = cells[4];
        }
    }
    return out;
}

std::function<void(Config&)> of_controller(std::function<void(config::Controller&)> change) {
    return [change = std::move(change)](Config& config) { change(config.controllers[0]); };
}

std::function<void(Config&)> of_signal(std::function<void(SignalOptions&)> change) {
    return of_controller([change = std::move(change)](config::Controller& controller) {
        auto options = std::make_shared<SignalOptions>(*controller.signals[0].options);
        change(*options);
        controller.signals[0].options = std::move(options);
    });
}

// A change of each key, as the loader would bring it about.
using Changes = std::map<std::string, std::function<void(Config&)>>;

Changes changes_of_sections() {
    return {
        {"gateway.id", [](Config& c) { c.gateway.id = "line2"; }},
        {"gateway.state_dir", [](Config& c) { c.gateway.state_dir = "/x"; }},
        {"log.level", [](Config& c) { c.log.level = "debug"; }},
        {"log.format", [](Config& c) { c.log.format = "json"; }},
        {"http.listen", [](Config& c) { c.http.port = 1; }},
        {"mqtt.url", [](Config& c) { c.mqtt.host = "broker"; }},
        {"mqtt.version", [](Config& c) { c.mqtt.version = 3; }},
        {"mqtt.client_id", [](Config& c) { c.mqtt.client_id = "x"; }},
        {"mqtt.username", [](Config& c) { c.mqtt.username = "x"; }},
        {"mqtt.password", [](Config& c) { c.mqtt.password = config::Secret("x"); }},
        {"mqtt.password_file", [](Config& c) { c.mqtt.password = config::Secret("y"); }},
        {"mqtt.tls.ca_file", [](Config& c) { c.mqtt.tls.ca_file = "x"; }},
        {"mqtt.tls.cert_file", [](Config& c) { c.mqtt.tls.cert_file = "x"; }},
        {"mqtt.tls.key_file", [](Config& c) { c.mqtt.tls.key_file = "x"; }},
        {"mqtt.tls.server_name", [](Config& c) { c.mqtt.tls.server_name = "x"; }},
        {"mqtt.keep_alive", [](Config& c) { c.mqtt.keep_alive = 1s; }},
        {"mqtt.window", [](Config& c) { c.mqtt.window = 1; }},
        {"topics.prefix", [](Config& c) { c.topics.prefix = "x"; }},
        {"topics.state", [](Config& c) { c.topics.state = "x/{controller}/{signal}"; }},
        {"topics.event", [](Config& c) { c.topics.event = "x/{controller}/{signal}"; }},
        {"topics.set", [](Config& c) { c.topics.set = "x/{controller}/{signal}"; }},
        {"topics.result", [](Config& c) { c.topics.result = "x/{controller}/{signal}"; }},
        {"topics.status", [](Config& c) { c.topics.status = "x/{controller}"; }},
        {"topics.gap", [](Config& c) { c.topics.gap = "x/{controller}"; }},
        {"topics.gateway", [](Config& c) { c.topics.gateway = "x"; }},
        {"payload.format", [](Config& c) { c.payload = config::PayloadFormat::raw; }},
        {"commands.mode", [](Config& c) { c.commands.mode = config::CommandMode::disabled; }},
        {"commands.ttl", [](Config& c) { c.commands.ttl = 1s; }},
        {"events.max_size", [](Config& c) { c.events.max_size = 1; }},
        {"events.max_age", [](Config& c) { c.events.max_age = 1s; }},
        {"events.commit", [](Config& c) { c.events.commit = 1s; }},
        {"controllers", [](Config& c) { c.controllers.pop_back(); }},
    };
}

Changes changes_of_controllers() {
    const auto another_signal = of_controller(
        [](config::Controller& controller) { controller.signals.push_back(signal("b", "mw22")); });
    return {
        {"controllers[].name", of_controller([](auto& c) { c.name = "x"; })},
        {"controllers[].url", of_controller([](auto& c) { c.host = "x"; })},
        {"controllers[].system_version", of_controller([](auto& c) { c.system_version = "x"; })},
        {"controllers[].timeout", of_controller([](auto& c) { c.timeout = 2s; })},
        {"controllers[].max_load", of_controller([](auto& c) { c.max_load = 1; })},
        {"controllers[].block_read",
         of_controller([](auto& c) { c.block_read = config::BlockMode::off; })},
        {"controllers[].index_unit",
         of_controller([](auto& c) { c.index_unit = hi6::IndexUnit::element; })},
        {"controllers[].max_block", of_controller([](auto& c) { c.max_block_words = 1; })},
        {"controllers[].signal_map", another_signal},
        {"controllers[].signals", another_signal},
        {"controllers[].signals[].for", another_signal},
    };
}

Changes changes_of_signals() {
    const std::string s = "controllers[].signals[].";
    return {
        {s + "name", of_controller([](auto& c) { c.signals[0].name = "x"; })},
        {s + "address", of_controller([](auto& c) { c.signals[0] = signal("a", "mw30"); })},
        {s + "access", of_signal([](auto& o) { o.writable = true; })},
        {s + "poll", of_signal([](auto& o) { o.poll = 1s; })},
        {s + "invert", of_signal([](auto& o) { o.invert = true; })},
        {s + "unsigned", of_signal([](auto& o) { o.is_unsigned = true; })},
        {s + "scale", of_signal([](auto& o) { o.scale = 2; })},
        {s + "offset", of_signal([](auto& o) { o.offset = 2; })},
        {s + "unit", of_signal([](auto& o) { o.unit = "x"; })},
        {s + "values", of_signal([](auto& o) { o.texts = {{0, "x"}}; })},
        {s + "deadband", of_signal([](auto& o) { o.deadband = 2; })},
        {s + "min_interval", of_signal([](auto& o) { o.min_interval = 1s; })},
        {s + "max_interval", of_signal([](auto& o) { o.max_interval = 1s; })},
        {s + "min", of_signal([](auto& o) { o.min = 1; })},
        {s + "max", of_signal([](auto& o) { o.max = 1; })},
        {s + "qos", of_signal([](auto& o) { o.qos = 0; })},
        {s + "retain", of_signal([](auto& o) { o.retain = false; })},
        {s + "events", of_signal([](auto& o) { o.events = true; })},
        {s + "verify", of_signal([](auto& o) { o.verify = false; })},
        {s + "feedback", of_signal([](auto& o) { o.feedback = "b"; })},
        {s + "description", of_signal([](auto& o) { o.description = "x"; })},
    };
}

Changes changes() {
    Changes all = changes_of_sections();
    all.merge(changes_of_controllers());
    all.merge(changes_of_signals());
    return all;
}

TEST(ReloadColumn, IsTrueOfEachKey) {
    const auto says = column();
    const auto change_of = changes();
    ASSERT_EQ(says.size(), change_of.size());
    const Config before = usual();
    for (const auto& [key, word] : says) {
        SCOPED_TRACE(key);
        ASSERT_TRUE(change_of.contains(key));
        const Reload reload = plan(change_of.at(key));
        const Config& after = *reload.config;
        const config::Controller& then = before.controllers[0];
        const config::Controller& now = after.controllers[0];
        const bool moved = !same_place(then, now) ||
                           then.system_version != now.system_version;  // see PacedClient::expect
        EXPECT_EQ(word, !reload.restart.empty()   ? "restart"
                        : reload.session || moved ? "reconnects"
                                                  : "yes");
        if (!reload.restart.empty()) {  // and only a restart
            EXPECT_TRUE(reload.nothing);
            EXPECT_EQ(after, before);
            EXPECT_THAT(reload.restart,
                        testing::Contains(testing::ResultOf(
                            [&key](const std::string& said) { return key.starts_with(said); },
                            testing::IsTrue())));
        }
    }
}

// ---- what is left alone, and what is left behind

TEST(ReloadPlan, OfTheSameFileIsNothing) {
    const Reload reload = plan([](Config&) {});
    EXPECT_TRUE(reload.nothing);
    EXPECT_FALSE(reload.session || reload.lanes || reload.level);
    EXPECT_THAT(reload.unused, IsEmpty());
    EXPECT_EQ(reload.added + reload.changed + reload.removed, 0U);
}

TEST(ReloadPlan, AControllerThatIsTheSameStaysTheSameObject) {
    const auto before = std::make_shared<const Config>(usual());
    Config fresh = usual();
    fresh.controllers[1].timeout = 2s;
    const Reload reload = plan_reload(before, std::move(fresh));
    EXPECT_EQ(&reload.config->controllers[0], &before->controllers[0]);
    EXPECT_NE(&reload.config->controllers[1], &before->controllers[1]);
    EXPECT_EQ(reload.changed, 1U);
}

TEST(ReloadPlan, TopicsWithoutAnOwnerAreNamed) {
    const auto removed = plan([](Config& c) { c.controllers.pop_back(); });
    EXPECT_THAT(removed.unused, UnorderedElementsAre("hi6/r2/status", "hi6/r2/state/a"));
    EXPECT_EQ(removed.removed, 1U);
    const auto renamed =
        plan(of_controller([](auto& controller) { controller.signals[0].name = "b"; }));
    EXPECT_THAT(renamed.unused, ElementsAre("hi6/r1/state/a"));
    const auto no_more = plan(of_signal([](SignalOptions& options) { options.retain = false; }));
    EXPECT_THAT(no_more.unused, ElementsAre("hi6/r1/state/a"));
    const auto elsewhere = plan([](Config& c) { c.topics.prefix = "x"; });
    EXPECT_THAT(elsewhere.unused,
                UnorderedElementsAre("hi6/r1/status", "hi6/r1/state/a", "hi6/r2/status",
                                     "hi6/r2/state/a", "hi6/gateway/line1/status"));
    EXPECT_TRUE(elsewhere.farewell && elsewhere.lanes);
}

// The default client id follows the gateway's id, which takes a restart.
TEST(ReloadPlan, AnotherGatewayIdDoesNotReconnectUnderANewName) {
    const Reload reload = plan([](Config& c) {
        c.gateway.id = "line2";
        c.mqtt.client_id = "hi6gw-line2";
    });
    EXPECT_FALSE(reload.session);
    EXPECT_EQ(reload.config->mqtt.client_id, "hi6gw-line1");
}

// ---- a second gateway

TEST(Owners, NoticeAnotherSessionAndForgetItAfterAnHour) {
    Owners owners("ours");
    owners.configure(usual());
    EXPECT_THAT(owners.filters(), ElementsAre("hi6/r1/status", "hi6/r2/status"));
    Steady::time_point now{24h};
    const auto look = [&](const char* payload, bool stored = false) {
        return owners.look("hi6/r1/status", payload, stored, now);
    };
    for (const char* harmless : {R"({"session":"ours"})", "{}", "", "nonsense", "[]", "null",
                                 R"({"session":7})", R"({"state":"online"})"}) {
        EXPECT_FALSE(look(harmless)) << harmless;
    }
    EXPECT_FALSE(look(R"({"session":"theirs"})", true)) << "what lay in the broker may be old";
    EXPECT_EQ(owners.shared(now), "");
    const auto first = look(R"({"session":"theirs"})");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->controller, "r1");
    EXPECT_TRUE(first->news && first->answer);
    now += 10s;
    const auto again = look(R"({"session":"theirs"})");
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->news || again->answer) << "two gateways must not answer each other";
    EXPECT_EQ(owners.shared(now), "r1");
    owners.configure(usual());
    EXPECT_EQ(owners.shared(now), "r1") << "a reload does not forget it";
    EXPECT_EQ(owners.shared(now + Owners::kRemembered), "");
}

}  // namespace
}  // namespace hi6gw::app
