#pragma once
// A controller that does exactly what the test says: a TCP server on a free loopback port which
// plays one script a connection and records what it was sent. Runs on a thread of its own, so a
// test may drive its own event loop as it likes. Waits have deadlines; nothing sleeps.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::test {

// One connection's steps, in order; after the last one the connection is closed (FIN).
class Script {
  public:
    // Reads one request (header and Content-Length body); it must contain `text`, else the
    // connection is reset and Recorded::failures says why.
    Script& expect(std::string text = "");
    Script& send(std::string bytes);
    Script& flood(std::string bytes, std::size_t times);  // the same bytes again and again
    Script& dribble(std::string bytes, std::chrono::milliseconds interval);  // byte by byte
    Script& wait(std::chrono::milliseconds time);
    Script& wait_go();  // until ScriptedController::go()
    Script& finish();   // FIN, keeps reading
    Script& reset();    // RST
    Script& hold();     // reads and never answers, until the peer closes
    Script& repeat();   // from the first step again, until the peer closes

    struct Step {
        enum class Kind : std::uint8_t {
            expect,
            send,
            dribble,
            wait,
            wait_go,
            finish,
            reset,
            hold,
            repeat
        };
        Kind kind;
        std::string text;
        std::size_t times = 1;
        std::chrono::milliseconds time{0};
    };
    [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  private:
    std::vector<Step> steps_;
};

struct Recorded {
    struct Request {
        std::size_t connection;  // 0: the first
        std::string text;
        std::chrono::steady_clock::time_point at;  // last byte received
    };
    std::vector<Request> requests;
    std::vector<std::string> failures;  // unmet expectations
    std::size_t connections = 0;        // accepted so far
    std::size_t open = 0;
    std::size_t max_open = 0;
};

class ScriptedController {
  public:
    // The n-th connection plays scripts[n]; those beyond the last are reset at once.
    enum class Nagle : bool { off, on };  // on: a second small write waits for the acknowledgement
    explicit ScriptedController(std::vector<Script> scripts,
                                const std::string& address = "127.0.0.1", Nagle nagle = Nagle::off);
    ~ScriptedController();
    ScriptedController(const ScriptedController&) = delete;
    ScriptedController& operator=(const ScriptedController&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] Recorded recorded() const;
    void go();  // lets one wait_go() pass, now or later
    // False when the condition did not come true in time.
    bool wait_until(const std::function<bool(const Recorded&)>& condition,
                    std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// A complete response with Content-Length.
[[nodiscard]] std::string http_reply(unsigned status, std::string_view body,
                                     std::string_view extra_header_lines = "");

}  // namespace hi6gw::test
