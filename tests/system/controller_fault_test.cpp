// Controllers' rows of the fault matrix (C1, C2, ...), all at once: one gateway, one controller
// a row, each with its fault at the same time, and one without as a witness. Judged by the
// controllers' logs and by what a subscriber got.

#include "support/proxy.h"
#include "system/judged.h"

#include <gtest/gtest.h>

#include <iostream>
#include <set>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

struct Cell {
    Cell(std::string row, std::vector<std::string> arguments)
        : name(std::move(row)), simulator(std::move(arguments)), proxy(simulator.port()) {}
    void fault(const json::object& what) const {
        json::object rule{{"path", "*"}, {"method", "*"}, {"count", -1}};
        for (const auto& [key, value] : what) {
            rule[key] = value;
        }
        simulator.fault(json::serialize(rule));
    }
    // These bytes for every block read.
    void raw(std::string_view bytes) const {
        fault({{"path", "val_s32"}, {"action", "raw"}, {"body", bytes}});
    }
    void block(std::string_view body) const {
        fault({{"path", "val_s32"}, {"action", "body"}, {"body", body}});
    }
    void heal() {
        simulator.clear_faults();
        simulator.control(R"({"get_time":"4ms"})");
        proxy.pass();
        proxy.door(Proxy::Door::open);
    }

    std::string name;
    Simulator simulator;
    Proxy proxy;
};

struct Row {
    const char* id;
    const char* what;
    std::function<void(Cell&)> play;
    // What is said of it meanwhile.
    const char* status;
    int bit, word, real, board;
    // What a command gets meanwhile; "": none is sent.
    const char* command;
    std::vector<std::string> simulator;
};

const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

