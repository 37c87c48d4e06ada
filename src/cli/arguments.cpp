#include "cli/arguments.h"

#include "cli/check.h"
#include "cli/exit_codes.h"
#include "cli/probe.h"
#include "cli/read.h"
#include "cli/run.h"
#include "cli/topics.h"
#include "cli/write.h"
#include "config/values.h"
#include "version.h"

#include <CLI/CLI.hpp>

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace hi6gw::cli {
namespace {

// What all visits to one controller have in common.
struct Visitor {
    std::string url;
    std::chrono::milliseconds::rep timeout_ms = 1000;
    std::string unit = "byte";

    void add_to(CLI::App& command) {
        command.add_option("url", url, "The controller: http://HOST:8888")->required();
        command.add_option("--timeout", timeout_ms, "Of one request, in ms")
            ->check(CLI::Range(10, 60'000))
            ->capture_default_str();
        command.add_option("--index-unit", unit, "What the index of w, l, f counts")
            ->check(CLI::IsMember({"byte", "element"}))
            ->capture_default_str();
        command.footer(
            "Opens a connection of its own, beside that of a gateway that serves the controller.");
    }
    [[nodiscard]] VisitOptions options() const {
        const auto endpoint = config::parse_url(url, config::kControllerSchemes);
        if (!endpoint) {
            throw CLI::ValidationError("url", endpoint.error().what);
        }
        return {*endpoint, std::chrono::milliseconds(timeout_ms),
                unit == "byte" ? hi6::IndexUnit::byte : hi6::IndexUnit::element};
    }
};

class Arguments {
  public:
    Arguments() {
        app_.set_version_flag("--version", std::string("hi6gw ") + kVersion);
        app_.require_subcommand(1);
        app_.footer("Exit codes: 0 clean, 1 runtime failure, 64 usage, 78 configuration.");
        with_config("run", "Run the gateway until SIGTERM or SIGINT",
                    [this] { return run({file_}); });
        with_config("check", "Validate a configuration and print every problem in it",
                    [this] { return check({file_}, std::cout, std::cerr); });
        with_config("topics", "List every topic with direction, QoS, retain, address, access",
                    [this] { return topics({file_}, std::cout, std::cerr); });
        add_probe();
        add_read();
        add_write();
    }

    int parse_and_run(int argc, const char* const* argv) {
        try {
            app_.parse(argc, argv);
            for (const auto& [command, action] : actions_) {
                if (command->parsed()) {
                    return action();
                }
            }
        } catch (const CLI::ParseError& error) {
            return app_.exit(error) == 0 ? kExitOk : kExitUsage;
        }
        return kExitUsage;
    }

  private:
    using Action = std::function<int()>;

    CLI::App& add(const char* name, const char* what, Action action) {
        CLI::App* command = app_.add_subcommand(name, what);
        actions_.emplace(command, std::move(action));
        return *command;
    }
    void with_config(const char* name, const char* what, Action action) {
        add(name, what, std::move(action))
            .add_option("-c,--config", file_, "Configuration file (YAML)")
            ->required();
    }
    void add_probe() {
        visitor_.add_to(add(
            "probe", "Report what a controller is and can do; never writes",
            [this] { return probe({visitor_.options(), visitor_.url}, std::cout, std::cerr); }));
    }
    void add_read() {
        CLI::App& command =
            add("read", "Read addresses once, such as fb2.di3 fb1.diw20 mw501", [this] {
                return read({visitor_.options(), addresses_, unsigned_}, std::cout, std::cerr);
            });
        visitor_.add_to(command);
        command.add_option("address", addresses_, "What to read")->required();
        command.add_flag("--unsigned", unsigned_, "Show b, w, l as unsigned numbers");
    }
    void add_write() {
        CLI::App& command =
            add("write", "Set one output or relay, and read it back until it holds", [this] {
                WriteOptions options{visitor_.options(), address_, value_, {}, !unverified_};
                if (!expect_.empty()) {
                    options.expect = expect_;
                }
                return write(options, std::cout, std::cerr);
            });
        visitor_.add_to(command);
        command.add_option("address", address_, "What to set: fb or fn do, m, r, k")->required();
        command.add_option("value", value_, "As in a command: 1, off, -56, 12.5, 0x79")->required();
        command.add_option("--expect", expect_, "Only if it reads so before");
        command.add_flag("--no-verify", unverified_, "Do not read it back");
    }

    CLI::App app_{"Gateway between HD Hyundai Robotics Hi6 controllers and MQTT", "hi6gw"};
    std::map<const CLI::App*, Action> actions_;
    std::string file_;
    Visitor visitor_;
    std::vector<std::string> addresses_;
    bool unsigned_ = false;
    std::string address_;
    std::string value_;
    std::string expect_;
    bool unverified_ = false;
};

}  // namespace

int main(int argc, const char* const* argv) {
    try {
        Arguments arguments;
        return arguments.parse_and_run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "hi6gw: " << error.what() << '\n';
        return kExitFailure;
    }
}

}  // namespace hi6gw::cli
