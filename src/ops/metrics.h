#pragma once
// What the gateway counts, in Prometheus' terms (names: design contract section 6; seconds and
// totals as usual there). prometheus-cpp is included by metrics.cpp alone. Thread: the event
// loop's.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace hi6gw::ops {

// Of one controller. Destroying the last one of a name drops the controller's series; two of the
// same name (while a reload swaps one for the other) count into the same series. May outlive its
// Metrics.
class ControllerMetrics {
  public:
    enum class Method : std::uint8_t { get, post };
    // outcome labels: ok refused unauthorised server_error bad_data not_sent lost
    void request(Method method, const char* outcome, std::chrono::nanoseconds took);
    void up(bool value);
    void degraded(bool value);
    void connected();  // hi6gw_connects_total
    void overruns(std::uint64_t ticks);
    void changes(std::uint64_t count);
    void published(std::chrono::nanoseconds read_to_ack);
    // state labels: the result states of the contract (verified, applied, ...)
    void command(const std::string& state, std::chrono::nanoseconds took);
    void bad_data();  // replies that were not understood
    ~ControllerMetrics();

  private:
    friend class Metrics;
    struct Impl;
    explicit ControllerMetrics(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

// Of the event journal: what is now, and what has been since the start.
struct EventMetrics {
    std::uint64_t waiting = 0;  // for the broker to take them
    std::uint64_t bytes = 0;    // on the disk
    bool failing = false;       // events cannot be recorded
    std::uint64_t recorded = 0;
    std::uint64_t repeated = 0;  // sent again, because the connection was lost before the PUBACK
    std::uint64_t commits = 0;   // writes to the disk, each synced
    std::uint64_t failures = 0;  // of such
    // Gone, by the reason that the gap record gives (outbox/event.h).
    std::uint64_t journal_full = 0;
    std::uint64_t too_old = 0;
    std::uint64_t not_written = 0;
    std::uint64_t journal_lost = 0;
    std::uint64_t refused = 0;
};

class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    [[nodiscard]] std::unique_ptr<ControllerMetrics> controller(const std::string& name);
    void clock_steps();            // of the wall clock
    void reloaded(bool applied);   // of the configuration
    void second_owner(bool seen);  // another gateway is at work on one of our controllers
    void log_lines_dropped(std::uint64_t more);
    void mqtt_connected(bool value);
    void mqtt_connects();
    void mqtt_publish_refused();  // PUBACK with an error code
    void mqtt_inbound_dropped(std::uint64_t more);
    void mqtt_in_flight(std::size_t messages);
    void events(const EventMetrics& now);
    // When the first certificate of each file expires; files that are not named any more go.
    void tls_certificates(const std::map<std::string, std::chrono::sys_seconds>& expiry_by_file);
    void tls_broker_certificate(std::optional<std::chrono::sys_seconds> expiry);  // none: no TLS
    void event_loop_lag(std::chrono::nanoseconds lag);
    // Prometheus text format 0.0.4, process metrics (CPU seconds, RSS, fds, threads, start time)
    // included.
    // About 60 lines a controller.
    [[nodiscard]] std::string text() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
    friend class ControllerMetrics;
};

}  // namespace hi6gw::ops
