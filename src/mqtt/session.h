#pragma once
// The broker as the rest of the gateway sees it. Pull, not push: whoever has something to say is a
// Source, marks it on its own side and calls wake(); the session asks for the next message when the
// connection is up and the in-flight window has room. So nothing queues inside the session, and
// while the broker is away nothing grows: a source keeps at most the latest value per topic.
// Implementation: mqtt/paho_session.h; tests use a fake. Thread: everything here is called on the
// event loop's thread.

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::mqtt {

// What a source gets back when its message is settled.
struct Ticket {
    std::uint64_t id = 0;
    std::chrono::steady_clock::time_point stamp;  // the source's own, e.g. when the value was read
    // Of a message that arrived: when its acknowledgement came in. The session's.
    std::chrono::steady_clock::time_point acknowledged{};
};

struct Publication {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 1;
    bool retain = false;
    std::string correlation;  // MQTT 5 correlation data; empty: none
    // False: whether it arrived may be told late, with the next message, or after a second.
    bool awaited = true;
    Ticket ticket;
};

class Source {
  public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;
    // Fills `out` (whose strings keep their capacity between calls) with the next message, or
    // returns false.
    virtual bool next(Publication& out) = 0;
    // The message arrived (QoS 0: was handed to the socket; else PUBACK/PUBCOMP), or did not:
    //  - `why` empty: the connection was lost. It may have arrived all the same; say the latest
    //    again, which will be asked for when the connection is back.
    //  - `why` not empty: this very message was refused, e.g. "Not authorized (0x87)", "Quota
    //    exceeded (0x97)". Saying it again at once would only be refused again, as fast as the
    //    network goes: keep it until the value changes or for a minute, and count it.
    // May call wake(), add() and remove().
    virtual void settled(const Ticket& ticket, bool arrived, const std::string& why) = 0;
};

struct Inbound {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 0;
    bool retained = false;
    bool stored = false;     // from before we subscribed; with MQTT 5 nothing of that is sent
    bool duplicate = false;  // the DUP flag
    std::string response_topic;
    std::string correlation;
    std::optional<std::chrono::seconds>
        expiry;  // MQTT 5 message expiry interval, what was left of it
    std::vector<std::pair<std::string, std::string>> user_properties;
    std::chrono::steady_clock::time_point received;  // when Paho's thread had it
};

struct Connected {
    int version = 5;           // of MQTT: 5, or 3 for 3.1.1
    std::uint32_t window = 0;  // in-flight window in force
    bool retain_available = true;
    std::optional<std::chrono::sys_seconds> certificate_expiry;  // of the broker's; TLS only
};

struct Handlers {
    std::function<void(const Connected&)>
        connected;  // subscriptions are made; say everything again
    std::function<void(const std::string& why)> lost;
    std::function<void(Inbound&&)> message;
    std::function<void(const std::string& why, bool refused)>
        connect_failed;  // refused (credentials, certificates): not tried again soon
    std::function<void(const std::string& filter, const std::string& why)>
        subscription_refused;  // the connection stays; asked for again after a reconnect
    std::function<void(const std::string& topic, const std::string& why)>
        publish_refused;  // by the broker, or too large for it; the connection stays
};

// Since the start.
struct Counters {
    std::uint64_t publish_errors = 0;   // Paho did not take a message
    std::uint64_t refused = 0;          // negative acknowledgements
    std::uint64_t inbound_dropped = 0;  // messages that came faster than the loop took them
};

enum class Priority : std::uint8_t {
    control,
    result,
    state,
    event
};  // asked in this order; round robin within one

class Session {
  public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    virtual void set_handlers(Handlers handlers) = 0;  // before run()
    // Topic filters, QoS 1, clean start, MQTT 5: retain handling 2, retain as published, no local.
    // Takes effect at once when connected, and after every reconnect. `prompt`: what comes must not
    // be 0.1 s late, which costs a small packet there and back every 0.7 s.
    virtual void set_subscriptions(std::vector<std::string> filters, bool prompt) = 0;
    // The source is removed before its end, or outlives the session.
    virtual void add(Source& source, Priority priority) = 0;
    virtual void remove(Source& source) = 0;  // its messages in flight are forgotten
    virtual void wake() = 0;                  // some source may have something
    // Settles what has been acknowledged by now, which may otherwise wait for a second where
    // nobody awaits it (Publication::awaited). Not from within a call of ours.
    virtual void look() = 0;
    [[nodiscard]] virtual bool connected() const = 0;
    [[nodiscard]] virtual std::size_t in_flight() const = 0;
    // While run() runs: when it will have gone on at the latest. Long past: it is stuck.
    [[nodiscard]] virtual std::chrono::steady_clock::time_point due() const = 0;
    [[nodiscard]] virtual Counters counters() const { return {}; }

    // What a connection is made of has changed (files): a present one is closed (DISCONNECT, no
    // will) and made anew, a pause between two attempts ends. `why` is for Handlers::lost.
    virtual void renew(const std::string& why) = 0;

    // Connects and reconnects (backoff 1 to 30 s with jitter; 30 s after a refusal) until cancelled
    // or stop() is done.
    virtual boost::asio::awaitable<void> run() = 0;
    // For shutdown: publishes what the sources still have, waits for the acknowledgements, sends
    // DISCONNECT (so no will), all within the deadline; run() returns afterwards.
    virtual boost::asio::awaitable<void> stop(std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace hi6gw::mqtt
