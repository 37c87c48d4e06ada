#pragma once
// A TCP relay before a controller or a broker, with the faults of a cable, a switch or a firewall:
// late, slow, silent, cut off, half open, refused, black hole. On a free port of 127.0.0.1, with a
// thread of its own; every call returns when the change is in force.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace hi6gw::test {

class Proxy {
  public:
    explicit Proxy(std::uint16_t server);
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;
    ~Proxy();

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // What happens to the bytes of one direction, of every link, from now on.
    struct Way {
        std::chrono::milliseconds delay{0};
        bool stall = false;    // they wait, until the sender's window is full
        std::size_t rate = 0;  // bytes a second; 0: no limit
    };
    void to_server(Way way);
    void to_client(Way way);
    void stall() {
        to_server({.stall = true});
        to_client({.stall = true});
    }
    // No fault for the bytes from here on.
    void pass() {
        to_server({});
        to_client({});
    }

    enum class End : std::uint8_t { fin, rst };
    void cut(End end);  // all links, both sides

    // Half open: neither side of the present links hears of the other again, not even of its end;
    // what either sends is acknowledged and lost. `server_knows`: the server's side is closed.
    void vanish(bool server_knows);

    // What a new connect meets.
    enum class Door : std::uint8_t {
        open,
        refused,     // RST in answer to SYN
        black_hole,  // no answer to SYN
    };
    void door(Door door);

    struct Counts {
        std::size_t links = 0;  // accepted so far
        std::size_t open = 0;   // and not ended by the client
        std::size_t open_max = 0;
        std::vector<std::chrono::steady_clock::time_point> accepted;
    };
    [[nodiscard]] Counts counts() const;

  private:
    struct Loop;
    std::unique_ptr<Loop> loop_;
    std::uint16_t port_ = 0;
};

}  // namespace hi6gw::test
