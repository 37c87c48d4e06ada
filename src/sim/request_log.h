#pragma once
// What the simulator saw: every request, every connection, and sums. Bounded: the oldest entries
// are dropped and counted. Pure: times come from the caller.

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace hi6gw::sim {

struct Instant {
    std::chrono::steady_clock::time_point steady;
    std::chrono::system_clock::time_point wall;
};
[[nodiscard]] Instant instant_now();

struct LoggedRequest {
    std::uint64_t seq = 0;         // from 1, gapless
    std::uint64_t connection = 0;  // LoggedConnection::id
    Instant received;              // the whole request was there
    std::chrono::steady_clock::duration
        duration{};  // until the reply was sent; 0 while in progress
    std::string method;
    std::string target;        // at most RequestLog::kTextBytes
    std::string body;          // likewise
    unsigned status = 0;       // of the reply sent; 0: none (yet)
    bool applied = false;      // a write took effect
    bool asked_close = false;  // the client sent Connection: close
    std::string_view fault;    // the action played on it, or empty
};

struct LoggedConnection {
    std::uint64_t id = 0;
    Instant opened;
    std::chrono::steady_clock::duration open_for{};  // 0 while open
    std::uint64_t requests = 0;
    bool open = true;
    bool refused = false;  // over --max-connections: closed at once
};

struct Stats {
    std::uint64_t connections_total = 0;
    std::uint64_t connections_open = 0;
    std::uint64_t connections_open_max = 0;
    std::uint64_t connections_refused = 0;
    std::uint64_t requests_total = 0;
    std::uint64_t requests_open = 0;  // received and not yet answered, over all connections
    std::uint64_t requests_open_max =
        0;                     // more than 1: the client did not wait (pipelining counts)
    std::uint64_t reads = 0;   // GET
    std::uint64_t writes = 0;  // POST
    std::uint64_t writes_applied = 0;
    std::uint64_t asked_close = 0;
    std::uint64_t malformed = 0;  // not HTTP, or over the limits
};

class RequestLog {
  public:
    static constexpr std::size_t kTextBytes = 1024;
    static constexpr std::size_t kConnections = 10'000;

    explicit RequestLog(std::size_t requests = 200'000) : most_(requests) {}

    std::uint64_t connection_opened(const Instant& now, bool refused);
    void connection_closed(std::uint64_t id, const Instant& now);

    // A request is there; returns its seq.
    std::uint64_t request_received(std::uint64_t connection, const Instant& now,
                                   std::string_view method, std::string_view target,
                                   std::string_view body, bool asked_close);
    // Bytes of another request came before the reply to the last one: the client pipelines.
    void more_waiting();
    // The request is over; status 0: it got no reply.
    void request_done(std::uint64_t seq, std::chrono::steady_clock::time_point now,
                      unsigned status);
    // What was done with it, noted before the reply is sent.
    void mark(std::uint64_t seq, bool applied, std::string_view fault);
    void malformed() { ++stats_.malformed; }

    void clear();  // the entries; seq goes on, dropped restarts
    [[nodiscard]] const Stats& stats() const { return stats_; }
    [[nodiscard]] const std::deque<LoggedRequest>& requests() const { return requests_; }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

    // {"dropped":0,"last":17,"entries":[...]} of the entries with seq > since, at most `limit`.
    [[nodiscard]] std::string to_json(std::uint64_t since, std::size_t limit) const;
    [[nodiscard]] std::string connections_json() const;
    [[nodiscard]] std::string stats_json() const;

  private:
    LoggedRequest* find(std::uint64_t seq);

    std::size_t most_;
    std::deque<LoggedRequest> requests_;
    std::deque<LoggedConnection> connections_;
    std::uint64_t next_seq_ = 1;
    std::uint64_t next_connection_ = 1;
    std::uint64_t dropped_ = 0;
    Stats stats_;
};

}  // namespace hi6gw::sim
