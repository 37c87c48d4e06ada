#pragma once
// The two ends at which is measured, on bare sockets so that as little as possible stands between
// the event and its time: one kept-alive connection to the simulator's control interface, and an
// MQTT 3.1.1 subscriber (QoS 0). Blocking; times are of CLOCK_MONOTONIC, which all processes of a
// machine share.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace hi6gw::bench {

using Steady = std::chrono::steady_clock;

class Socket {
  public:
    explicit Socket(std::uint16_t port);  // connects to 127.0.0.1, TCP_NODELAY; throws
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();
    void send(std::string_view bytes) const;
    // Appends what has come; false when nothing came before `limit`.
    bool receive(std::string& bytes, Steady::time_point limit) const;

  private:
    int fd_;
};

// The change happened between the two.
struct Change {
    Steady::time_point sent;
    Steady::time_point replied;
    [[nodiscard]] Steady::time_point middle() const { return sent + (replied - sent) / 2; }
};

class Control {
  public:
    explicit Control(std::uint16_t port) : socket_(port) {}
    Change set(const std::string& relay, int value);

  private:
    Socket socket_;
};

struct Message {
    std::string topic;
    std::string payload;
    Steady::time_point arrived;
};

class Publisher {
  public:
    explicit Publisher(std::uint16_t port);
    // At QoS 1; the time right before its first byte. Returns when the broker has acknowledged it.
    Steady::time_point publish(const std::string& topic, const std::string& payload);

  private:
    Socket socket_;
};

class Subscriber {
  public:
    Subscriber(std::uint16_t port, const std::string& filter);
    // The next message for which `wanted` holds, all others are dropped; false after `limit`.
    bool next(const std::function<bool(const Message&)>& wanted, Message& found,
              Steady::time_point limit);
    void drop_until(Steady::time_point time);

  private:
    bool take(Message& message);  // a whole PUBLISH out of inbox_

    Socket socket_;
    std::string inbox_;
    std::size_t taken_ = 0;  // of inbox_
    Steady::time_point arrived_;
};

}  // namespace hi6gw::bench
