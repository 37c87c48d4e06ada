// What a change in the file leads to, and what it leaves alone.

#include "app/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace hi6gw::app {
namespace {

using namespace std::chrono_literals;
using config::Config;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;
using Strings = std::vector<std::string>;

config::Signal signal(const std::string& name, bool retain = true) {
    auto options = std::make_shared<domain::SignalOptions>();
    options->retain = retain;
    return {name, hi6::parse_address("fb2.do3", hi6::IndexUnit::byte).value(), std::move(options)};
}

config::Controller controller(const std::string& name, std::vector<config::Signal> signals) {
    config::Controller out;
    out.name = name;
    out.host = name;
    out.signals = std::move(signals);
    return out;
}

Config usual() {
    Config out;
    out.gateway = {"line1", "state"};
    out.mqtt.client_id = "hi6gw-line1";
    out.controllers.push_back(controller("r1", {signal("a"), signal("b"), signal("c", false)}));
    out.controllers.push_back(controller("r2", {signal("d")}));
    return out;
}

const Strings kOfR1{"hi6/r1/status", "hi6/r1/state/a", "hi6/r1/state/b"};
const Strings kOfR2{"hi6/r2/status", "hi6/r2/state/d"};

struct Case {
    const char* what;
    std::function<void(Config&)> change;
    // What it leads to; all else must not be.
    std::function<void(Reload&)> wanted;
};

void expect(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Reload wanted;
        one.wanted(wanted);
        Config fresh = usual();
        one.change(fresh);
        const Reload plan = plan_reload(std::make_shared<const Config>(usual()), std::move(fresh));
        EXPECT_EQ(plan.nothing, wanted.nothing);
        EXPECT_EQ(plan.session, wanted.session);
        EXPECT_EQ(plan.farewell, wanted.farewell);
        EXPECT_EQ(plan.lanes, wanted.lanes);
        EXPECT_EQ(plan.level, wanted.level);
        EXPECT_EQ(plan.restart, wanted.restart);
        EXPECT_THAT(plan.unused, UnorderedElementsAreArray(wanted.unused));
        EXPECT_THAT(plan.used, UnorderedElementsAreArray(wanted.used));
        EXPECT_EQ(plan.added, wanted.added);
        EXPECT_EQ(plan.changed, wanted.changed);
        EXPECT_EQ(plan.removed, wanted.removed);
    }
}

TEST(ReloadPlan, OfWhatIsTheGatewaysOwn) {
    const auto needs_restart = [](const char* key) {
        return [key](Reload& r) {
            r.nothing = true;
            r.restart = {key};
        };
    };
    const auto nothing_more = [](Reload&) {};
    expect({
        {"nothing", [](Config&) {}, [](Reload& r) { r.nothing = true; }},
        {"log level", [](Config& c) { c.log.level = "debug"; }, [](Reload& r) { r.level = true; }},
        {"log format", [](Config& c) { c.log.format = "json"; }, needs_restart("log.format")},
        {"state directory", [](Config& c) { c.gateway.state_dir = "elsewhere"; },
         needs_restart("gateway.state_dir")},
        {"operations server", [](Config& c) { c.http.port = 1; }, needs_restart("http")},
        {"event journal", [](Config& c) { c.events.commit = 5ms; }, needs_restart("events")},
        {"id, and with it the default client id",
         [](Config& c) {
             c.gateway.id = "line2";
             c.mqtt.client_id = "hi6gw-line2";
         },
         needs_restart("gateway.id")},
        {"id, and a client id of one's own",
         [](Config& c) {
             c.gateway.id = "line2";
             c.mqtt.client_id = "mine";
         },
         [](Reload& r) {
             r.restart = {"gateway.id"};
             r.session = true;
         }},
        {"commands", [](Config& c) { c.commands.mode = config::CommandMode::dry_run; },
         nothing_more},
    });
}

TEST(ReloadPlan, OfTheBroker) {
    const auto connects_anew = [](Reload& r) { r.session = true; };
    const auto moves = [](Reload& r) { r.session = r.farewell = true; };
    expect({
        {"password", [](Config& c) { c.mqtt.password = config::Secret("new"); }, connects_anew},
        {"client id", [](Config& c) { c.mqtt.client_id = "mine"; }, connects_anew},
        {"keep alive", [](Config& c) { c.mqtt.keep_alive = 5s; }, connects_anew},
        {"certificate", [](Config& c) { c.mqtt.tls.cert_file = "new.pem"; }, connects_anew},
        {"host", [](Config& c) { c.mqtt.host = "other"; }, moves},
        {"port", [](Config& c) { c.mqtt.port = 1884; }, moves},
    });
}

