#pragma once
// Faults to play on requests, as rules that the control interface adds. Pure.

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::sim {

enum class Action : std::uint8_t {
    delay,         // the reply comes `ms` later; the controller is busy meanwhile
    hang,          // no reply ever; the connection stays open
    reset_before,  // RST instead of a reply; a write is not applied
    reset_after,   // RST instead of a reply; a write is applied
    close_before,  // FIN instead of a reply; a write is not applied
    close_after,   // FIN instead of a reply; a write is applied
    status,        // reply with `status` and a JSON error (or `body`); a write is not applied
    garbage,       // 200 with an HTML page (or `body`)
    body,          // 200 with `body` as JSON
    raw,           // exactly the bytes of `body` instead of a reply (U+0000-U+00FF are bytes)
    dribble,       // the reply byte by byte, `ms` apart
    stall_body,    // the header and half the body, then nothing; the connection stays open
};

[[nodiscard]] std::string_view to_string(Action action);

struct Fault {
    std::string path = "*";    // a part of the request target, or * for all
    std::string method = "*";  // GET, POST or *
    std::int64_t count = 1;    // how many matching requests it hits; -1: all
    std::int64_t skip = 0;     // how many matching requests it lets pass first
    Action action = Action::delay;
    std::chrono::milliseconds ms{0};
    unsigned status = 500;
    std::optional<std::string> body;
    bool apply = true;   // whether a write takes effect; by default as the action says
    bool close = false;  // close (FIN) after the faulty reply was sent
    std::int64_t hits = 0;
};

// Rules in order; the first that matches and has its skips behind it wins. At most kMost of them.
class Faults {
  public:
    static constexpr std::size_t kMost = 1000;

    // A rule or a list of rules, all or none. Returns what is wrong, empty when added.
    std::string add(const boost::json::value& json);
    void clear() { faults_.clear(); }
    // The fault for this request, if any; counts it.
    std::optional<Fault> match(std::string_view method, std::string_view target);
    [[nodiscard]] std::string to_json() const;

  private:
    std::vector<Fault> faults_;
};

}  // namespace hi6gw::sim
