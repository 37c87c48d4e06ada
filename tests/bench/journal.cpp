#include "app/events.h"
#include "bench.h"
#include "mqtt/payload.h"
#include "store/sqlite.h"
#include "wire.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>

namespace hi6gw::bench {
namespace {

using namespace std::chrono_literals;

const std::string kSignal = "conveyor/part_present";

std::string body_of(std::int64_t value) {
    std::string body;
    mqtt::append_state(body, value, 1'763'900'000'123, domain::Quality::good, nullptr);
    return body;
}

// The gateway's journal, from the event to its deletion, with a broker that acknowledges at once.
class Journal {
  public:
    explicit Journal(const std::filesystem::path& path)
        : events_(io_.get_executor(), *time_, config_, std::make_shared<store::StateDir>(path),
                  [] {}) {
        events_.connected(1000);
        boost::asio::co_spawn(io_, events_.run(),
                              boost::asio::bind_cancellation_slot(
                                  cancel_.slot(), [this](const std::exception_ptr& /*cancelled*/) {
                                      ended_ = true;
                                  }));
    }
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() {
        cancel_.emit(boost::asio::cancellation_type::terminal);
        while (!ended_) {
            io_.run_one();
        }
    }
    // `due`: how many events should have happened after this time.
    void run(Seconds time, const std::function<std::uint64_t(Seconds)>& due) {
        outbox::EventSink& sink = events_.sink("r1");
        const auto began = Steady::now();
        for (Seconds elapsed{0}; elapsed < time; elapsed = Steady::now() - began) {
            const std::uint64_t target = due(elapsed);
            for (; happened_ < target; ++happened_) {
                sink.event(kSignal, static_cast<std::int64_t>(happened_), unix_ms(time_->wall()),
                           domain::Quality::good, nullptr);
            }
            io_.run_one_for(1ms);
            io_.poll();
            while (events_.next(message_)) {
                events_.settled(message_.ticket, true, {});
                ++arrived_;
            }
        }
    }
    [[nodiscard]] std::uint64_t arrived() const { return arrived_; }
    [[nodiscard]] ops::EventMetrics metrics() const { return events_.metrics(); }

