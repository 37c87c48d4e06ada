#pragma once
// The journal of events as the event loop sees it: events go in and wait in memory for the next
// commit, which a worker makes; rows that are on the disk come back and wait in their stream's
// window to be sent; what has arrived is deleted. One turn of the worker at a time: what comes
// meanwhile goes with the next. So nothing leaves before it is on the disk, and while the disk
// takes nothing events wait in memory (kMemory), and what then has to go becomes a gap.
//
// A stream is a controller's name, and goes on for ever, whatever becomes of the controller: also
// streams that only the disk knows of are served. Thread: the event loop's, which never waits for
// the disk here.

#include "base/log.h"
#include "base/mailbox.h"
#include "base/time.h"
#include "base/worker.h"
#include "outbox/event_buffer.h"
#include "outbox/event_window.h"
#include "store/event_db.h"
#include "store/state_dir.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::store {

class EventStore {
  public:
    // Bytes of events that wait for the disk, and as much again on the way to it.
    static constexpr std::size_t kMemory = 16 * 1024 * 1024;
    static constexpr std::chrono::milliseconds kRetry{1000};     // after a failed turn
    static constexpr std::chrono::milliseconds kPatience{2000};  // then the disk counts as hanging
    // What has arrived is deleted with the next commit, or after this: a crash repeats it.
    static constexpr std::chrono::milliseconds kDelete{200};

    struct Options {
        EventBounds bounds;
        std::chrono::milliseconds commit{20};  // from one commit to the next, at least
        std::size_t memory = kMemory;
    };
    // `time` and `worker` outlive this. `news`: some window has something to send.
    EventStore(const boost::asio::any_io_executor& executor, Time& time, Worker& worker,
               std::shared_ptr<StateDir> directory, Options options, std::function<void()> news);
    EventStore(const EventStore&) = delete;
    EventStore& operator=(const EventStore&) = delete;
    ~EventStore();  // what waits in memory is handed to the worker

    // Until cancelled. Nothing is written before.
    boost::asio::awaitable<void> run();
    // When this returns, everything that had been recorded is written, and everything that had
    // arrived is deleted; unless the disk does not take it, or the deadline came. While run() runs.
    boost::asio::awaitable<void> flush(Steady::time_point deadline);

    // No more rows are wanted than the windows have: the end is near.
    void stop_reading() { reading_ = false; }

    // The number of the stream of this name, which is made when there is none.
    std::uint32_t stream(const std::string& name);
    void record(std::uint32_t stream, outbox::Event event);

    // --- what is to be sent, by stream
    [[nodiscard]] std::size_t streams() const { return streams_.size(); }
    [[nodiscard]] const std::string& name(std::uint32_t stream) const {
        return streams_[stream].name;
    }
    [[nodiscard]] const outbox::Row* next(std::uint32_t stream) {
        return streams_[stream].window.next(time_.now());
    }
    void settled(std::uint32_t stream, std::uint64_t seq, outbox::EventWindow::Fate fate);

    // --- how it goes
    // Why events are not recorded; empty: they are.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    struct Totals {
        std::uint64_t waiting = 0;  // in memory and on the disk, now
        std::uint64_t bytes = 0;    // of the disk in use, now
        std::uint64_t recorded = 0;
        std::uint64_t dropped_full = 0;
        std::uint64_t dropped_old = 0;
        std::uint64_t dropped_memory = 0;  // the disk took nothing
        std::uint64_t lost = 0;            // with a journal that was damaged or deleted
        std::uint64_t commits = 0;         // turns of the worker that wrote
        std::uint64_t failures = 0;        // and that failed
        outbox::EventWindow::Counters sent;
    };
    [[nodiscard]] Totals totals() const;

  private:
    struct Stream {
        std::string name;
        outbox::EventWindow window;
        bool more = false;  // on the disk, and not in the window
        std::uint64_t rows = 0;
        std::uint64_t deleted = 0;
    };
    struct Turn {
        EventDb::Order order;
        EventDb::Done done;
    };
    struct Nothing {
        void clear() {}
    };

    [[nodiscard]] Steady::time_point write_due() const;
    [[nodiscard]] Steady::time_point next_due() const;
    [[nodiscard]] bool wants_rows() const;
    [[nodiscard]] bool has_deletions() const;
    void hurry();
    void hand_over();
    void answered();
    void take(EventDb::Done& done);
    void say(std::string trouble);

    log::Logger log_{"events"};
    Time& time_;
    Worker& worker_;
    Options options_;
    std::function<void()> news_;
    std::shared_ptr<EventDb> db_;  // the worker's alone
    std::shared_ptr<Mailbox<Nothing>> box_;
    outbox::EventBuffer buffer_;
    std::vector<Stream> streams_;
    std::unique_ptr<Alarm> alarm_;        // run() waits,
    Steady::time_point waits_until_;      // until then
    std::unique_ptr<Alarm> flush_alarm_;  // flush() waits

    std::shared_ptr<Turn> turn_;  // with the worker; null: it has nothing
    Steady::time_point turn_began_;
    bool hangs_ = false;
    std::uint64_t turns_ = 0;
    std::uint64_t written_turn_ = 0;  // the last one that was
    std::uint64_t events_in_turn_ = 0;
    bool readable_ = false;  // the last turn could read
    bool reading_ = true;
    bool flushing_ = false;
    Steady::time_point news_at_ = Steady::time_point::max();  // when a pause ends
    Steady::time_point next_write_;                           // not before
    Steady::time_point delete_at_ = Steady::time_point::max();
    Steady::time_point look_at_age_ = Steady::time_point::max();
    std::string trouble_;
    Totals totals_;
};

}  // namespace hi6gw::store
