#include "cli/visit.h"

#include "cli/exit_codes.h"
#include "hi6/http_client.h"
#include "hi6/open_api.h"
#include "hi6/quote.h"
#include "hi6/read_plan.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <exception>
#include <utility>

namespace hi6gw::cli {

namespace asio = boost::asio;
using hi6::Outcome;

Visit::Visit(const asio::any_io_executor& executor, const VisitOptions& options)
    : time_(make_real_time(executor)),
      http_(hi6::make_http_client(executor, options.endpoint.host, options.endpoint.port)),
      counters_(metrics_.controller("visited")),
      timeout_(options.timeout),
      client_(*http_, *counters_, *time_, options.timeout, 1),
      prover_(client_, client_, *time_, options.timeout, options.unit, hi6::kDefaultBlockWords) {}

asio::awaitable<std::string> Visit::arrive() {
    const hi6::LinkFault fault = co_await client_.connect(deadline());
    if (!fault.ok()) {
        co_return fault.detail;
    }
    std::string target(hi6::kApiVersionTarget);
    const hi6::Reply reply = co_await client_.get(std::move(target), deadline());
    if (reply.status == 0) {
        co_return reply.detail;
    }
    api_version_ = reply.outcome == Outcome::ok ? hi6::quoted(reply.body, 32) : reply.detail;
    if (const auto version = hi6::parse_api_version(reply.body); version) {
        api_version_ = std::to_string(*version);
    }
    co_return "";
}

asio::awaitable<hi6::Reply> Visit::read(hi6::Address address, Steady::time_point until) {
    if (hi6::has_single_read(address.area)) {
        hi6::Reply reply = co_await client_.read_single(address, until);
        co_return reply;
    }
    if (proven_with_.insert(address.area).second) {
        // Outputs that every controller has tell what an index counts.
        std::vector<hi6::Area> areas{{hi6::Scope::fb, 0, hi6::Relay::do_},
                                     {hi6::Scope::fb, 0, hi6::Relay::di}};
        areas.push_back(address.area);
        std::ignore = co_await prover_.prove(std::move(areas));
        until = deadline();
    }
    hi6::Reply reply = co_await prover_.read_address(address, until);
    const bool by_proof = reply.outcome == Outcome::refused && reply.status < 300;
    if (by_proof && !prover_.proof().reason().empty()) {
        reply.detail += " (" + prover_.proof().reason() + ")";
    }
    co_return reply;
}

int run_visit(const VisitOptions& options,
              const std::function<asio::awaitable<int>(Visit& visit)>& visiting) {
    std::signal(SIGPIPE,
                SIG_IGN);  // NOLINT(cert-err33-c): a write to a closed socket reports EPIPE instead
    asio::io_context loop(1);
    Visit visit(loop.get_executor(), options);
    int exit_code = kExitFailure;
    asio::co_spawn(loop, visiting(visit), [&](const std::exception_ptr& failure, int code) {
        visit.client().close();
        if (failure) {
            std::rethrow_exception(failure);
        }
        exit_code = code;
    });
    loop.run();
    return exit_code;
}

}  // namespace hi6gw::cli
