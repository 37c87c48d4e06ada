#pragma once
// One controller, visited by a subcommand: a connection of its own, one request after the other, by
// the same code as the daemon's. Thread: the event loop's.

#include "base/time.h"
#include "config/values.h"
#include "hi6/address.h"
#include "hi6/controller_client.h"
#include "ops/metrics.h"
#include "poll/block_prover.h"
#include "poll/paced_client.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace hi6gw::cli {

struct VisitOptions {
    config::Endpoint endpoint;
    std::chrono::milliseconds timeout{1000};  // of one request, connect included
    hi6::IndexUnit unit = hi6::IndexUnit::byte;
};

class Visit {
  public:
    Visit(const boost::asio::any_io_executor& executor, const VisitOptions& options);
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    // Connects and asks for the API version. The error: what is in the way, in words.
    boost::asio::awaitable<std::string> arrive();
    // One value into Reply::raw: by the single read where there is one, else by the block read,
    // proven first as far as the data allow. What stays in doubt is Outcome::refused, never a
    // guess.
    boost::asio::awaitable<hi6::Reply> read(hi6::Address address, Steady::time_point until);
    boost::asio::awaitable<hi6::Reply> read(hi6::Address address) {
        return read(address, deadline());
    }

    [[nodiscard]] poll::PacedClient& client() { return client_; }
    [[nodiscard]] poll::BlockProver& prover() { return prover_; }
    [[nodiscard]] Time& time() { return *time_; }
    [[nodiscard]] const std::string& api_version() const { return api_version_; }  // as answered
    [[nodiscard]] Steady::time_point deadline() const { return time_->now() + timeout_; }

  private:
    std::unique_ptr<Time> time_;
    std::unique_ptr<hi6::ControllerClient> http_;
    ops::Metrics metrics_;  // nobody asks for them
    std::unique_ptr<ops::ControllerMetrics> counters_;
    std::chrono::milliseconds timeout_;
    poll::PacedClient client_;
    poll::BlockProver prover_;
    std::set<hi6::Area> proven_with_;
    std::string api_version_;
};

// Runs it on a loop of its own; its exit code.
[[nodiscard]] int run_visit(
    const VisitOptions& options,
    const std::function<boost::asio::awaitable<int>(Visit& visit)>& visiting);

}  // namespace hi6gw::cli
