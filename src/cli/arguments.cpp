#include "cli/arguments.h"

#include "cli/check.h"
#include "cli/exit_codes.h"
#include "cli/run.h"
#include "cli/topics.h"
#include "version.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <string>

namespace hi6gw::cli {

int main(int argc, const char* const* argv) {
    CLI::App app("Gateway between HD Hyundai Robotics Hi6 controllers and MQTT", "hi6gw");
    app.set_version_flag("--version", std::string("hi6gw ") + kVersion);
    app.require_subcommand(1);
    app.footer("Exit codes: 0 clean, 1 runtime failure, 64 usage, 78 configuration.");

    std::string file;
    const auto with_config = [&](const char* name, const char* what) {
        CLI::App* command = app.add_subcommand(name, what);
        command->add_option("-c,--config", file, "Configuration file (YAML)")->required();
        return command;
    };
    const auto* run_command = with_config("run", "Run the gateway until SIGTERM or SIGINT");
    const auto* check_command =
        with_config("check", "Validate a configuration and print every problem in it");
    const auto* topics_command =
        with_config("topics", "List every topic with direction, QoS, retain, address, access");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kExitOk : kExitUsage;
    }
    if (run_command->parsed()) {
        return run({file});
    }
    if (check_command->parsed()) {
        return check({file}, std::cout, std::cerr);
    }
    if (topics_command->parsed()) {
        return topics({file}, std::cout, std::cerr);
    }
    return kExitUsage;
}

}  // namespace hi6gw::cli
