// The control interface over its own port.

#include "component/sim/raw_client.h"
#include "component/sim/sim_thread.h"
#include "sim/json.h"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include <fstream>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

// Status and body of one request on a connection of its own.
std::pair<std::string, std::string> call(std::uint16_t port, const std::string& request) {
    RawClient client(port);
    auto closing = request;
    closing.insert(closing.find("\r\n") + 2, "Connection: close\r\n");
    client.send(closing);
    EXPECT_EQ(client.read_to_end(), End::fin);
    const auto& all = client.received();
    const auto body = all.find("\r\n\r\n");
    return {all.substr(9, 3), body == std::string::npos ? "" : all.substr(body + 4)};
}

class SimControl : public testing::Test {
  protected:
    std::pair<std::string, std::string> control(const std::string& request) {
        return call(sim_.control_port(), request);
    }
    void expect_ok(const std::string& request) {
        const auto [status, body] = control(request);
        EXPECT_EQ(status, "200") << body;
    }
    SimThread sim_;
};

TEST_F(SimControl, ReadsAndWritesAnyRelay) {
    expect_ok(post("/memory", R"({"name":"fb1.diw20","value":-5})"));
    EXPECT_EQ(control(get("/memory?name=fb1.diw20")).second, R"({"name":"fb1.diw20","value":-5})");
    expect_ok(post("/memory",
                   R"([{"name":"fb2.di3","value":true},{"name":"sol4","values":[1,-2,3.0]},)"
                   R"({"name":"m6","values":[1,0,1,1]},{"name":"fb2.dif8","value":2.5}])"));
    EXPECT_EQ(sim_.bits("fb2.di3"), 1U);
    EXPECT_EQ(sim_.bits("sol8"), 0xFFFFFFFEU);
    EXPECT_EQ(sim_.bits("mw0"), 0x340U);
    EXPECT_EQ(control(get("/memory?name=fb2.dif8&name=sol12")).second,
              "[{\"name\":\"fb2.dif8\",\"value\":2.5},\n{\"name\":\"sol12\",\"value\":3}]");
}

TEST_F(SimControl, AListIsAppliedWholeOrNotAtAll) {
    for (const char* const wrong :
         {R"([{"name":"mb0","value":1},{"name":"mb1","value":256}])",
          R"([{"name":"mb0","value":1},{"name":"nope","value":1}])",
          R"([{"name":"mb0","value":1},5])", R"({"name":"mb0"})",
          R"({"name":"mb0","value":1,"values":[1]})", R"({"name":"mb0","value":null})",
          R"([{"name":"mb0","value":1},{"name":"fb2.dib119","values":[1,2]}])", R"(})"}) {
        EXPECT_EQ(control(post("/memory", wrong)).first, "400") << wrong;
    }
    EXPECT_EQ(sim_.bits("ml0"), 0U);
    EXPECT_EQ(sim_.bits("fb2.dib119"), 0U);
    EXPECT_EQ(control(get("/memory")).first, "400");
    EXPECT_EQ(control(get("/memory?name=fb2.di960")).first, "400");
}

TEST_F(SimControl, ShowsTheLogAndForgetsIt) {
    call(sim_.port(), kWrite);
    call(sim_.port(), get("/nope"));
    const auto log = sim::parse_object(control(get("/log?since=0")).second).value();
    const auto& entries = log.at("entries").as_array();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[0].at("method").as_string(), "POST");
    EXPECT_EQ(entries[0].at("status").as_int64(), 200);
    EXPECT_TRUE(entries[0].at("applied").as_bool());
    EXPECT_TRUE(entries[0].at("close").as_bool());
    EXPECT_EQ(entries[1].at("target").as_string(), "/nope");
    EXPECT_EQ(entries[1].at("status").as_int64(), 404);
    EXPECT_EQ(entries[1].at("conn").as_int64(), 2);
    EXPECT_EQ(
        sim::parse_object(control(get("/log?since=1")).second)->at("entries").as_array().size(),
        1U);
    EXPECT_EQ(
        sim::parse_object(control(get("/log?limit=1")).second)->at("entries").as_array().size(),
        1U);
    expect_ok(with_body("DELETE", "/log", ""));
    EXPECT_TRUE(sim::parse_object(control(get("/log")).second)->at("entries").as_array().empty());
    EXPECT_EQ(sim::parse_json(control(get("/connections")).second)->as_array().size(), 2U);
}

TEST_F(SimControl, ControlRequestsAreNotCounted) {
    call(sim_.port(), kRead);
    const auto stats = sim::parse_object(control(get("/stats")).second).value();
    EXPECT_EQ(stats.at("connections_total").as_int64(), 1);
    EXPECT_EQ(stats.at("requests_total").as_int64(), 1);
    EXPECT_EQ(stats.at("reads").as_int64(), 1);
}

TEST_F(SimControl, AddsListsAndClearsFaults) {
    expect_ok(post("/faults", R"([{"path":"api_ver","action":"status","status":503,"count":-1}])"));
    EXPECT_EQ(call(sim_.port(), get("/api_ver")).first, "503");
    EXPECT_EQ(call(sim_.port(), get("/project/rgen")).first, "200");
    EXPECT_EQ(
        control(get("/faults")).second,
        R"([{"path":"api_ver","method":"*","action":"status","count":-1,"skip":0,"hits":1}])");
    EXPECT_EQ(control(post("/faults", R"({"action":"nope"})")).first, "400");
    expect_ok(with_body("DELETE", "/faults", ""));
    EXPECT_EQ(call(sim_.port(), get("/api_ver")).first, "200");
}

