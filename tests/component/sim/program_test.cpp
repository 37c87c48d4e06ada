// hi6sim as a program: what it prints, how it ends, and the vendor's own script against it.

#include "support/paths.h"
#include "support/process.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;

std::string api_url(const Process& hi6sim) {
    const std::string_view before = "hi6sim listening on ";
    const auto out = hi6sim.out();
    const auto at = out.find(before);
    return at == std::string::npos
               ? ""
               : out.substr(at + before.size(), out.find('\n', at) - at - before.size());
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

ProcessOptions hi6sim(std::vector<std::string> arguments) {
    ProcessOptions options;
    options.argv = {HI6SIM};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    return options;
}

TEST(Hi6sim, SaysWhereItListensAndEndsOnSigterm) {
    Process sim(hi6sim({"--scenario", SOURCE_DIR "/config/scenarios/demo.yaml"}));
    ASSERT_TRUE(sim.wait_for_output("hi6sim control on http://127.0.0.1:", 5s)) << sim.err();
    EXPECT_NE(api_url(sim), "");
    sim.signal(SIGTERM);
    EXPECT_EQ(sim.wait(5s), 0);
}

TEST(Hi6sim, ServesIpv6Too) {
    Process sim(hi6sim({"--host", "::1"}));
    ASSERT_TRUE(sim.wait_for_output("hi6sim control on http://[::1]:", 5s)) << sim.err();
}

TEST(Hi6sim, ExplainsItsMistakes) {
    const TempDir directory;
    const auto scenario = directory.file("bad.yaml", "steps:\n  - {every: 1s, toggle: fb12.di3}\n");
    const auto bad = run({HI6SIM, "--scenario", scenario.string()});
    EXPECT_EQ(bad.status, 1);
    EXPECT_NE(bad.err.find("line 2: toggle: no such relay: fb12.di3"), std::string::npos)
        << bad.err;
    Process first(hi6sim({}));
    ASSERT_TRUE(first.wait_for_output("control on", 5s));
    const auto url = api_url(first);
    EXPECT_EQ(run({HI6SIM, "--port", url.substr(url.rfind(':') + 1)}).status, 1);
    EXPECT_EQ(run({HI6SIM, "--colour"}).status, 64);
}

TEST(Hi6sim, HelpNamesEveryOptionAndFaultAction) {
    const auto help = run({HI6SIM, "--help"});
    EXPECT_EQ(help.status, 0);
    for (const char* const word : {"--host",         "--port",
                                   "--control-port", "--get-time",
                                   "--post-time",    "--max-connections",
                                   "--index-unit",   "--no-block",
                                   "--block-start",  "--trailing-comma",
                                   "--fn",           "--split-writes",
                                   "--chunked",      "--keep-alive-max",
                                   "--close-each",   "--http10",
                                   "--scenario",     "--seed",
                                   "--quiet",        "/memory",
                                   "/log",           "/stats",
                                   "/faults",        "/control",
                                   "delay",          "hang",
                                   "reset_before",   "reset_after",
                                   "close_before",   "close_after",
                                   "status",         "garbage",
                                   "body",           "raw",
                                   "dribble",        "stall_body"}) {
        EXPECT_NE(help.out.find(word), std::string::npos) << word;
    }
}

// The Python sample of HD Hyundai Robotics' Open API manual; only its host line is changed.
TEST(Hi6sim, RunsTheVendorsSampleScript) {
    Process sim(hi6sim({}));
    ASSERT_TRUE(sim.wait_for_output("control on", 5s)) << sim.err();
    std::ifstream file(TEST_DATA_DIR "/seed_sync.py");
    std::string script(std::istreambuf_iterator<char>(file), {});
    const std::string host = "url='http://192.168.1.150:8888'";
    const auto at = script.find(host);
    ASSERT_NE(at, std::string::npos);
    script.replace(at, host.size(), "url='" + api_url(sim) + "'");
    const TempDir directory;
    const auto ran = run({"/usr/bin/python3", directory.file("sync.py", script).string()});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(count(ran.out, "0x79"), 6U) << ran.out;
    EXPECT_NE(ran.out.find("[post] 0x79 to fb2.do3"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace hi6gw::test
