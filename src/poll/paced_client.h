#pragma once
// Every request to one controller goes through here, whoever makes it: counted, timed, never on a
// connection on which another device answers than the one meant, and never a second connect within
// kConnectInterval, later and later while connections fail (the vendor warns that connecting again
// and again can load a controller until the robot halts). Thread: the event loop's.

#include "base/backoff.h"
#include "base/time.h"
#include "hi6/controller_client.h"
#include "ops/metrics.h"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace hi6gw::poll {

class PacedClient final : public hi6::ControllerClient {
  public:
    static constexpr std::chrono::seconds kConnectInterval{1};
    // After an answer was lost: so that the controller has seen the end of the old connection, and
    // has a chance to be through with its request, before it is offered a new one.
    static constexpr std::chrono::milliseconds kAfterLoss{250};

    // All outlive this. `timeout`: of one connect. `seed`: for the jitter of the backoff.
    PacedClient(hi6::ControllerClient& inner, ops::ControllerMetrics& metrics, Time& time,
                std::chrono::milliseconds timeout, std::uint32_t seed);

    // Waits until a connect is allowed, then connects within the time-out, and asks who answers
    // where that matters; gives up at the deadline, which may be max().
    boost::asio::awaitable<hi6::LinkFault> connect(Deadline deadline) override;
    // From now on connects keep their interval only, and are not put off further while they fail:
    // at a shutdown an output that is still pulsed matters more.
    void hurry();
    void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
    // What the controller says its system version is: one that says otherwise is closed and counts
    // as one that could not be connected. Empty: whoever answers is taken for it.
    void expect(std::string system_version);
    // How many connections have been opened.
    [[nodiscard]] std::uint64_t connects() const { return connects_; }

    [[nodiscard]] bool connected() override { return known_ && inner_.connected(); }
    void close() override { inner_.close(); }
    [[nodiscard]] bool keep_alive_refused() const override { return inner_.keep_alive_refused(); }
    // Reads open a new connection first when the controller had announced the end of the last one
    // with its answer (fault C9): it is still the same controller. The deadline is put off by that
    // time. Writes never wait like this.
    boost::asio::awaitable<hi6::Reply> read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                  Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> read_single(hi6::Address address,
                                                   Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> write(hi6::Address address, std::uint32_t raw,
                                             Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> get(std::string target, Deadline deadline) override;

    // Writes begun so far.
    [[nodiscard]] std::uint64_t writes() const { return writes_; }
    // Time spent in requests so far.
    [[nodiscard]] std::chrono::nanoseconds busy() const { return busy_; }
    // When the request under way began; max() when none is.
    [[nodiscard]] Steady::time_point busy_since() const { return busy_since_; }

    // When the latest connect or request is over at the latest.
    [[nodiscard]] Steady::time_point due() const { return due_; }
    // When the latest request began, over or not.
    [[nodiscard]] Steady::time_point began() const { return began_; }

  private:
    boost::asio::awaitable<hi6::LinkFault> identify(Deadline deadline);
    boost::asio::awaitable<Deadline> reopen(Deadline deadline);
    // The latest answer announced that the connection ends, and so it has.
    [[nodiscard]] bool ended() { return inner_.keep_alive_refused() && !inner_.connected(); }
    void begin(Deadline deadline);
    void failed();
    void count(ops::ControllerMetrics::Method method, const hi6::Reply& reply);

    hi6::ControllerClient& inner_;
    ops::ControllerMetrics& metrics_;
    Time& time_;
    std::chrono::milliseconds timeout_;
    std::unique_ptr<Alarm> gate_;
    Backoff backoff_;
    Steady::time_point not_before_;
    Steady::time_point latest_connect_;
    Steady::time_point latest_loss_;
    bool hurried_ = false;
    std::string system_version_;  // expected; empty: any
    bool known_ = true;           // who is at the other end of this connection is who is meant
    std::uint64_t connects_ = 0;
    std::uint64_t writes_ = 0;
    bool unproven_ = false;  // this connection has neither answered nor failed yet
    std::chrono::nanoseconds busy_{0};
    Steady::time_point busy_since_ = Steady::time_point::max();
    Steady::time_point began_;
    Steady::time_point due_;
};

}  // namespace hi6gw::poll
