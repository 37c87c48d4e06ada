#include "sim/options.h"

#include "support/paths.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace hi6gw::sim {
namespace {

using namespace std::chrono_literals;

CommandLine parse(std::initializer_list<const char*> arguments) {
    std::vector<const char*> argv = {"hi6sim"};
    argv.insert(argv.end(), arguments);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    auto result = parse_command_line(int(argv.size()), argv.data());
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    return result;
}

TEST(CommandLine, Defaults) {
    const auto [options, exit_code] = parse({});
    EXPECT_EQ(exit_code, -1);
    EXPECT_EQ(options.host, "127.0.0.1");
    EXPECT_EQ(options.get_time, 4ms);
    EXPECT_EQ(options.post_time, 4ms);
    EXPECT_EQ(options.max_connections, 8U);
    EXPECT_TRUE(options.api.block_read);
}

TEST(CommandLine, TakesEveryOption) {
    const auto [o, exit_code] = parse({"--host",
                                       "::1",
                                       "--port",
                                       "8888",
                                       "--control-port",
                                       "9",
                                       "--get-time",
                                       "50ms",
                                       "--post-time",
                                       "0",
                                       "--max-connections",
                                       "2",
                                       "--index-unit",
                                       "element",
                                       "--no-block",
                                       "--block-start",
                                       "bit",
                                       "--trailing-comma",
                                       "--system-version",
                                       "V60.34-05",
                                       "--fn",
                                       "3=fb2.do:0:16",
                                       "--fn",
                                       "0=fb9.di:119:1",
                                       "--split-writes",
                                       "--chunked",
                                       "--keep-alive-max",
                                       "7",
                                       "--close-each",
                                       "--http10",
                                       "--seed",
                                       "42",
                                       "--quiet",
                                       "--scenario",
                                       SOURCE_DIR "/config/scenarios/demo.yaml"});
    ASSERT_EQ(exit_code, -1);
    EXPECT_EQ(o.host, "::1");
    EXPECT_EQ(o.port, 8888);
    EXPECT_EQ(o.control_port, 9);
    EXPECT_EQ(o.get_time, 50ms);
    EXPECT_EQ(o.post_time, 0ms);
    EXPECT_EQ(o.max_connections, 2U);
    EXPECT_EQ(o.api.index_unit, IndexUnit::element);
    EXPECT_EQ(o.api.block_start, BlockStart::bit);
    EXPECT_FALSE(o.api.block_read);
    EXPECT_EQ(o.api.system_version, "V60.34-05");
    EXPECT_TRUE(o.api.trailing_comma && o.split_writes && o.chunked && o.close_each && o.http10 &&
                o.quiet);
    EXPECT_EQ(o.windows, (std::vector<std::string>{"3=fb2.do:0:16", "0=fb9.di:119:1"}));
    EXPECT_EQ(o.keep_alive_max, 7U);
    EXPECT_EQ(o.seed, 42U);
    EXPECT_FALSE(o.scenario_file.empty());
}

TEST(CommandLine, MistakesAreUsageErrors) {
    for (const auto& wrong :
         std::vector<std::pair<const char*, const char*>>{{"--port", "70000"},
                                                          {"--get-time", "fast"},
                                                          {"--index-unit", "word"},
                                                          {"--system-version", "V\"1"},
                                                          {"--fn", "3=fb2.do:0"},
                                                          {"--fn", "3=fb2.do:110:16"},
                                                          {"--fn", "64=fb2.do:0:8"},
                                                          {"--fn", "3=fb2.do:0:16x"},
                                                          {"--scenario", "/nonexistent"},
                                                          {"--colour", "red"},
                                                          {"--max-connections", "0"}}) {
        EXPECT_EQ(parse({wrong.first, wrong.second}).exit_code, 64) << wrong.first << wrong.second;
    }
    EXPECT_EQ(parse({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace hi6gw::sim
