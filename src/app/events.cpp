#include "app/events.h"

#include "mqtt/payload.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hi6gw::app {
namespace {

using Fate = outbox::EventWindow::Fate;

constexpr std::chrono::milliseconds kDiskPatience{400};  // of a shutdown, with a disk that hangs

// A ticket's number is that of the event; its uppermost bits tell the stream. 48 bits last for 400
// years at 20,000 events a second.
constexpr unsigned kSeqBits = 48;
constexpr std::uint64_t kSeqMask = (std::uint64_t{1} << kSeqBits) - 1;

store::EventStore::Options options_of(const config::Events& config) {
    store::EventStore::Options options;
    options.bounds.max_size = config.max_size;
    options.bounds.max_age_ms = config.max_age.count();
    options.commit = config.commit;
    return options;
}

}  // namespace

class Events::Sink final : public outbox::EventSink {
  public:
    Sink(store::EventStore& store, std::uint32_t stream) : store_(store), stream_(stream) {}

    void event(const std::string& signal, const domain::Value& value, std::int64_t timestamp_ms,
               domain::Quality quality, const std::string* text) override {
        outbox::Event event;
        event.signal = signal;
        mqtt::append_state(event.body, value, timestamp_ms, quality, text);
        event.at_ms = timestamp_ms;
        store_.record(stream_, std::move(event));
    }

  private:
    store::EventStore& store_;
    std::uint32_t stream_;
};

Events::Events(const boost::asio::any_io_executor& executor, Time& time,
               std::shared_ptr<const config::Config> config,
               std::shared_ptr<store::StateDir> directory, std::function<void()> news)
    : config_(std::move(config)),
      worker_(kDiskPatience),
      store_(executor, time, worker_, std::move(directory), options_of(config_->events),
             std::move(news)) {}

Events::~Events() = default;

outbox::EventSink& Events::sink(const std::string& controller) {
    std::unique_ptr<Sink>& sink = sinks_[controller];
    if (!sink) {
        sink = std::make_unique<Sink>(store_, store_.stream(controller));
    }
    return *sink;
}

void Events::connected(std::uint32_t window) {
    share_ = std::max<std::size_t>(window / 2, 1);
}

bool Events::next(mqtt::Publication& out) {
    if (in_flight_ >= share_) {
        return false;
    }
    const auto streams = static_cast<std::uint32_t>(store_.streams());
    for (std::uint32_t asked = 0; asked < streams; ++asked) {
        const std::uint32_t stream = turn_ % streams;
        turn_ = stream + 1;
        const outbox::Row* const row = store_.next(stream);
        if (row == nullptr) {
            continue;
        }
        while (topics_.size() <= stream) {
            const auto made = static_cast<std::uint32_t>(topics_.size());
            topics_.push_back(event_topics(*config_, store_.name(made)));
        }
        const EventTopics& topics = topics_[stream];
        if (row->gap) {
            out.topic.assign(topics.gap);
        } else {
            out.topic.assign(topics.event.before).append(row->signal).append(topics.event.after);
        }
        out.payload.clear();
        outbox::append_payload(out.payload, *row);
        out.correlation.clear();
        out.qos = 1;
        out.retain = false;
        out.ticket = {(std::uint64_t{stream} << kSeqBits) | row->seq, {}};
        ++in_flight_;
        return true;
    }
    return false;
}

void Events::settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) {
    --in_flight_;
    const Fate fate = arrived ? Fate::arrived : why.empty() ? Fate::lost : Fate::refused;
    store_.settled(static_cast<std::uint32_t>(ticket.id >> kSeqBits), ticket.id & kSeqMask, fate);
}

ops::EventMetrics Events::metrics() const {
    const store::EventStore::Totals totals = store_.totals();
    ops::EventMetrics out;
    out.waiting = totals.waiting;
    out.bytes = totals.bytes;
    out.failing = !trouble().empty();
    out.recorded = totals.recorded;
    out.repeated = totals.sent.again;
    out.commits = totals.commits;
    out.failures = totals.failures;
    out.journal_full = totals.dropped_full;
    out.too_old = totals.dropped_old;
    out.not_written = totals.dropped_memory;
    out.journal_lost = totals.lost;
    out.refused = totals.sent.given_up;
    return out;
}

}  // namespace hi6gw::app
