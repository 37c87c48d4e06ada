#include "cli/read.h"

#include "cli/exit_codes.h"
#include "cli/text.h"
#include "domain/signal_options.h"
#include "hi6/codec.h"

#include <ostream>

namespace hi6gw::cli {
namespace {

namespace asio = boost::asio;

struct Reading {
    std::vector<hi6::Address> addresses;
    domain::SignalOptions options;
    std::ostream& out;
    std::ostream& err;
};

asio::awaitable<int> read_all(Visit& visit, const Reading& reading) {
    const std::string trouble = co_await visit.arrive();
    if (!trouble.empty()) {
        reading.err << "error: " << trouble << '\n';
        co_return kExitFailure;
    }
    int exit_code = kExitOk;
    for (const hi6::Address& address : reading.addresses) {
        const hi6::Reply reply = co_await visit.read(address);
        const auto value = reply.outcome == hi6::Outcome::ok
                               ? hi6::decode(reply.raw, address.width, reading.options)
                               : std::nullopt;
        if (value) {
            reading.out << to_string(address) << " = " << text_of(*value) << '\n';
        } else {
            exit_code = kExitFailure;
            reading.err << "error: " << to_string(address) << ": "
                        << (reply.detail.empty() ? "not a finite number" : reply.detail) << '\n';
        }
    }
    co_return exit_code;
}

}  // namespace

int read(const ReadOptions& options, std::ostream& out, std::ostream& err) {
    Reading reading{{}, {}, out, err};
    reading.options.is_unsigned = options.is_unsigned;
    for (const std::string& text : options.addresses) {
        const auto address = hi6::parse_address(text, options.visit.unit);
        if (!address) {
            err << "error: " << address.error().what << '\n';
            return kExitUsage;
        }
        reading.addresses.push_back(*address);
    }
    return run_visit(options.visit, [&reading](Visit& visit) { return read_all(visit, reading); });
}

}  // namespace hi6gw::cli
