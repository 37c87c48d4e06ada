#pragma once
// An event: something that happened to a signal and is said exactly in its order, once at least
// (design contract section 4). Pure.

#include "domain/quality.h"
#include "domain/value.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hi6gw::outbox {

// Not numbered yet.
struct Event {
    std::string signal;
    std::string body;        // the payload, a JSON object, without its seq
    std::int64_t at_ms = 0;  // its timestamp
};

// As it stands in the journal. `seq` counts by one within a stream (a controller's events). A gap
// stands in the place of events that are missing, and has no number of its own: first..seq are
// theirs.
struct Row {
    std::uint64_t first = 0;  // of an event: its seq
    std::uint64_t seq = 0;
    std::int64_t at_ms = 0;  // of a gap: of the last one that is missing
    bool gap = false;
    std::string signal;  // of a gap: none
    std::string body;    // of a gap: why, one of the words below
};

// Why events are missing.
namespace gap_reason {
inline constexpr std::string_view kFull = "journal_full";       // events.max_size
inline constexpr std::string_view kOld = "too_old";             // events.max_age
inline constexpr std::string_view kNotWritten = "not_written";  // the disk took nothing for long
inline constexpr std::string_view kLost = "journal_lost";       // the file is damaged, or gone
inline constexpr std::string_view kRefused = "refused";         // by the broker
}  // namespace gap_reason

// {"value":1,"timestamp":...,"quality":192,"seq":7}, or
// {"gap":{"from":3,"to":7,"reason":"journal_full"},"timestamp":...}
inline void append_payload(std::string& out, const Row& row) {
    if (!row.gap) {
        out.append(row.body, 0, row.body.size() - 1);
        out.append(R"(,"seq":)").append(std::to_string(row.seq)).append("}");
        return;
    }
    out.append(R"({"gap":{"from":)").append(std::to_string(row.first));
    out.append(R"(,"to":)").append(std::to_string(row.seq));
    out.append(R"(,"reason":")").append(row.body);
    out.append(R"("},"timestamp":)").append(std::to_string(row.at_ms)).append("}");
}

// Who takes the events of one controller. Thread: the event loop's.
class EventSink {
  public:
    EventSink() = default;
    EventSink(const EventSink&) = delete;
    EventSink& operator=(const EventSink&) = delete;
    virtual ~EventSink() = default;
    // `text`: of the signal's `values:`, or null.
    virtual void event(const std::string& signal, const domain::Value& value,
                       std::int64_t timestamp_ms, domain::Quality quality,
                       const std::string* text) = 0;
};

}  // namespace hi6gw::outbox