  private:
    boost::asio::io_context io_{1};
    std::unique_ptr<Time> time_ = make_real_time(io_.get_executor());
    std::shared_ptr<const config::Config> config_ = std::make_shared<const config::Config>();
    boost::asio::cancellation_signal cancel_;
    app::Events events_;
    mqtt::Publication message_;
    std::uint64_t happened_ = 0;
    std::uint64_t arrived_ = 0;
    bool ended_ = false;
};

// As many rows as the gateway writes, in transactions of the same size, and nothing else: each
// inserts its rows and deletes those before.
double bare_sqlite(const std::filesystem::path& file, std::uint64_t rows, Seconds time) {
    store::sqlite::Database database(file.string(), store::sqlite::Database::Mode::create);
    database.execute(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA secure_delete=OFF;"
        "CREATE TABLE event(controller INTEGER NOT NULL, seq INTEGER NOT NULL, first INTEGER,"
        " at INTEGER NOT NULL, signal TEXT, body TEXT NOT NULL, PRIMARY KEY(controller, seq))"
        " WITHOUT ROWID;");
    store::sqlite::Statement insert(database, "INSERT INTO event VALUES(1, ?1, NULL, ?2, ?3, ?4)");
    store::sqlite::Statement remove(database,
                                    "DELETE FROM event WHERE controller = 1 AND seq <= ?1");
    std::uint64_t written = 0;
    const auto began = Steady::now();
    while (Steady::now() - began < time) {
        store::sqlite::Transaction transaction(database);
        remove.bind(1, static_cast<std::int64_t>(written)).run();
        for (std::uint64_t i = 0; i < rows; ++i) {
            const std::string body = body_of(static_cast<std::int64_t>(written));
            insert.bind(1, static_cast<std::int64_t>(++written)).bind(2, 1'763'900'000'123);
            insert.bind(3, kSignal).bind(4, body).run();
        }
        transaction.commit();
    }
    return static_cast<double>(written) / Seconds(Steady::now() - began).count();
}

// A backlog as an outage leaves it, taken over a real broker.
void measure_drain(Report& report, std::uint64_t backlog) {
    const test::Simulator simulator({"--get-time", "0", "--quiet"});
    test::BrokerOptions options = quiet_broker();
    options.config.emplace_back("max_inflight_messages 0");
    const test::Broker broker(options);
    const test::TempDir directory;
    const std::filesystem::path state = directory.path() / "state";
    {
        store::EventBounds bounds{std::uint64_t{1} << 30U, 86'400'000};
        store::EventDb db(std::make_shared<store::StateDir>(state), bounds);
        for (std::uint64_t done = 0; done < backlog;) {
            store::EventDb::Order order;
            order.now_ms = unix_ms(Wall::now());
            order.write = true;
            order.streams.push_back({"r1", 0, 0});
            order.batch.emplace_back();
            for (int i = 0; i < 10'000; ++i, ++done) {
                order.batch[0].events.push_back(
                    {kSignal, body_of(static_cast<std::int64_t>(done)), order.now_ms});
            }
            if (!db.take_turn(order).written) {
                throw std::runtime_error("the backlog cannot be written");
            }
        }
    }
    test::Gateway gateway(
        "gateway: {id: bench, state_dir: " + state.string() + "}\nmqtt: {url: \"" + broker.url() +
        "\", window: 1000}\ncontrollers:\n  - name: r1\n    url: " + simulator.url() +
        "\n    signals:\n      - {name: a, address: fb3.di0, events: true}\n");
    const auto began = Steady::now();
    const Seconds before = cpu_time(gateway.process().pid());
    if (!test::eventually([&] { return gateway.metric("hi6gw_outbox_events") > 0; }, 20s) ||
        !test::eventually([&] { return gateway.metric("hi6gw_outbox_events") == 0; }, 120s)) {
        throw std::runtime_error("the backlog is not taken");
    }
    const Seconds took = Steady::now() - began;
    report.add("a backlog over mosquitto, window 1000 (half of it for events)", "events/s",
               static_cast<double>(backlog) / took.count());
    report.add("the same, CPU of the gateway", "% of a core",
               100 * Seconds(cpu_time(gateway.process().pid()) - before).count() / took.count());
}

}  // namespace

void measure_journal(Report& report, Seconds time) {
    report.section("7. The journal of events: commit 20ms, every event synced to the disk");
    {
        const test::TempDir directory;
        Journal journal(directory.path() / "state");
        const Seconds before = cpu_time(::getpid());
        journal.run(time, [](Seconds elapsed) {
            return static_cast<std::uint64_t>(20'000 * elapsed.count());
        });
        const Seconds cpu = cpu_time(::getpid()) - before;
        report.add("20,000 events/s happen: taken", "events/s",
                   static_cast<double>(journal.arrived()) / time.count(), "20000");
        report.add("the same, waiting at the end", "events",
                   static_cast<double>(journal.metrics().waiting), "< 1 s");
        report.add("the same, CPU of loop and worker", "% of a core",
                   100 * cpu.count() / time.count());
    }
    const test::TempDir directory;
    double rate = 0;
    std::uint64_t rows = 0;
    {
        Journal journal(directory.path() / "state");
        constexpr std::uint64_t kAhead = 20'000;  // as many as may wait
        journal.run(time, [&](Seconds /*elapsed*/) { return journal.arrived() + kAhead; });
        rate = static_cast<double>(journal.arrived()) / time.count();
        rows = journal.arrived() / std::max<std::uint64_t>(journal.metrics().commits, 1);
    }
    const double bare = bare_sqlite(directory.path() / "bare.db", rows, time);
    report.add("as many as it takes", "events/s", rate, "20000");
    report.add("rows of a transaction meanwhile", "", static_cast<double>(rows));
    report.add("SQLite alone, the same rows in transactions of that size", "rows/s", bare);
    report.add("ratio", "", rate / bare);
    measure_drain(report, 300'000);
}

}  // namespace hi6gw::bench
