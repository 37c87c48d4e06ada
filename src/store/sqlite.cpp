#include "store/sqlite.h"

#include "store/file.h"

#include <sqlite3.h>

namespace hi6gw::store::sqlite {
namespace {

constexpr int kPrimary = 0xff;  // of an extended result code

[[noreturn]] void fail(sqlite3* database, int result) {
    std::string what = ::sqlite3_errstr(result);
    if (database != nullptr && (::sqlite3_errcode(database) & kPrimary) == (result & kPrimary)) {
        what = ::sqlite3_errmsg(database);
    }
    const int primary = result & kPrimary;
    const bool of_system =
        primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CANTOPEN;
    const int system = database != nullptr && of_system ? ::sqlite3_system_errno(database) : 0;
    throw Error(primary, system == 0 ? what : what + " (" + error_text(system) + ')');
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
    ::sqlite3_close_v2(handle);
}

Database::Database(const std::string& path, Mode mode) {
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
    const int result = ::sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    if (result != SQLITE_OK) {
        fail(handle, result);
    }
}

void Database::execute(const char* sql) {
    const int result = ::sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) {
        fail(handle_.get(), result);
    }
}

bool Database::has_moved() const {
    int moved = 0;
    const int result =
        ::sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return result == SQLITE_OK && moved != 0;
}

void Database::checkpoint() noexcept {
    (void)::sqlite3_wal_checkpoint_v2(handle_.get(), "main", SQLITE_CHECKPOINT_RESTART, nullptr,
                                      nullptr);
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const {
    ::sqlite3_finalize(handle);
}

Statement::Statement(const Database& database, const char* sql) : database_(database.get()) {
    sqlite3_stmt* handle = nullptr;
    check(::sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr));
    handle_.reset(handle);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    check(::sqlite3_bind_int64(handle_.get(), parameter, value));
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
    check(::sqlite3_bind_text(handle_.get(), parameter, text.data(), static_cast<int>(text.size()),
                              SQLITE_STATIC));
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    check(::sqlite3_bind_null(handle_.get(), parameter));
    return *this;
}

bool Statement::step() {
    const int result = ::sqlite3_step(handle_.get());
    if (result == SQLITE_ROW) {
        return true;
    }
    if (result != SQLITE_DONE) {
        try {
            fail(database_, result);
        } catch (const Error&) {
            finish();
            throw;
        }
    }
    finish();
    return false;
}

void Statement::finish() {
    (void)::sqlite3_reset(handle_.get());
}

std::int64_t Statement::run() {
    while (step()) {
    }
    return ::sqlite3_changes64(database_);
}

std::int64_t Statement::integer(int column) const {
    return ::sqlite3_column_int64(handle_.get(), column);
}

std::string Statement::text(int column) const {
    const auto* const bytes = ::sqlite3_column_blob(handle_.get(), column);
    const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(handle_.get(), column));
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

bool Statement::is_null(int column) const {
    return ::sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::value() {
    const std::int64_t value = step() ? integer(0) : 0;
    finish();
    return value;
}

void Statement::check(int result) const {
    if (result != SQLITE_OK) {
        fail(database_, result);
    }
}

Transaction::~Transaction() {
    if (!done_) {
        // What failed may have rolled back by itself.
        (void)::sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

}  // namespace hi6gw::store::sqlite
