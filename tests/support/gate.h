#pragma once
// A TCP relay on a free port of 127.0.0.1 before another one, so that a test decides who gets
// through and how fast: while it is shut, new connections wait (they are not refused); what comes
// back through it can be delayed, which makes a broker slow without its knowing.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hi6gw::test {

class Gate {
  public:
    explicit Gate(std::uint16_t target);
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    void open() { set(true); }  // as it is at first
    void shut() { set(false); }
    // Ends the connections there are; what is on its way back is lost.
    void cut() {
        cut_ = true;
        wake();
    }
    // Of every byte on its way back; also of those that come meanwhile.
    void delay(std::chrono::milliseconds by) { delay_ms_ = by.count(); }

  private:
    struct Piece {
        std::chrono::steady_clock::time_point due;
        std::string bytes;
    };
    struct Pair {
        int client = -1;
        int target = -1;
        std::deque<Piece> back;
        bool ended = false;  // the target has closed; what is on its way back still goes
    };
    void set(bool open);
    void wake();
    void run();
    void accept_one();
    bool carry(Pair& pair, bool from_client, bool from_target);
    static bool deliver(Pair& pair);

    std::uint16_t target_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    int wake_[2] = {-1, -1};
    std::atomic<bool> open_ = true;
    std::atomic<bool> cut_ = false;
    std::atomic<bool> quit_ = false;
    std::atomic<std::int64_t> delay_ms_ = 0;
    std::vector<std::unique_ptr<Pair>> pairs_;  // the thread's alone
    std::thread thread_;                        // last: uses the above
};

}  // namespace hi6gw::test