std::vector<Row> rows() {
    const auto silent = [](const char* id, const char* what, std::function<void(Cell&)> play) {
        return Row{
            id, what, std::move(play), "offline", 24, 24, 24, 24, "rejected controller_offline",
            {}};
    };
    const auto garbled = [](const char* id, const char* what, std::function<void(Cell&)> play,
                            int bit, int word, int real) {
        return Row{id, what, std::move(play), "online", bit, word, real, 192, "verified ok", {}};
    };
    const auto harmless = [](const char* id, const char* what, std::function<void(Cell&)> play,
                             std::vector<std::string> simulator = {}) {
        return Row{id,  what,          std::move(play),     "online", 192, 192, 192,
                   192, "verified ok", std::move(simulator)};
    };
    return {
        silent("C1", "refused",
               [](Cell& it) {
                   it.proxy.door(Proxy::Door::refused);
                   it.proxy.cut(Proxy::End::rst);
               }),
        silent("C2", "black hole",
               [](Cell& it) {
                   it.proxy.door(Proxy::Door::black_hole);
                   it.proxy.cut(Proxy::End::fin);
               }),
        silent("C3", "no first byte", [](Cell& it) { it.fault({{"action", "hang"}}); }),
        silent("C4", "stall in the body", [](Cell& it) { it.fault({{"action", "stall_body"}}); }),
        silent("C5", "dribble", [](Cell& it) { it.fault({{"action", "dribble"}, {"ms", 1000}}); }),
        harmless("C6", "reset between requests", [](Cell& it) { it.proxy.cut(Proxy::End::rst); }),
        harmless("C7", "reset before the answer",
                 [](Cell& it) {
                     it.fault({{"method", "GET"}, {"action", "reset_after"}, {"count", 1}});
                 }),
        harmless("C8", "FIN between requests", [](Cell& it) { it.proxy.cut(Proxy::End::fin); }),
        {"C10",
         "404 for one signal",
         [](Cell& it) { it.fault({{"path", "si_val"}, {"action", "status"}, {"status", 404}}); },
         "online",
         192,
         192,
         192,
         4,
         "verified ok",
         {}},
        {"C11",
         "401",
         [](Cell& it) { it.fault({{"action", "status"}, {"status", 401}}); },
         "degraded",
         4,
         4,
         4,
         4,
         "rejected controller_rejected",
         {}},
        {"C12",
         "no block read",
         [](Cell& it) { it.fault({{"path", "val_s32"}, {"action", "status"}, {"status", 404}}); },
         "degraded",
         192,
         192,
         192,
         192,
         "verified ok",
         {}},
        {"C13",
         "503",
         [](Cell& it) { it.fault({{"action", "status"}, {"status", 503}}); },
         "degraded",
         12,
         12,
         12,
         12,
         "failed server_error",
         {}},
        garbled(
            "C14", "HTML", [](Cell& it) { it.fault({{"path", "val_s32"}, {"action", "garbage"}}); },
            12, 12, 12),
        harmless("C15", "the manual's trailing comma", [](Cell&) {}, {"--trailing-comma"}),
        garbled(
            "C16", "strings for numbers", [](Cell& it) { it.block(R"(["1","1","1"])"); }, 12, 12,
            12),
        garbled(
            "C17", "not a number", [](Cell& it) { it.simulator.set("fb1.dil40", 0x7fc00000); }, 192,
            192, 12),
        garbled(
            "C17b", "1e400", [](Cell& it) { it.block("[1e400]"); }, 12, 12, 12),
        garbled(
            "C18", "too few words", [](Cell& it) { it.block("[0]"); }, 192, 12, 12),
        silent("C19", "huge body",
               [](Cell& it) { it.raw(kHead + "Content-Length: 300000\r\n\r\n"); }),
        harmless("C20", "chunked", [](Cell&) {}, {"--chunked"}),
        silent("C21", "longer than it is",
               [](Cell& it) { it.raw(kHead + "Content-Length: 50\r\n\r\n[0]"); }),
        silent("C21b", "shorter than it is",
               [](Cell& it) { it.raw(kHead + "Content-Length: 1\r\n\r\n[0]"); }),
        silent(
            "C22", "two lengths",
            [](Cell& it) { it.raw(kHead + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n[0]"); }),
        {"C23",
         "redirect",
         [](Cell& it) { it.fault({{"action", "status"}, {"status", 302}}); },
         "degraded",
         12,
         12,
         12,
         12,
         "failed server_error",
         {}},
        harmless("C24", "an answer that comes too late",
                 [](Cell& it) { it.fault({{"action", "delay"}, {"ms", 1300}, {"count", 1}}); }),
        silent("C25", "reboot", [](Cell& it) { it.simulator.control(R"({"reboot":600000})"); }),
        harmless("C29", "400 ms instead of 4",
                 [](Cell& it) { it.simulator.control(R"({"get_time":"400ms"})"); }),
        silent("C34", "unplugged",
               [](Cell& it) {
                   it.proxy.door(Proxy::Door::black_hole);
                   it.proxy.vanish(true);
               }),
    };
}

const std::string kSignals =
    "      - {name: bit, address: fb2.di3}\n"
    "      - {name: word, address: fb1.diw20}\n"
    "      - {name: real, address: fb1.dif40}\n"
    "      - {name: board, address: sib3}\n"
    "      - {name: out, address: fb3.do5, access: rw}\n";

struct ControllerFaults : testing::Test {
    ControllerFaults() {
        yaml = "gateway: {id: line1}\nmqtt: {url: \"" + broker.url() +
               "\"}\ndefaults: {poll: 50ms}\ncontrollers:\n";
        for (const Row& row : all) {
            Cell& cell = *cells.emplace_back(std::make_unique<Cell>(row.id, row.simulator));
            add(cell.name, "http://127.0.0.1:" + std::to_string(cell.proxy.port()), kSignals);
            invariants.watch(cell.name, cell.simulator,
                             {{"bit", "fb2.di3", false},
                              {"word", "fb1.diw20", false},
                              {"board", "sib3", false},
                              {"out", "fb3.do5", true}},
                             is_slow(row) ? &cell.proxy : nullptr);
        }
        add("witness", witness.url(), "      - {name: bit, address: fb2.di3, poll: 20ms}\n");
        invariants.watch("witness", witness, {{"bit", "fb2.di3", false}});
        move_on();
        gateway = std::make_unique<Gateway>(yaml);
    }
    void add(const std::string& name, const std::string& url, const std::string& signals) {
        yaml += "  - name: " + name + "\n    url: " + url + "\n    signals:\n" + signals;
    }
    using Latest = std::map<std::string, Received>;
    static std::string member(const Latest& latest, const std::string& topic, const char* key) {
        const auto found = latest.find(topic);
        return found == latest.end() ? "none"
                                     : json::serialize(json::parse(found->second.payload).at(key));
    }
    static std::string said(const Latest& latest, const Row& row) {
        const std::string it = "hi6/" + std::string(row.id);
        std::string out = member(latest, it + "/status", "state");
        for (const char* signal : {"bit", "word", "real", "board"}) {
            out += ' ' + member(latest, it + "/state/" + signal, "quality");
        }
        return out + ' ' + member(latest, it + "/status", "reason");
    }
    // The controller is still at the last request when the gateway has given it up.
    static bool is_slow(const Row& row) {
        return row.id == std::string("C5") || row.id == std::string("C24");
    }
    static std::string expected(const Row& row) {
        return '"' + std::string(row.status) + "\" " + std::to_string(row.bit) + ' ' +
               std::to_string(row.word) + ' ' + std::to_string(row.real) + ' ' +
               std::to_string(row.board);
    }
    static std::string fine(const Row& /*whichever*/) { return "\"online\" 192 192 192 192"; }
    // Until all rows say something that begins so; which do not, with what they say.
    std::string not_so(const std::function<std::string(const Row&)>& wanted,
                       std::chrono::milliseconds limit) {
        std::string others;
        (void)eventually(
            [&] {
                others.clear();
                const Latest now = probe.latest();
                for (const Row& row : all) {
                    const std::string is = said(now, row);
                    if (!is.starts_with(wanted(row))) {
                        others += std::string(row.id) + ' ' + row.what + ": " + is +
                                  " instead of " + wanted(row) + '\n';
                    }
                }
                return others.empty();
            },
            limit);
        return others;
    }
    // Every cell's word is set to something new; only such values may ever be published.
    void move_on() {
        ++step;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const int value = 1000 + 37 * step + static_cast<int>(i);
            held[all[i].id].insert(value);
            cells[i]->simulator.set("fb1.diw20", value);
        }
    }

    const std::vector<Row> all = rows();
    Broker broker;
    Invariants invariants{broker};
    MqttProbe probe{broker};
    std::vector<std::unique_ptr<Cell>> cells;
    Simulator witness;
    std::string yaml;
    std::unique_ptr<Gateway> gateway;
    std::map<std::string, std::set<int>> held;
    int step = 0;
};

TEST_F(ControllerFaults, EachIsToldAsItIsAndHurtsNobodyElse) {
    // A block read that has been proven is what the faults are to meet.
    ASSERT_EQ(not_so([](const Row& row) { return fine(row) + " \"\""; }, 30s), "");
    const std::int64_t quiet = wall_now_us();
    (void)eventually([] { return false; }, 2s);
    const std::int64_t begin = wall_now_us();
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].play(*cells[i]);
    }
    const std::int64_t played = wall_now_us();
    // What a controller still says without an answer getting through is not seen by anybody.
    move_on();
    EXPECT_EQ(not_so(expected, 12s), "");
    const std::int64_t told = wall_now_us();
    // Commands meanwhile.
    for (const Row& row : all) {
        if (*row.command != '\0') {
            invariants.sent({std::string("cmd-") + row.id, row.id, "out", 1, 3000, false});
            publish(broker, "hi6/" + std::string(row.id) + "/set/out",
                    R"({"value":1,"id":"cmd-)" + std::string(row.id) + "\"}");
        }
    }
    EXPECT_TRUE(eventually([&] { return invariants.all_answered(); }, kPatience));
    for (const Row& row : all) {
        const json::value result = latest(probe, "hi6/" + std::string(row.id) + "/result/out");
        if (result.is_object()) {
            EXPECT_EQ(std::string(result.at("state").as_string()) + ' ' +
                          std::string(result.at("reason").as_string()),
                      row.command)
                << row.id;
        }
    }
    EXPECT_TRUE(eventually([&] { return wall_now_us() > played + 4'000'000; }, kPatience))
        << "long enough for what stands as good to be wrong (I6)";
    const std::int64_t end = wall_now_us();
    std::cout << all.size() << " faults at once: told as they are after " << (told - played) / 1000
              << " ms";
    for (const Row& row : all) {
        if (row.status == std::string("offline")) {
            invariants.silent(row.id, played, end);
        }
    }
    for (const auto& cell : cells) {
        cell->heal();
    }
    move_on();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].id == std::string("C25")) {
            cells[i]->simulator.control(R"({"refuse_connections":false})");
        } else if (all[i].id == std::string("C17")) {
            cells[i]->simulator.set("fb1.dil40", 0);
        }
    }
    // Refused signals and blocks are asked for again each minute only.
    const auto mended = [](const Row& row) {
        return row.id == std::string("C10")   ? expected(row)
               : row.id == std::string("C12") ? expected(row)
                                              : fine(row);
    };
    EXPECT_EQ(not_so(mended, 30s), "");
    std::cout << ", all well again " << (wall_now_us() - end) / 1000 << " ms after their end\n";
    EXPECT_TRUE(gateway->process().running()) << "I10";

    // I12: the witness was not served later for it.
    invariants.look();
    const auto& polls = invariants.polls("witness");
    for (const double share : {0.5, 0.95, 0.99}) {
        const double before = lateness_ms(polls, 20ms, quiet, begin, share);
        const double during = lateness_ms(polls, 20ms, begin, end, share);
        std::cout << "witness: " << share * 100 << " % of its polls at most " << before
                  << " ms late before, " << during << " ms late while the others failed\n";
    }
    EXPECT_LE(lateness_ms(polls, 20ms, begin, end, 0.95),
              lateness_ms(polls, 20ms, quiet, begin, 0.95) + 10)
        << "I12";
    EXPECT_LE(lateness_ms(polls, 20ms, begin, end, 1), 500) << "I12: nothing waits for a time-out";
    EXPECT_EQ(gateway->stop(), 0);
    EXPECT_EQ(invariants.broken(), "");
    for (const Received& message : probe.messages()) {
        const auto at = message.topic.find("/state/word");
        if (at == std::string::npos) {
            continue;
        }
        const json::value value = json::parse(message.payload).at("value");
        const std::set<int>& allowed = held[message.topic.substr(4, at - 4)];
        EXPECT_TRUE(value.is_null() || value == 0 || allowed.contains(value.to_number<int>()))
            << "never held: " << message.topic << ' ' << message.payload;
    }
}