TEST_F(SimControl, RefusesConnectionsUntilToldOtherwise) {
    RawClient kept(sim_.port());
    kept.send(kRead);
    ASSERT_TRUE(kept.read_until("}"));
    expect_ok(post("/control", R"({"refuse_connections":true})"));
    EXPECT_FALSE(RawClient(sim_.port()).connected());
    kept.take();
    kept.send(kRead);
    EXPECT_TRUE(kept.read_until("}"));
    expect_ok(post("/control", R"({"refuse_connections":false})"));
    EXPECT_EQ(call(sim_.port(), get("/api_ver")).second, "5");
}

TEST_F(SimControl, DropsConnections) {
    RawClient client(sim_.port());
    client.send(kRead);
    ASSERT_TRUE(client.read_until("}"));
    expect_ok(post("/control", R"({"drop_connections":true})"));
    EXPECT_EQ(client.read_to_end(), End::reset);
}

TEST_F(SimControl, ARebootDropsZeroesAndComesBack) {
    expect_ok(post("/memory", R"([{"name":"fb2.dob3","value":7},{"name":"fb2.dib3","value":8}])"));
    RawClient client(sim_.port());
    client.send(kRead);
    ASSERT_TRUE(client.read_until("}"));
    expect_ok(post("/control", R"({"reboot":1000})"));
    EXPECT_FALSE(RawClient(sim_.port()).connected());
    EXPECT_EQ(client.read_to_end(), End::reset);
    EXPECT_EQ(sim_.bits("fb2.dob3"), 0U);
    EXPECT_EQ(sim_.bits("fb2.dib3"), 8U);
    ASSERT_TRUE(sim_.eventually([](auto& s) { return !s.refusing(); }));
    EXPECT_EQ(call(sim_.port(), get("/api_ver")).second, "5");
}

TEST_F(SimControl, ARequestInServiceDuringARebootIsLost) {
    expect_ok(post("/control", R"({"post_time":"1h"})"));
    RawClient client(sim_.port());
    client.send(kWrite);
    ASSERT_TRUE(sim_.eventually([](auto& s) { return s.log().stats().requests_open == 1; }));
    expect_ok(post("/control", R"({"reboot":0})"));
    EXPECT_EQ(client.read_to_end(), End::reset);
    ASSERT_TRUE(sim_.eventually([](auto& s) { return s.log().stats().requests_open == 0; }));
    EXPECT_EQ(sim_.bits("fb2.dob3"), 0U);
    EXPECT_EQ(sim_.stats().writes_applied, 0U);
}

TEST_F(SimControl, ChangesServiceTimesAndRobotState) {
    expect_ok(post("/control", R"({"get_time":"60ms","robot":{"motor":2,"cur_mode":1}})"));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(call(sim_.port(), get("/project/robot/motor_on_state")).second,
              R"({"_type":"JObject","val":2})");
    EXPECT_GE(std::chrono::steady_clock::now() - start, 60ms);
    for (const char* const wrong :
         {R"({"get_time":5})", R"({"get_time":"soon"})", R"({"robot":{"colour":1}})",
          R"({"reboot":-1})", R"({"explode":true})", R"([])", ""}) {
        EXPECT_EQ(control(post("/control", wrong)).first, "400") << wrong;
    }
}

TEST_F(SimControl, PointsToTheHelpForAnythingElse) {
    EXPECT_EQ(control(get("/")).first, "404");
    EXPECT_EQ(control(with_body("PUT", "/memory", "{}")).first, "404");
    EXPECT_NE(control(get("/")).second.find("hi6sim --help"), std::string::npos);
    RawClient client(sim_.control_port());
    client.send("rubbish\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), End::fin);
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 400 "));
}

TEST(SimScenario, ReactsToTheApiAndToTheControlInterface) {
    const auto file = testing::TempDir() + "reaction.yaml";
    std::ofstream(file) << "steps:\n  - {when: fb2.dob3, set: fb2.dib3, after: 5ms}\n"
                           "  - {every: 10ms, counter: mw0, to: 30000}\n";
    sim::Options options;
    options.scenario_file = file;
    SimThread sim(options);
    const auto input = [](std::uint32_t value) {
        return [value](sim::Simulator& s) {
            return s.memory().bits(*s.memory().place("fb2.dib3", sim::IndexUnit::byte)) == value;
        };
    };
    RawClient client(sim.port());
    client.send(kWrite);
    EXPECT_TRUE(sim.eventually(input(121)));
    call(sim.control_port(), post("/memory", R"({"name":"fb2.dob3","value":5})"));
    EXPECT_TRUE(sim.eventually(input(5)));
    EXPECT_TRUE(sim.eventually([](sim::Simulator& s) {
        return s.memory().bits(*s.memory().place("mw0", sim::IndexUnit::byte)) >= 5;
    }));
}

}  // namespace
}  // namespace hi6gw::test
