// hi6sim: a simulated Hi6 controller. Exit codes: 0 clean, 1 cannot listen or bad scenario, 64
// usage.

#include "sim/options.h"
#include "sim/simulator.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

namespace {

using namespace hi6gw::sim;

std::string url(const std::string& host, std::uint16_t port) {
    return host.find(':') == std::string::npos ? fmt::format("http://{}:{}", host, port)
                                               : fmt::format("http://[{}]:{}", host, port);
}

int run(const Options& options) {
    boost::asio::io_context io(1);
    Simulator simulator(io, options);
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&simulator](auto, auto) { simulator.stop(); });
    fmt::print("hi6sim listening on {}\n", url(options.host, simulator.port()));
    fmt::print("hi6sim control on {}\n", url(options.host, simulator.control_port()));
    std::fflush(stdout);
    io.run();
    if (!options.quiet) {
        fmt::print("hi6sim served {}\n", simulator.log().stats_json());
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const auto [options, exit_code] = parse_command_line(argc, argv);
        return exit_code >= 0 ? exit_code : run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "hi6sim: {}\n", error.what());
        return 1;
    }
}