// C27: at the same address another device answers, with the values of another cell.
TEST(AnotherDevice, IsNeitherReadNorWritten) {
    const std::string signals =
        "      - {name: word, address: fb1.diw20}\n"
        "      - {name: lamp, address: fb2.do4, access: rw}\n"
        "      - {name: valve, address: fb2.do6, access: rw}\n";
    const std::vector<std::string> right{"--system-version", "V60.34-05"};
    Plant plant(signals, right, "    system_version: V60.34-05\n");
    Invariants invariants(plant.broker);
    invariants.watch(
        "r1", plant.simulator,
        {{"word", "fb1.diw20", false}, {"lamp", "fb2.do4", true}, {"valve", "fb2.do6", true}});
    ASSERT_TRUE(becomes(plant.probe, "word", "0")) << plant.gateway.process().err();
    EXPECT_TRUE(status_becomes(plant.probe, "online"));
    ASSERT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    const auto order = [&](const char* id, const char* signal, const std::string& more) {
        invariants.sent({id, "r1", signal, 1, 3000, !more.empty()});
        publish(plant.broker, std::string("hi6/r1/set/") + signal,
                R"({"value":1,"ttl":3000,"id":")" + std::string(id) + "\"" + more + "}");
    };
    // A pulse is under way when the controller goes: it must not be released on the other one.
    order("pulse", "valve", R"(,"pulse":2000)");
    ASSERT_TRUE(eventually([&] { return plant.simulator.get("fb2.do6") == 1; }, kPatience));
    invariants.look();
    plant.simulator.become({"--system-version", "V60.34-06"});
    invariants.replaced("r1");
    plant.simulator.set("fb1.diw20", 4711);
    EXPECT_TRUE(eventually(
        [&] {
            const auto now = latest(plant.probe, "hi6/r1/status");
            return now.at("state") == "offline" &&
                   std::string_view(now.at("reason").as_string()).starts_with("wrong_device: ");
        },
        kPatience))
        << latest(plant.probe, "hi6/r1/status");
    EXPECT_TRUE(becomes(plant.probe, "word", "0", 24));
    order("lamp", "lamp", "");
    EXPECT_TRUE(eventually([&] { return invariants.all_answered(); }, 30s));
    EXPECT_TRUE(eventually([&] { return plant.simulator.stat("connections_total") >= 3; }, 30s));
    for (const LoggedRequest& request : plant.simulator.requests()) {
        EXPECT_EQ(request.method + ' ' + request.target, "GET /versions/sysver");
    }
    for (const Received& message : plant.probe.messages("hi6/r1/state/word")) {
        EXPECT_EQ(message.payload.find("4711"), std::string::npos) << message.payload;
    }
    invariants.look();
    plant.simulator.become(right);
    invariants.replaced("r1");
    std::string why;
    EXPECT_TRUE(invariants.state_is_true(30s, why)) << why;
    EXPECT_EQ(plant.gateway.stop(), 0);
    EXPECT_EQ(invariants.broken(), "");
    EXPECT_EQ(invariants.tally().reasons["controller_offline"], 1);
}

