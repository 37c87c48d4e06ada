#include "ops/metrics.h"

#include "ops/process_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace hi6gw::ops {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

// A request takes 4 to 63 ms by the vendor's figures, 0.1 ms on a simulator, 1 s at the time-out.
const Buckets kRequestBuckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0};
const Buckets kPublishBuckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0};
const Buckets kCommandBuckets{0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0};

// There from the start: Prometheus takes no notice of a counter's first step out of nothing, and
// the first unknown outcome is the one that an alert must see.
constexpr std::array kCommandStates{"verified", "applied", "mismatch",   "unknown",     "failed",
                                    "rejected", "expired", "superseded", "would_apply", "aborted"};

double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

template <class T, class Build>
Family<T>& family(prometheus::Registry& registry, Build build, const char* name, const char* help) {
    return build().Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::Impl {
    prometheus::Registry registry;

    Family<Counter>& counter(const char* name, const char* help) {
        return family<Counter>(registry, prometheus::BuildCounter, name, help);
    }
    Family<Gauge>& gauge(const char* name, const char* help) {
        return family<Gauge>(registry, prometheus::BuildGauge, name, help);
    }
    Family<Histogram>& histogram(const char* name, const char* help) {
        return family<Histogram>(registry, prometheus::BuildHistogram, name, help);
    }

    Family<Gauge>& up =
        gauge("hi6gw_controller_up", "1 while the controller is connected, else 0.");
    Family<Gauge>& degraded =
        gauge("hi6gw_controller_degraded", "1 while the controller is served with restrictions.");
    Family<Counter>& requests =
        counter("hi6gw_http_requests_total", "Requests to the controller by method and outcome.");
    Family<Histogram>& request_seconds = histogram(
        "hi6gw_http_request_seconds", "Time from the first byte sent to the last byte answered.");
    Family<Counter>& connects =
        counter("hi6gw_connects_total", "Connections opened to the controller.");
    Family<Counter>& overruns =
        counter("hi6gw_poll_overruns_total", "Ticks of the poll grid that were skipped.");
    Family<Counter>& changes = counter("hi6gw_changes_total", "Signal changes seen.");
    Family<Counter>& bad_replies =
        counter("hi6gw_bad_replies_total", "Replies of the controller that were not understood.");
    Family<Histogram>& publish_seconds =
        histogram("hi6gw_publish_seconds", "Time from the read of a value to the broker's PUBACK.");
    Family<Counter>& commands =
        counter("hi6gw_commands_total", "Commands by the state of their result.");
    Family<Histogram>& command_seconds =
        histogram("hi6gw_command_seconds", "Time from the arrival of a command to its result.");

    Gauge& mqtt_up =
        gauge("hi6gw_mqtt_connected", "1 while the broker is connected, else 0.").Add({});
    Counter& mqtt_connects =
        counter("hi6gw_mqtt_connects_total", "Connections opened to the broker.").Add({});
    Counter& publish_refused =
        counter("hi6gw_mqtt_publish_refused_total", "Messages that the broker refused.").Add({});
    Counter& clock_steps =
        counter("hi6gw_clock_steps_total", "Times that the wall clock was set.").Add({});
    Family<Counter>& reloads =
        counter("hi6gw_config_reloads_total", "Configurations read again, by what became of them.");
    Counter& reloads_applied = reloads.Add({{"result", "applied"}});
    Counter& reloads_refused = reloads.Add({{"result", "refused"}});
    Gauge& second_owner =
        gauge("hi6gw_duplicate_owner", "1 while another gateway serves one of our controllers.")
            .Add({});
    Counter& log_dropped =
        counter("hi6gw_log_lines_dropped_total", "Log lines that nobody took in time.").Add({});
    Counter& inbound_dropped = counter("hi6gw_mqtt_inbound_dropped_total",
                                       "Messages that came faster than they could be looked at.")
                                   .Add({});
    Gauge& in_flight =
        gauge("hi6gw_mqtt_in_flight_messages",
              "Messages sent and not acknowledged yet; of states, acknowledgements are looked at "
              "once a second, if nothing else happens.")
            .Add({});
    Gauge& outbox =
        gauge("hi6gw_outbox_events", "Events waiting to be taken by the broker.").Add({});
    Gauge& journal_bytes =
        gauge("hi6gw_journal_bytes", "Disk space that events in the journal take.").Add({});
    Gauge& journal_failing =
        gauge("hi6gw_journal_failing", "1 while events cannot be recorded, else 0.").Add({});
    Counter& journal_commits =
        counter("hi6gw_journal_commits_total", "Writes of the event journal, each synced.").Add({});
    Counter& journal_failures =
        counter("hi6gw_journal_failures_total", "Writes of the event journal that failed.").Add({});
    Counter& events = counter("hi6gw_events_total", "Events that were recorded.").Add({});
    Counter& events_repeated =
        counter("hi6gw_events_repeated_total",
                "Events sent again because the connection was lost before their PUBACK.")
            .Add({});
    Family<Counter>& events_dropped = counter(
        "hi6gw_events_dropped_total", "Events that are missing, by the reason in the gap record.");
    Counter& dropped_full = events_dropped.Add({{"reason", "journal_full"}});
    Counter& dropped_old = events_dropped.Add({{"reason", "too_old"}});
    Counter& dropped_not_written = events_dropped.Add({{"reason", "not_written"}});
    Counter& dropped_lost = events_dropped.Add({{"reason", "journal_lost"}});
    Counter& dropped_refused = events_dropped.Add({{"reason", "refused"}});
    Gauge& lag =
        gauge("hi6gw_event_loop_lag_seconds", "How late the event loop last served a timer.")
            .Add({});

    // Seconds since the epoch, as Prometheus likes to have points in time.
    Family<Gauge>& certificates =
        gauge("hi6gw_tls_certificate_expiry_timestamp_seconds",
              "When the first certificate of a TLS file expires, in seconds since the epoch.");
    Family<Gauge>& broker_certificate =
        gauge("hi6gw_tls_broker_certificate_expiry_timestamp_seconds",
              "When the broker's certificate expires, in seconds since the epoch.");
    std::map<std::string, Gauge*> certificates_by_file;

    std::map<std::string, std::weak_ptr<ControllerMetrics::Impl>> controllers;
};

namespace {

// The counters of one label: few values, made at their first use if not `known` before, found by a
// short scan.
class ByLabel {
  public:
    ByLabel(Family<Counter>& family, prometheus::Labels labels, std::string label,
            std::span<const char* const> known = {})
        : family_(family), labels_(std::move(labels)), label_(std::move(label)) {
        for (const char* value : known) {
            add(value);
        }
    }
    ByLabel(const ByLabel&) = delete;
    ByLabel& operator=(const ByLabel&) = delete;
    ~ByLabel() {
        for (const auto& [value, counter] : counters_) {
            family_.Remove(counter);
        }
    }
    void increment(std::string_view value) {
        for (const auto& [known, counter] : counters_) {
            if (known == value) {
                counter->Increment();
                return;
            }
        }
        add(value);
        counters_.back().second->Increment();
    }

  private:
    void add(std::string_view value) {
        labels_[label_] = value;
        counters_.emplace_back(std::string(value), &family_.Add(labels_));
    }

    Family<Counter>& family_;
    prometheus::Labels labels_;
    std::string label_;
    std::vector<std::pair<std::string, Counter*>> counters_;
};

// One series of a family, dropped with its owner.
template <class T>
class Series {
  public:
    template <class... Args>
    explicit Series(Family<T>& family, const prometheus::Labels& labels, Args&&... args)
        : family_(family), metric_(family.Add(labels, std::forward<Args>(args)...)) {}
    Series(const Series&) = delete;
    Series& operator=(const Series&) = delete;
    ~Series() { family_.Remove(&metric_); }
    T* operator->() { return &metric_; }

  private:
    Family<T>& family_;
    T& metric_;
};

}  // namespace

struct ControllerMetrics::Impl {
    Impl(std::shared_ptr<Metrics::Impl> owner, const std::string& name)
        : all(std::move(owner)), labels{{"controller", name}} {}

    std::shared_ptr<Metrics::Impl> all;  // first: the series below refer to its families
    prometheus::Labels labels;
    Series<Gauge> up{all->up, labels};
    Series<Gauge> degraded{all->degraded, labels};
    ByLabel gets{
        all->requests, {{"controller", labels["controller"]}, {"method", "GET"}}, "outcome"};
    ByLabel posts{
        all->requests, {{"controller", labels["controller"]}, {"method", "POST"}}, "outcome"};
    Series<Histogram> request_seconds{all->request_seconds, labels, kRequestBuckets};
    Series<Counter> connects{all->connects, labels};
    Series<Counter> overruns{all->overruns, labels};
    Series<Counter> changes{all->changes, labels};
    Series<Counter> bad_replies{all->bad_replies, labels};
    Series<Histogram> publish_seconds{all->publish_seconds, labels, kPublishBuckets};
    ByLabel commands{all->commands, labels, "state", kCommandStates};
    Series<Histogram> command_seconds{all->command_seconds, labels, kCommandBuckets};
};

ControllerMetrics::ControllerMetrics(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControllerMetrics::~ControllerMetrics() = default;

void ControllerMetrics::request(Method method, const char* outcome, std::chrono::nanoseconds took) {
    (method == Method::get ? impl_->gets : impl_->posts).increment(outcome);
    impl_->request_seconds->Observe(seconds(took));
}

void ControllerMetrics::up(bool value) {
    impl_->up->Set(value ? 1 : 0);
}

void ControllerMetrics::degraded(bool value) {
    impl_->degraded->Set(value ? 1 : 0);
}

void ControllerMetrics::connected() {
    impl_->connects->Increment();
}

void ControllerMetrics::overruns(std::uint64_t ticks) {
    impl_->overruns->Increment(static_cast<double>(ticks));
}

void ControllerMetrics::changes(std::uint64_t count) {
    impl_->changes->Increment(static_cast<double>(count));
}

void ControllerMetrics::published(std::chrono::nanoseconds read_to_ack) {
    impl_->publish_seconds->Observe(seconds(read_to_ack));
}

void ControllerMetrics::command(const std::string& state, std::chrono::nanoseconds took) {
    impl_->commands.increment(state);
    impl_->command_seconds->Observe(seconds(took));
}

void ControllerMetrics::bad_data() {
    impl_->bad_replies->Increment();
}

Metrics::Metrics() : impl_(std::make_shared<Impl>()) {}
Metrics::~Metrics() = default;

std::unique_ptr<ControllerMetrics> Metrics::controller(const std::string& name) {
    std::weak_ptr<ControllerMetrics::Impl>& known = impl_->controllers[name];
    std::shared_ptr<ControllerMetrics::Impl> impl = known.lock();
    if (!impl) {
        impl = std::make_shared<ControllerMetrics::Impl>(impl_, name);
        known = impl;
    }
    return std::unique_ptr<ControllerMetrics>(new ControllerMetrics(std::move(impl)));
}

void Metrics::clock_steps() {
    impl_->clock_steps.Increment();
}

void Metrics::reloaded(bool applied) {
    (applied ? impl_->reloads_applied : impl_->reloads_refused).Increment();
}

void Metrics::second_owner(bool seen) {
    impl_->second_owner.Set(seen ? 1 : 0);
}

void Metrics::log_lines_dropped(std::uint64_t more) {
    impl_->log_dropped.Increment(static_cast<double>(more));
}

void Metrics::mqtt_connected(bool value) {
    impl_->mqtt_up.Set(value ? 1 : 0);
}

void Metrics::mqtt_connects() {
    impl_->mqtt_connects.Increment();
}

void Metrics::mqtt_publish_refused() {
    impl_->publish_refused.Increment();
}

void Metrics::mqtt_inbound_dropped(std::uint64_t more) {
    impl_->inbound_dropped.Increment(static_cast<double>(more));
}

void Metrics::mqtt_in_flight(std::size_t messages) {
    impl_->in_flight.Set(static_cast<double>(messages));
}

void Metrics::events(const EventMetrics& now) {
    const auto count_to = [](Counter& counter, std::uint64_t total) {
        counter.Increment(static_cast<double>(total) - counter.Value());
    };
    impl_->outbox.Set(static_cast<double>(now.waiting));
    impl_->journal_bytes.Set(static_cast<double>(now.bytes));
    impl_->journal_failing.Set(now.failing ? 1 : 0);
    count_to(impl_->journal_commits, now.commits);
    count_to(impl_->journal_failures, now.failures);
    count_to(impl_->events, now.recorded);
    count_to(impl_->events_repeated, now.repeated);
    count_to(impl_->dropped_full, now.journal_full);
    count_to(impl_->dropped_old, now.too_old);
    count_to(impl_->dropped_not_written, now.not_written);
    count_to(impl_->dropped_lost, now.journal_lost);
    count_to(impl_->dropped_refused, now.refused);
}

void Metrics::tls_certificates(
    const std::map<std::string, std::chrono::sys_seconds>& expiry_by_file) {
    std::erase_if(impl_->certificates_by_file, [&](const auto& known) {
        const bool gone = !expiry_by_file.contains(known.first);
        if (gone) {
            impl_->certificates.Remove(known.second);
        }
        return gone;
    });
    for (const auto& [file, expiry] : expiry_by_file) {
        Gauge& gauge = impl_->certificates.Add({{"file", file}});  // the same one for the same file
        gauge.Set(static_cast<double>(expiry.time_since_epoch().count()));
        impl_->certificates_by_file[file] = &gauge;
    }
}

void Metrics::tls_broker_certificate(std::optional<std::chrono::sys_seconds> expiry) {
    Gauge& gauge = impl_->broker_certificate.Add({});  // the same one each time
    if (expiry) {
        gauge.Set(static_cast<double>(expiry->time_since_epoch().count()));
    } else {
        impl_->broker_certificate.Remove(&gauge);
    }
}

void Metrics::event_loop_lag(std::chrono::nanoseconds lag) {
    impl_->lag.Set(seconds(lag));
}

std::string Metrics::text() const {
    std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
    std::erase_if(families, [](const prometheus::MetricFamily& f) { return f.metric.empty(); });
    add_process_metrics(families);
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace hi6gw::ops
