#pragma once
// The Session over Eclipse Paho (Debian: C++ 1.2.0 on C 1.3.12). Paho is used as a plain socket
// with MQTT on it: its own reconnecting, buffering and persistence stay off, because a window that
// Paho fills by itself drains at max_inflight messages a second and what it buffered may be lost at
// a disconnect. Sources and the window are ours instead.

#include "base/time.h"
#include "mqtt/session.h"
#include "mqtt/tls_files.h"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace hi6gw::mqtt {

// The broker's certificate is always verified: its chain, its dates, its name.
struct PahoTls {
    TlsFiles files;           // read anew for each connection
    std::string server_name;  // to expect and to indicate; empty: PahoOptions::host
};

struct PahoWill {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 1;
    bool retain = true;
};

struct PahoOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    std::optional<PahoTls> tls;
    int version = 5;  // 5 (with fallback to 3.1.1), or 3 for 3.1.1 only
    std::string client_id;
    std::string username;  // empty: none
    std::string password;
    std::chrono::seconds keep_alive{15};
    // Messages in flight at most, 1 to 10000; lower when the broker's Receive Maximum is.
    std::uint32_t window = 100;
    std::optional<PahoWill> will;
    // One attempt: name look-up, TCP, TLS, CONNACK, SUBACKs.
    std::chrono::milliseconds connect_limit{10000};
};

class BrokerSession : public Session {
  public:
    // Other options, for the next connection. That is due as soon as what the sources have to say
    // now is acknowledged by the present broker, kFarewell from now at the latest; `why` is for the
    // log.
    virtual void configure(PahoOptions options, const std::string& why) = 0;
    static constexpr std::chrono::milliseconds kFarewell{1000};
};

// `executor` is the event loop's; `time` outlives the session. May be destroyed at any moment at
// which run() and stop() are not running (destroy or cancel the coroutines first); without stop()
// before it, the broker is told goodbye all the same and publishes no will.
std::unique_ptr<BrokerSession> make_paho_session(const boost::asio::any_io_executor& executor,
                                                 Time& time, PahoOptions options);

}  // namespace hi6gw::mqtt
