#include "sim/request_log.h"

#include "sim/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace hi6gw::sim {
namespace {

template <class Duration>
std::int64_t microseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

void append_entry(std::string& out, const LoggedRequest& entry) {
    fmt::format_to(
        std::back_inserter(out),
        R"({{"seq":{},"conn":{},"t_us":{},"wall_us":{},"duration_us":{},"method":)", entry.seq,
        entry.connection, microseconds(entry.received.steady.time_since_epoch()),
        microseconds(entry.received.wall.time_since_epoch()), microseconds(entry.duration));
    append_json_string(out, entry.method);
    out += R"(,"target":)";
    append_json_string(out, entry.target);
    out += R"(,"body":)";
    append_json_string(out, entry.body);
    fmt::format_to(std::back_inserter(out),
                   R"(,"status":{},"applied":{},"close":{},"fault":"{}"}})", entry.status,
                   entry.applied, entry.asked_close, entry.fault);
}

}  // namespace

Instant instant_now() {
    return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

std::uint64_t RequestLog::connection_opened(const Instant& now, bool refused) {
    const auto id = next_connection_++;
    ++stats_.connections_total;
    stats_.connections_refused += refused ? 1U : 0U;
    ++stats_.connections_open;
    stats_.connections_open_max = std::max(stats_.connections_open_max, stats_.connections_open);
    if (connections_.size() == kConnections) {
        connections_.pop_front();
    }
    connections_.push_back({.id = id, .opened = now, .refused = refused});
    return id;
}

void RequestLog::connection_closed(std::uint64_t id, const Instant& now) {
    --stats_.connections_open;
    if (!connections_.empty() && id >= connections_.front().id) {
        auto& entry = connections_[std::size_t(id - connections_.front().id)];
        entry.open = false;
        entry.open_for = now.steady - entry.opened.steady;
    }
}

std::uint64_t RequestLog::request_received(std::uint64_t connection, const Instant& now,
                                           std::string_view method, std::string_view target,
                                           std::string_view body, bool asked_close) {
    ++stats_.requests_total;
    ++stats_.requests_open;
    stats_.requests_open_max = std::max(stats_.requests_open_max, stats_.requests_open);
    stats_.reads += method == "GET" ? 1U : 0U;
    stats_.writes += method == "POST" ? 1U : 0U;
    stats_.asked_close += asked_close ? 1U : 0U;
    if (!connections_.empty() && connection >= connections_.front().id) {
        ++connections_[std::size_t(connection - connections_.front().id)].requests;
    }
    if (requests_.size() == most_) {
        requests_.pop_front();
        ++dropped_;
    }
    auto& entry = requests_.emplace_back();
    entry.seq = next_seq_++;
    entry.connection = connection;
    entry.received = now;
    entry.method = method.substr(0, kTextBytes);
    entry.target = target.substr(0, kTextBytes);
    entry.body = body.substr(0, kTextBytes);
    entry.asked_close = asked_close;
    return entry.seq;
}

void RequestLog::more_waiting() {
    stats_.requests_open_max = std::max(stats_.requests_open_max, stats_.requests_open + 1);
}

LoggedRequest* RequestLog::find(std::uint64_t seq) {
    if (requests_.empty() || seq < requests_.front().seq) {
        return nullptr;
    }
    return &requests_[std::size_t(seq - requests_.front().seq)];
}

void RequestLog::mark(std::uint64_t seq, bool applied, std::string_view fault) {
    stats_.writes_applied += applied ? 1U : 0U;
    if (auto* const entry = find(seq)) {
        entry->applied = applied;
        entry->fault = fault;
    }
}

void RequestLog::request_done(std::uint64_t seq, std::chrono::steady_clock::time_point now,
                              unsigned status) {
    --stats_.requests_open;
    if (auto* const entry = find(seq)) {
        entry->status = status;
        entry->duration = now - entry->received.steady;
    }
}

void RequestLog::clear() {
    requests_.clear();
    dropped_ = 0;
}

std::string RequestLog::to_json(std::uint64_t since, std::size_t limit) const {
    std::string out =
        fmt::format(R"({{"dropped":{},"last":{},"entries":[)", dropped_, next_seq_ - 1);
    if (!requests_.empty()) {
        const auto first = requests_.front().seq;
        const auto skip = since < first ? 0 : since - first + 1;
        const auto begin = std::size_t(std::min<std::uint64_t>(skip, requests_.size()));
        const auto end = begin + std::min(limit, requests_.size() - begin);
        for (std::size_t i = begin; i < end; ++i) {
            out += i == begin ? "\n" : ",\n";
            append_entry(out, requests_[i]);
        }
    }
    return out + "]}";
}

std::string RequestLog::connections_json() const {
    std::string out = "[";
    for (const auto& entry : connections_) {
        fmt::format_to(std::back_inserter(out),
                       R"({}{{"id":{},"t_us":{},"wall_us":{},"open":{},"open_us":{},"requests":{},)"
                       R"("refused":{}}})",
                       out.size() > 1 ? ",\n" : "", entry.id,
                       microseconds(entry.opened.steady.time_since_epoch()),
                       microseconds(entry.opened.wall.time_since_epoch()), entry.open,
                       microseconds(entry.open_for), entry.requests, entry.refused);
    }
    return out + "]";
}

std::string RequestLog::stats_json() const {
    const auto& s = stats_;
    return fmt::format(
        R"({{"connections_total":{},"connections_open":{},"connections_open_max":{},)"
        R"("connections_refused":{},"requests_total":{},"requests_open":{},"requests_open_max":{},)"
        R"("reads":{},"writes":{},"writes_applied":{},"asked_close":{},"malformed":{}}})",
        s.connections_total, s.connections_open, s.connections_open_max, s.connections_refused,
        s.requests_total, s.requests_open, s.requests_open_max, s.reads, s.writes, s.writes_applied,
        s.asked_close, s.malformed);
}

}  // namespace hi6gw::sim
