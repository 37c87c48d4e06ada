#pragma once
// SQLite's C API with owners and exceptions; event_db.cpp alone uses it, and lets none out. Thread:
// one at a time.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace hi6gw::store::sqlite {

// `code`: SQLite's primary result code.
class Error : public std::runtime_error {
  public:
    Error(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
    [[nodiscard]] int code() const { return code_; }

  private:
    int code_;
};

class Database {
  public:
    enum class Mode : std::uint8_t { existing, create };
    Database(const std::string& path, Mode mode);
    void execute(const char* sql);  // one statement or several; rows are dropped
    // Whether the file is not the one under its name any more: deleted, or replaced.
    [[nodiscard]] bool has_moved() const;
    void checkpoint() noexcept;  // as far as it goes
    [[nodiscard]] sqlite3* get() const { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement. Parameters count from 1, columns from 0; texts are bound without a copy and
// must live until the statement is reset: by step() having returned false, or by finish().
class Statement {
  public:
    Statement(const Database& database, const char* sql);
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);
    Statement& bind_null(int parameter);
    bool step();    // true: there is a row
    void finish();  // no more rows are wanted
    // Without rows; how many were inserted or deleted.
    std::int64_t run();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] bool is_null(int column) const;
    // The first column of the first row, 0 when there is none.
    std::int64_t value();

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const;
    };
    void check(int result) const;
    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Rolled back unless committed.
class Transaction {
  public:
    explicit Transaction(Database& database) : database_(database) {
        database_.execute("BEGIN IMMEDIATE");
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    void commit() {
        database_.execute("COMMIT");
        done_ = true;
    }

  private:
    Database& database_;
    bool done_ = false;
};

}  // namespace hi6gw::store::sqlite