// C31: the robot's program takes the output back. That is said, and not fought over.
TEST(ProgramFaults, AnOutputThatIsTakenBackIsAMismatch) {
    const TempDir directory;
    const auto scenario = directory.file(
        "takes_back.yaml", "steps: [{when: fb2.do4, is: 1, set: fb2.do4, value: 0, after: 1ms}]\n");
    Plant plant("      - {name: lamp, address: fb2.do4, access: rw}\n",
                {"--scenario", scenario.string()});
    Invariants invariants(plant.broker);
    invariants.watch("r1", plant.simulator, {{"lamp", "fb2.do4", true}});
    invariants.others_write();
    ASSERT_TRUE(becomes(plant.probe, "lamp", "0"));
    ASSERT_TRUE(plant.broker.wait_for_log("Sending SUBACK to hi6gw-line1", kPatience));
    invariants.sent({"taken back", "r1", "lamp", 1, 3000, false});
    publish(plant.broker, "hi6/r1/set/lamp", R"({"value":1,"id":"taken back"})");
    ASSERT_TRUE(
        eventually([&] { return !plant.probe.messages("hi6/r1/result/lamp").empty(); }, kPatience));
    const json::value result =
        json::parse(plant.probe.messages("hi6/r1/result/lamp").at(0).payload);
    EXPECT_EQ(result.at("state"), "mismatch");
    EXPECT_EQ(result.at("readback"), 0);
    const auto asked = plant.simulator.stat("requests_total");
    EXPECT_TRUE(
        eventually([&] { return plant.simulator.stat("requests_total") > asked + 20; }, kPatience));
    EXPECT_EQ(plant.simulator.posts().size(), 1U);
    EXPECT_TRUE(eventually([&] { return invariants.all_answered(); }, kPatience));
    expect_well(invariants, plant.gateway);
}

}  // namespace
}  // namespace hi6gw::test
