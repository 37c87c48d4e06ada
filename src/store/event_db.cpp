#include "store/event_db.h"

#include "store/file.h"
#include "store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace hi6gw::store {

namespace gap_reason = outbox::gap_reason;
using outbox::EventBuffer;
using outbox::Row;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

constexpr const char* kFile = "events.db";
constexpr std::int64_t kApplication = 0x68366576;  // "h6ev"
constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kPageSize = 4096;
// Rows that go at a time when the journal is full: few enough that a commit does not take long.
constexpr std::uint64_t kDropAtLeast = 256;
constexpr std::int64_t kShrinkFrom = 1024;  // unused pages of an empty journal
// 2020: a time before it is that of a machine whose clock was not set yet, and says nothing of age.
constexpr std::int64_t kClockIsSet = 1'577'836'800'000;

// For each connection. Exclusive: the directory's lock says that nobody else is there, and no file
// of shared memory is needed. Debian's SQLite overwrites what is deleted unless it is told not to.
constexpr const char* kSetUp =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF;"
    "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-8192; PRAGMA journal_size_limit=4194304;";

constexpr const char* kSchema =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; BEGIN;"
    // base: where the numbers of a controller without a row go on from
    "CREATE TABLE journal(base INTEGER NOT NULL);"
    // seq: highest number given
    "CREATE TABLE controller(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " seq INTEGER NOT NULL);"
    // first: of a gap, which is first..seq; then `body` is the reason and there is no signal
    "CREATE TABLE event(controller INTEGER NOT NULL, seq INTEGER NOT NULL, first INTEGER,"
    " at INTEGER NOT NULL, signal TEXT, body TEXT NOT NULL, PRIMARY KEY(controller, seq))"
    " WITHOUT ROWID;";

std::int64_t in(std::uint64_t number) {
    return static_cast<std::int64_t>(number);
}
std::uint64_t out(std::int64_t number) {
    return static_cast<std::uint64_t>(number);
}

std::filesystem::path with(const std::filesystem::path& path, const char* suffix) {
    return path.string() + suffix;
}

// Throws where it cannot be told: a journal that is there must not be replaced.
bool found(const std::filesystem::path& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) == 0) {
        return true;
    }
    if (errno != ENOENT) {
        throw std::runtime_error(path.string() + ": " + error_text(errno));
    }
    return false;
}

// The file's own fault, and not that of the disk or of somebody who has it open.
bool is_damage(const sqlite::Error& error) {
    return error.code() == SQLITE_CORRUPT || error.code() == SQLITE_NOTADB ||
           error.code() == SQLITE_ERROR || error.code() == SQLITE_CONSTRAINT;
}

void move_file(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
        throw std::runtime_error("cannot rename " + from.string() + ": " + error_text(errno));
    }
}

}  // namespace

struct EventDb::Handles {
    explicit Handles(const std::string& path) : database(opened(path)) {}

    static Database opened(const std::string& path) {
        Database database(path, Database::Mode::existing);
        database.execute(kSetUp);
        return database;
    }
    Statement prepare(const char* sql) { return {database, sql}; }

