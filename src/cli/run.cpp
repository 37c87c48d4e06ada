#include "cli/run.h"

#include "app/application.h"
#include "base/log.h"
#include "cli/exit_codes.h"
#include "config/loader.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <malloc.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

namespace hi6gw::cli {
namespace {

namespace asio = boost::asio;

std::optional<config::Config> load(const std::filesystem::path& file) {
    config::Loaded loaded = config::load(file, config::process_environment());
    for (const config::Problem& problem : loaded.problems) {
        std::cerr << (problem.warning ? "warning: " : "error: ") << config::to_string(problem)
                  << '\n';
    }
    return std::move(loaded.config);
}

log::Format log_format(const std::string& name) {
    return name == "json"   ? log::Format::json
           : name == "text" ? log::Format::text
                            : log::Format::automatic;
}

// Paho C 1.3.12 connects to whatever these name instead of to the broker, with no option against
// it, and would tell it the password.
void forget_proxies() {
    // There is no other thread yet.
    ::unsetenv("http_proxy");   // NOLINT(concurrency-mt-unsafe)
    ::unsetenv("https_proxy");  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

int run(const RunOptions& options) {
    std::optional<config::Config> config = load(options.config_file);
    if (!config) {
        return kExitConfig;
    }
    forget_proxies();
    if (const auto configured = log::configure(config->log.level, log_format(config->log.format));
        !configured) {
        std::cerr << "error: " << configured.error().what << '\n';
        return kExitConfig;
    }
    std::signal(SIGPIPE,
                SIG_IGN);  // NOLINT(cert-err33-c): a write to a closed socket reports EPIPE instead
    // NOLINTNEXTLINE(cert-err33-c): a file that may not grow is a full disk, and reports EFBIG
    std::signal(SIGXFSZ, SIG_IGN);

    int exit_code = kExitOk;
    try {
        // Everything of ours runs on this one thread; only Paho, the log and the resolver have
        // their own.
        asio::io_context loop(1);
        app::Application application(loop.get_executor(), std::move(*config), options.config_file);
        config.reset();
        // What all this was made of is given back: a gateway lives in a few megabytes.
        malloc_trim(0);
        asio::co_spawn(loop, application.run(), [](const std::exception_ptr& failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
        loop.run();
    } catch (const std::exception& error) {
        log::Logger("gateway").error("{}", error.what());
        exit_code = kExitFailure;
    }
    log::shutdown();
    return exit_code;
}

}  // namespace hi6gw::cli
