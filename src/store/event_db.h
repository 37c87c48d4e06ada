#pragma once
// The journal of events as an SQLite database, DIRECTORY/events.db. Events get their numbers here,
// when they are written, so that a number is given once the event is on the disk and never again:
// the highest of each stream outlives its events. An event may leave the gateway when take_turn()
// has handed it out.
//
// Write-ahead log, synchronous=FULL: a commit is one append and one sync, after which not even a
// power cut takes the events back. With NORMAL it could, and numbers that consumers have seen would
// be given to other events.
//
// Bounded by size and age (policy drop_oldest): what has to go becomes a gap, a row that says which
// numbers are missing. What was handed out stays.
//
// Waits for the disk. Thread: one at a time (a worker's).

#include "base/log.h"
#include "outbox/event.h"
#include "outbox/event_buffer.h"
#include "store/state_dir.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::store {

struct EventBounds {
    std::uint64_t max_size = 0;  // bytes of the pages in use
    std::int64_t max_age_ms = 0;
};

class EventDb {
  public:
    struct Stream {
        std::string name;
        std::uint64_t arrived = 0;  // all events up to this number may be deleted
        std::size_t room = 0;       // rows that are wanted
    };
    struct Order {
        std::int64_t now_ms = 0;
        bool write = false;  // the batch and the deletions, in one transaction; else only read
        outbox::EventBuffer::Batch batch;
        std::vector<Stream> streams;
    };
    struct Done {
        bool written = false;   // the order's batch; else it is to be put back
        bool readable = false;  // else no rows are handed out
        std::string trouble;    // empty: none
        struct Stream {
            std::vector<outbox::Row> rows;  // the next ones, in order
            std::uint64_t waiting = 0;      // rows on the disk, those handed out included
            bool more = false;              // rows that have not been handed out
            std::uint64_t deleted_to = 0;   // up to this number, for good
        };
        std::vector<Stream> streams;     // as in the order
        std::vector<std::string> found;  // names of streams on the disk that the order lacks
        std::uint64_t bytes = 0;         // in use
        std::uint64_t dropped_full = 0;  // events, in this turn
        std::uint64_t dropped_old = 0;
        std::uint64_t lost = 0;  // with the journal itself
    };

    EventDb(std::shared_ptr<StateDir> directory, EventBounds bounds);
    EventDb(const EventDb&) = delete;
    EventDb& operator=(const EventDb&) = delete;
    ~EventDb();

    // Whether there is a journal in this directory. Events of an earlier configuration are still to
    // be sent, although none are recorded any more.
    [[nodiscard]] static bool is_there(const std::filesystem::path& directory);

    // Opens the journal first where it is not open. Throws nothing.
    [[nodiscard]] Done take_turn(const Order& order);

  private:
    struct Handles;
    struct Known {  // of a stream
        std::int64_t id = 0;
        std::uint64_t last = 0;     // highest number given
        std::uint64_t handed = 0;   // highest number handed out
        std::uint64_t deleted = 0;  // up to this number
        std::uint64_t rows = 0;
        std::uint64_t unhanded = 0;  // rows above `handed`
    };
    using Streams = std::map<std::string, Known>;

    [[nodiscard]] std::string attempt(const std::function<void()>& work);
    void open(std::int64_t now_ms);
    [[nodiscard]] std::string fault_of_file() const;
    void keep_aside(const std::string& why);
    void create(std::int64_t base);
    void load();
    void write(const Order& order, Done& done);
    void insert(Streams& streams, const std::string& name, const outbox::EventBuffer::Stream& batch,
                std::int64_t now_ms, Done& done);
    Known& known(Streams& streams, const std::string& name, std::int64_t now_ms, Done& done);
    void put_gap(Known& stream, std::uint64_t first, std::uint64_t last, std::int64_t at_ms,
                 std::string_view why);
    void keep_to_size(Streams& streams, std::uint64_t inserted, Done& done);
    void keep_to_age(Streams& streams, std::int64_t now_ms, Done& done);
    std::uint64_t drop(Known& stream, std::uint64_t to, std::string_view why);
    void read(const Stream& wanted, Done::Stream& to);
    void shrink();
    void fill_in(const Order& order, Done& done) const;
    [[nodiscard]] std::uint64_t pages_in_use();

    log::Logger log_{"events"};
    std::shared_ptr<StateDir> directory_;
    std::filesystem::path path_;
    EventBounds bounds_;
    std::unique_ptr<Handles> db_;  // null: to be opened
    Streams streams_;
    std::uint64_t base_ = 0;  // numbers of streams that are not known go on from here
    bool suspect_ = true;     // the file is looked through when it is opened
};

}  // namespace hi6gw::store