TEST(ReloadPlan, OfTopicsAndPayload) {
    Strings all = kOfR1;
    all.insert(all.end(), kOfR2.begin(), kOfR2.end());
    expect({
        {"prefix: every topic", [](Config& c) { c.topics.prefix = "plant"; },
         [&all](Reload& r) {
             r.lanes = r.session = r.farewell = true;
             r.unused = all;
             r.unused.emplace_back("hi6/gateway/line1/status");
             for (const std::string& topic : all) {
                 r.used.push_back("plant" + topic.substr(3));
             }
             r.used.emplace_back("plant/gateway/line1/status");
         }},
        {"that of the gateway", [](Config& c) { c.topics.gateway = "gateways/{gateway}"; },
         [&all](Reload& r) {
             r.lanes = r.session = r.farewell = true;
             r.used = all;
             r.used.emplace_back("gateways/line1");
             r.unused = {"hi6/gateway/line1/status"};
         }},
        {"that of commands: nothing retained is left",
         [](Config& c) { c.topics.set = "{prefix}/{controller}/{client}/set/{signal}"; },
         [&all](Reload& r) {
             r.lanes = true;
             r.used = all;
         }},
        {"payload: every message is another one",
         [](Config& c) { c.payload = config::PayloadFormat::raw; },
         [&all](Reload& r) {
             r.lanes = true;
             r.used = all;
         }},
    });
}

TEST(ReloadPlan, OfControllersAndSignals) {
    const auto same_topics = [](Reload& r) {
        r.changed = 1;
        r.used = kOfR1;
    };
    expect({
        {"time-out", [](Config& c) { c.controllers[0].timeout = 5s; }, same_topics},
        {"another address", [](Config& c) { c.controllers[0].host = "elsewhere"; }, same_topics},
        {"its identity", [](Config& c) { c.controllers[0].system_version = "V1"; }, same_topics},
        {"order",
         [](Config& c) {
             Config other;
             other.controllers.push_back(c.controllers[1]);
             other.controllers.push_back(c.controllers[0]);
             c.controllers = other.controllers;
         },
         [](Reload&) {}},
        {"a signal goes",
         [](Config& c) { c.controllers[0].signals.erase(c.controllers[0].signals.begin()); },
         [](Reload& r) {
             r.changed = 1;
             r.used = {kOfR1[0], kOfR1[2]};
             r.unused = {"hi6/r1/state/a"};
         }},
        {"a signal has another name", [](Config& c) { c.controllers[0].signals[0].name = "e"; },
         [](Reload& r) {
             r.changed = 1;
             r.used = {kOfR1[0], "hi6/r1/state/e", kOfR1[2]};
             r.unused = {"hi6/r1/state/a"};
         }},
        {"a signal is not retained any more",
         [](Config& c) { c.controllers[0].signals[0] = signal("a", false); },
         [](Reload& r) {
             r.changed = 1;
             r.used = {kOfR1[0], kOfR1[2]};
             r.unused = {"hi6/r1/state/a"};
         }},
        {"a signal that was never retained goes",
         [](Config& c) { c.controllers[0].signals.pop_back(); }, same_topics},
        {"a controller goes", [](Config& c) { c.controllers.pop_back(); },
         [](Reload& r) {
             r.removed = 1;
             r.unused = kOfR2;
         }},
        {"a controller comes",
         [](Config& c) { c.controllers.push_back(controller("r3", {signal("e")})); },
         [](Reload& r) {
             r.added = 1;
             r.used = {"hi6/r3/status", "hi6/r3/state/e"};
         }},
        {"a controller has another name: its topics are others",
         [](Config& c) { c.controllers[1].name = "r3"; },
         [](Reload& r) {
             r.added = r.removed = 1;
             r.used = {"hi6/r3/status", "hi6/r3/state/d"};
             r.unused = kOfR2;
         }},
        // What another one fills now must not be deleted.
        {"two change places",
         [](Config& c) {
             c.controllers[0].name = "r2";
             c.controllers[1].name = "r1";
         },
         [](Reload& r) {
             r.changed = 2;
             r.used = {"hi6/r2/status", "hi6/r2/state/a", "hi6/r2/state/b", "hi6/r1/status",
                       "hi6/r1/state/d"};
             r.unused = {"hi6/r1/state/a", "hi6/r1/state/b", "hi6/r2/state/d"};
         }},
    });
}

TEST(ReloadPlan, WhatHasNotChangedIsTheSameObject) {
    const auto old = std::make_shared<const Config>(usual());
    Config fresh = usual();
    fresh.controllers[1].timeout = 5s;
    fresh.gateway.state_dir = "elsewhere";
    const Reload plan = plan_reload(old, std::move(fresh));
    EXPECT_EQ(&plan.config->controllers[0], &old->controllers[0]);
    EXPECT_NE(&plan.config->controllers[1], &old->controllers[1]);
    EXPECT_EQ(plan.config->controllers[1].timeout, 5s);
    EXPECT_EQ(plan.config->gateway.state_dir, "state") << "as long as it runs";
    EXPECT_FALSE(plan.nothing);
    EXPECT_THAT(plan.unused, IsEmpty());
}

}  // namespace
}  // namespace hi6gw::app
