#pragma once
// Events between the lanes and the broker: what happens is recorded in the journal
// (store/event_store.h), what is in the journal is published in order until the broker has it. A
// Source in the sense of mqtt/session.h: of the in-flight window events have half at most, so that
// what is happening now never waits behind what has happened before. Lanes may come and go; a
// controller's events go on under its name. Thread: the event loop's.

#include "app/topics.h"
#include "base/time.h"
#include "base/worker.h"
#include "config/config.h"
#include "mqtt/session.h"
#include "ops/metrics.h"
#include "outbox/event.h"
#include "store/event_store.h"
#include "store/state_dir.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::app {

class Events final : public mqtt::Source {
  public:
    // `time` outlives this. `news`: there is something to publish.
    Events(const boost::asio::any_io_executor& executor, Time& time,
           std::shared_ptr<const config::Config> config, std::shared_ptr<store::StateDir> directory,
           std::function<void()> news);
    ~Events() override;

    // Of a controller; lives as long as this.
    [[nodiscard]] outbox::EventSink& sink(const std::string& controller);
    boost::asio::awaitable<void> run() { return store_.run(); }
    // See store::EventStore. Towards the end: first with the last events, then with the last
    // acknowledgements.
    boost::asio::awaitable<void> flush(Steady::time_point deadline) {
        return store_.flush(deadline);
    }
    void stop_reading() { store_.stop_reading(); }

    // After a reload: other topics.
    void configure(std::shared_ptr<const config::Config> config) {
        config_ = std::move(config);
        topics_.clear();
    }

    // `window`: of the session.
    void connected(std::uint32_t window);
    bool next(mqtt::Publication& out) override;
    void settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) override;

    // Why events are not recorded; empty: they are.
    [[nodiscard]] const std::string& trouble() const { return store_.trouble(); }
    [[nodiscard]] ops::EventMetrics metrics() const;

  private:
    class Sink;

    std::shared_ptr<const config::Config> config_;
    Worker worker_;
    store::EventStore store_;
    std::map<std::string, std::unique_ptr<Sink>> sinks_;
    std::vector<EventTopics> topics_;  // by stream
    std::uint32_t turn_ = 0;           // the stream that is asked next
    std::size_t in_flight_ = 0;
    std::size_t share_ = 1;  // of the session's window
};

}  // namespace hi6gw::app