    Database database;
    Statement add_controller = prepare("INSERT INTO controller(name, seq) VALUES(?1, ?2)");
    Statement set_seq = prepare("UPDATE controller SET seq = ?2 WHERE id = ?1");
    Statement insert = prepare(
        "INSERT INTO event(controller, seq, first, at, signal, body) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
    Statement remove_to = prepare("DELETE FROM event WHERE controller = ?1 AND seq <= ?2");
    Statement remove =
        prepare("DELETE FROM event WHERE controller = ?1 AND seq > ?2 AND seq <= ?3");
    Statement read = prepare(
        "SELECT seq, first, at, signal, body FROM event WHERE controller = ?1 AND seq > ?2 "
        "ORDER BY seq LIMIT ?3");
    Statement sum = prepare(
        "SELECT count(*), sum(first IS NULL), min(coalesce(first, seq)), max(at) FROM event "
        "WHERE controller = ?1 AND seq > ?2 AND seq <= ?3");
    Statement nth = prepare(
        "SELECT seq FROM event WHERE controller = ?1 AND seq > ?2 ORDER BY seq LIMIT 1 OFFSET ?3");
    Statement newest_old = prepare(
        "SELECT max(seq) FROM event WHERE controller = ?1 AND seq > ?2 AND seq < coalesce("
        "(SELECT seq FROM event WHERE controller = ?1 AND seq > ?2 AND (at >= ?3 OR at < ?4) "
        "ORDER BY seq LIMIT 1), 9223372036854775807)");
    Statement page_count = prepare("PRAGMA page_count");
    Statement free_count = prepare("PRAGMA freelist_count");
};

EventDb::EventDb(std::shared_ptr<StateDir> directory, EventBounds bounds)
    : directory_(std::move(directory)), path_(directory_->path() / kFile), bounds_(bounds) {}

EventDb::~EventDb() = default;

bool EventDb::is_there(const std::filesystem::path& directory) {
    std::error_code ignored;
    return std::filesystem::exists(directory / kFile, ignored);
}

EventDb::Done EventDb::take_turn(const Order& order) {
    Done done;
    done.streams.resize(order.streams.size());
    done.trouble = attempt([&] {
        if (db_ && order.write && db_->database.has_moved()) {
            log_.warn("{} is not there any more", path_.string());
            db_.reset();
        }
        if (!db_) {
            open(order.now_ms);
        }
    });
    if (done.trouble.empty() && order.write) {
        Done written = done;
        done.trouble = attempt([&] { write(order, written); });
        if (done.trouble.empty()) {
            done = std::move(written);
            done.written = true;
            (void)attempt([&] { shrink(); });  // what is written is, whatever comes of this
        }
    }
    if (db_) {  // also when it could not be written: what is there may leave
        std::string trouble = attempt([&] {
            for (std::size_t i = 0; i < order.streams.size(); ++i) {
                read(order.streams[i], done.streams[i]);
            }
            done.bytes = pages_in_use() * kPageSize;
        });
        done.readable = trouble.empty();
        done.trouble = done.trouble.empty() ? std::move(trouble) : done.trouble;
    }
    fill_in(order, done);
    return done;
}

// Returns why the work could not be done; empty: it is.
std::string EventDb::attempt(const std::function<void()>& work) {
    try {
        work();
        return {};
    } catch (const sqlite::Error& error) {
        if (db_ && is_damage(error)) {
            db_.reset();
            suspect_ = true;
        } else if (db_) {
            db_->database.checkpoint();  // makes room in the log, should that be full
        }
        return path_.string() + ": " + error.what();
    } catch (const std::exception& error) {
        return error.what();
    }
}

void EventDb::fill_in(const Order& order, Done& done) const {
    for (std::size_t i = 0; i < order.streams.size(); ++i) {
        const auto found = streams_.find(order.streams[i].name);
        if (found != streams_.end()) {
            done.streams[i].waiting = found->second.rows;
            done.streams[i].more = found->second.unhanded > 0;
            done.streams[i].deleted_to = found->second.deleted;
        }
    }
    for (const auto& [name, stream] : streams_) {
        const bool known =
            std::ranges::find(order.streams, name, &Stream::name) != order.streams.end();
        if (!known && stream.rows > 0) {
            done.found.push_back(name);
        }
    }
}

// ---- the file

void EventDb::open(std::int64_t now_ms) {
    if (const auto acquired = directory_->acquire(); !acquired) {
        throw std::runtime_error(acquired.error().what);
    }
    const std::filesystem::path log = with(path_, "-wal");
    // Above all numbers that may have been given: the clock counts faster than events do.
    const std::int64_t after_all = std::max(now_ms, kClockIsSet);
    std::int64_t base = in(base_);
    if (found(path_)) {
        const std::string why = fault_of_file();
        if (why.empty()) {
            db_ = std::make_unique<Handles>(path_.string());
            load();
            suspect_ = false;
            return;
        }
        keep_aside(why);
        base = std::max(base, after_all);
    } else if (found(log)) {
        // Somebody has deleted the journal, but not its log: numbers have been given.
        base = streams_.empty() ? std::max(base, after_all) : base;
        move_file(log, with(path_, ".aside-wal"));
    }
    create(base);
    db_ = std::make_unique<Handles>(path_.string());
    load();
    suspect_ = false;
}

// Empty: it is a whole journal of ours.
std::string EventDb::fault_of_file() const {
    try {
        const Database database(path_.string(), Database::Mode::existing);
        Statement(database, "PRAGMA locking_mode=EXCLUSIVE").step();
        if (Statement(database, "PRAGMA application_id").value() != kApplication) {
            return "is no journal of events";
        }
        const std::int64_t version = Statement(database, "PRAGMA user_version").value();
        if (version != kVersion) {
            return "has version " + std::to_string(version) + ", not " + std::to_string(kVersion);
        }
        if (suspect_) {
            Statement check(database, "PRAGMA quick_check(1)");
            const std::string verdict = check.step() ? check.text(0) : "";
            if (verdict != "ok") {
                return "is damaged: " + log::printable(verdict, 200);
            }
        }
        // All tables and columns are there.
        if (Statement(database, "SELECT count(*) FROM journal").value() != 1) {
            return "is incomplete";
        }
        Statement(database, "SELECT id, name, seq FROM controller LIMIT 0").step();
        Statement(database, "SELECT controller, seq, first, at, signal, body FROM event LIMIT 0")
            .step();
        return {};
    } catch (const sqlite::Error& error) {
        if (is_damage(error)) {
            return std::string("cannot be read: ") + error.what();
        }
        throw;
    }
}

// Its log goes with it. The one kept before is replaced, so that there is one at most.
void EventDb::keep_aside(const std::string& why) {
    const std::filesystem::path aside = with(path_, ".aside");
    ::unlink(with(aside, "-wal").c_str());
    move_file(path_, aside);
    move_file(with(path_, "-wal"), with(aside, "-wal"));
    ::unlink(with(path_, "-shm").c_str());
    log_.error(
        "{} {}; it is kept as {}, the events in it are lost, and numbers go on from a higher one",
        path_.string(), why, aside.string());
}

// Under another name first: what has the journal's name is whole.
void EventDb::create(std::int64_t base) {
    const std::filesystem::path fresh = with(path_, ".new");
    for (const auto& leftover : {fresh, with(fresh, "-wal"), with(fresh, "-shm")}) {
        ::unlink(leftover.c_str());
    }
    {
        Database database(fresh.string(), Database::Mode::create);
        database.execute(kSetUp);
        database.execute(kSchema);
        database.execute(("INSERT INTO journal VALUES(" + std::to_string(base) +
                          "); PRAGMA application_id=" + std::to_string(kApplication) +
                          "; PRAGMA user_version=" + std::to_string(kVersion) + "; COMMIT;")
                             .c_str());
    }
    constexpr mode_t kMode = 0640;
    (void)::chmod(fresh.c_str(), kMode);  // the directory is private in any case
    move_file(fresh, path_);
    const Fd directory(::open(directory_->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.open() || ::fsync(directory.get()) != 0) {
        throw std::runtime_error(directory_->path().string() + ": " + error_text(errno));
    }
}

// What is known of streams from before, of a file that is gone, counts where it is more.
void EventDb::load() {
    Database& database = db_->database;
    base_ = out(Statement(database, "SELECT base FROM journal").value());
    for (auto& [name, stream] : streams_) {
        stream.id = 0;
        stream.rows = 0;
        stream.unhanded = 0;
    }
    Statement controllers(database, "SELECT id, name, seq FROM controller");
    Statement rows(database,
                   "SELECT count(*), sum(seq > ?2), max(seq) FROM event "
                   "WHERE controller = ?1");
    while (controllers.step()) {
        Known& stream = streams_[controllers.text(1)];
        stream.id = controllers.integer(0);
        rows.bind(1, stream.id).bind(2, in(stream.handed)).step();
        stream.rows = out(rows.integer(0));
        stream.unhanded = out(rows.integer(1));
        stream.last = std::max({stream.last, out(controllers.integer(2)), out(rows.integer(2))});
        rows.finish();
    }
}

// ---- writing

void EventDb::write(const Order& order, Done& done) {
    Streams streams = streams_;  // taken over when it is committed
    Transaction transaction(db_->database);
    for (auto& [name, stream] : streams) {
        known(streams, name, order.now_ms, done);  // of a file that is gone
    }
    std::uint64_t inserted = 0;
    for (std::size_t i = 0; i < order.streams.size(); ++i) {
        const auto found = streams.find(order.streams[i].name);
        if (found != streams.end() && order.streams[i].arrived > found->second.deleted) {
            Known& stream = found->second;
            stream.deleted = order.streams[i].arrived;
            db_->remove_to.bind(1, stream.id).bind(2, in(stream.deleted));
            stream.rows -= out(db_->remove_to.run());
        }
        if (i < order.batch.size() && !order.batch[i].empty()) {
            insert(streams, order.streams[i].name, order.batch[i], order.now_ms, done);
            inserted += order.batch[i].events.size();
        }
    }
    keep_to_age(streams, order.now_ms, done);
    keep_to_size(streams, inserted, done);
    transaction.commit();
    streams_ = std::move(streams);  // and nothing after it: the batch is written now
}

void EventDb::insert(Streams& streams, const std::string& name, const EventBuffer::Stream& batch,
                     std::int64_t now_ms, Done& done) {
    Known& stream = known(streams, name, now_ms, done);
    if (batch.lost > 0) {
        put_gap(stream, stream.last + 1, stream.last + batch.lost, batch.lost_ms,
                gap_reason::kNotWritten);
        stream.last += batch.lost;
    }
    for (const outbox::Event& event : batch.events) {
        db_->insert.bind(1, stream.id).bind(2, in(++stream.last)).bind_null(3).bind(4, event.at_ms);
        db_->insert.bind(5, event.signal).bind(6, event.body).run();
    }
    stream.rows += batch.events.size();
    stream.unhanded += batch.events.size();
    db_->set_seq.bind(1, stream.id).bind(2, in(stream.last)).run();
}

// A stream that the file does not know goes on where it, or the journal before, has ended.
EventDb::Known& EventDb::known(Streams& streams, const std::string& name, std::int64_t now_ms,
                               Done& done) {
    const auto [found, fresh] = streams.try_emplace(name);
    Known& stream = found->second;
    if (stream.id != 0) {
        return stream;
    }
    done.lost += stream.last - std::min(stream.last, stream.handed);
    stream.last = fresh ? base_ : stream.last;
    db_->add_controller.bind(1, name).bind(2, in(stream.last)).run();
    stream.id = ::sqlite3_last_insert_rowid(db_->database.get());
    // Also when all were handed out: should this run end before they have arrived, the next one
    // says so. While this one runs, the row goes with them.
    if (stream.last > stream.deleted) {
        put_gap(stream, stream.deleted + 1, stream.last, now_ms, gap_reason::kLost);
    }
    return stream;
}

void EventDb::put_gap(Known& stream, std::uint64_t first, std::uint64_t last, std::int64_t at_ms,
                      std::string_view why) {
    db_->insert.bind(1, stream.id).bind(2, in(last)).bind(3, in(first)).bind(4, at_ms);
    db_->insert.bind_null(5).bind(6, why).run();
    ++stream.rows;
    stream.unhanded += last > stream.handed ? 1U : 0U;
}

// ---- bounds

std::uint64_t EventDb::pages_in_use() {
    return out(db_->page_count.value() - db_->free_count.value());
}

void EventDb::keep_to_size(Streams& streams, std::uint64_t inserted, Done& done) {
    const std::uint64_t most = bounds_.max_size / kPageSize;
    const std::uint64_t at_a_time = std::max(kDropAtLeast, 2 * inserted);
    while (!streams.empty() && pages_in_use() > most) {
        Known& largest = std::ranges::max_element(streams, {}, [](const auto& each) {
                             return each.second.unhanded;
                         })->second;
        const std::uint64_t rows = std::min(at_a_time, largest.unhanded);
        if (rows == 0) {
            return;
        }
        db_->nth.bind(1, largest.id).bind(2, in(largest.handed)).bind(3, in(rows - 1));
        const std::uint64_t dropped = drop(largest, out(db_->nth.value()), gap_reason::kFull);
        if (dropped == 0) {
            return;  // nothing but gaps
        }
        done.dropped_full += dropped;
    }
}

void EventDb::keep_to_age(Streams& streams, std::int64_t now_ms, Done& done) {
    for (auto& [name, stream] : streams) {
        if (stream.unhanded > 0) {
            db_->newest_old.bind(1, stream.id).bind(2, in(stream.handed));
            db_->newest_old.bind(3, now_ms - bounds_.max_age_ms).bind(4, kClockIsSet);
            const std::uint64_t to = out(db_->newest_old.value());
            done.dropped_old += to > 0 ? drop(stream, to, gap_reason::kOld) : 0;
        }
    }
}

// All up to `to`, which is the number of a row, becomes one gap. Returns how many events went.
std::uint64_t EventDb::drop(Known& stream, std::uint64_t to, std::string_view why) {
    db_->sum.bind(1, stream.id).bind(2, in(stream.handed)).bind(3, in(to)).step();
    const std::uint64_t rows = out(db_->sum.integer(0));
    const std::uint64_t events = out(db_->sum.integer(1));
    const std::uint64_t first = out(db_->sum.integer(2));
    const std::int64_t at_ms = db_->sum.integer(3);
    db_->sum.finish();
    if (events == 0) {
        return 0;
    }
    db_->remove.bind(1, stream.id).bind(2, in(stream.handed)).bind(3, in(to)).run();
    stream.rows -= rows;
    stream.unhanded -= rows;
    put_gap(stream, first, to, at_ms, why);
    return events;
}

// A journal that is empty again gives back what it has grown by, a piece at a time.
void EventDb::shrink() {
    const bool empty =
        std::ranges::all_of(streams_, [](const auto& each) { return each.second.rows == 0; });
    if (empty && db_->free_count.value() >= kShrinkFrom) {
        db_->database.execute("PRAGMA incremental_vacuum(1024)");
    }
}

// ---- reading

void EventDb::read(const Stream& wanted, Done::Stream& to) {
    const auto found = streams_.find(wanted.name);
    if (found == streams_.end() || found->second.unhanded == 0 || wanted.room == 0) {
        return;
    }
    Known& stream = found->second;
    Statement& read = db_->read;
    read.bind(1, stream.id).bind(2, in(stream.handed)).bind(3, in(wanted.room));
    while (read.step()) {
        Row& row = to.rows.emplace_back();
        row.seq = out(read.integer(0));
        row.gap = !read.is_null(1);
        row.first = row.gap ? out(read.integer(1)) : row.seq;
        row.at_ms = read.integer(2);
        row.signal = read.text(3);
        row.body = read.text(4);
        stream.handed = row.seq;
        --stream.unhanded;
    }
}

}  // namespace hi6gw::store
