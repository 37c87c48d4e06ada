#pragma once
// Every request to one controller goes through here, whoever makes it: counted, timed, and never a
// second connect within kConnectInterval (the vendor warns that connecting again and again can load
// a controller until the robot halts). Thread: the event loop's.

#include "base/time.h"
#include "hi6/controller_client.h"
#include "ops/metrics.h"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace hi6gw::poll {

class PacedClient final : public hi6::ControllerClient {
  public:
    static constexpr std::chrono::seconds kConnectInterval{1};

    // All outlive this. `timeout`: of one connect.
    PacedClient(hi6::ControllerClient& inner, ops::ControllerMetrics& metrics, Time& time,
                std::chrono::milliseconds timeout);

    // Waits until a connect is allowed, then connects within the time-out; the deadline argument is
    // not used.
    boost::asio::awaitable<hi6::LinkFault> connect(Deadline unused) override;
    // No connect before `when`.
    void hold_off(Steady::time_point when) { not_before_ = std::max(not_before_, when); }

    [[nodiscard]] bool connected() override { return inner_.connected(); }
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

    // Time spent in requests since the last call.
    std::chrono::nanoseconds take_busy() {
        return std::exchange(busy_, std::chrono::nanoseconds{0});
    }
    // When the request under way began; max() when none is.
    [[nodiscard]] Steady::time_point busy_since() const { return busy_since_; }

    // When the latest request began, over or not.
    [[nodiscard]] Steady::time_point began() const { return began_; }

  private:
    boost::asio::awaitable<Deadline> reopen(Deadline deadline);
    void begin() { busy_since_ = began_ = time_.now(); }
    void count(ops::ControllerMetrics::Method method, const hi6::Reply& reply);

    hi6::ControllerClient& inner_;
    ops::ControllerMetrics& metrics_;
    Time& time_;
    std::chrono::milliseconds timeout_;
    std::unique_ptr<Alarm> gate_;
    Steady::time_point not_before_;
    std::chrono::nanoseconds busy_{0};
    Steady::time_point busy_since_ = Steady::time_point::max();
    Steady::time_point began_;
};

}  // namespace hi6gw::poll
