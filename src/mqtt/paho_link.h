#pragma once
// One connection through one Paho client, from CONNECT to the loss of it; the next connection is a
// new Link. paho_link.cpp is the only file that sees Paho's C++ API. A fresh client for each
// connection costs nothing (the old one is destroyed during the backoff, and Paho's fresh threads
// connect in 0.1 s, where reconnecting an old client takes 1.1 s), and nothing of the old one can
// be sent late.

#include "base/mailbox.h"
#include "base/worker.h"
#include "mqtt/inbound_queue.h"
#include "mqtt/paho_session.h"
#include "mqtt/session.h"
#include "mqtt/version_choice.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::mqtt {

// What the broker answered to CONNECT.
struct ConnectResult {
    ConnectAnswer answer = ConnectAnswer::other;
    bool refused = false;  // trying again soon cannot help
    int reason = 0;        // of the refusal
    std::string why;       // empty: accepted
    std::uint32_t receive_maximum = 65535;
    std::uint32_t maximum_packet = std::numeric_limits<std::uint32_t>::max();
    std::uint8_t maximum_qos = 2;
    bool retain_available = true;
    std::optional<std::chrono::seconds> keep_alive;              // the broker's, instead of ours
    std::optional<std::chrono::sys_seconds> certificate_expiry;  // of the broker's; TLS only
};

struct Acknowledgement {
    std::uint32_t slot = 0;
    std::chrono::steady_clock::time_point when;  // on the real clock: Paho's thread has no Time
    bool arrived = false;
    int reason = 0;  // not 0: refused with this code
};

struct SubscribeResult {
    std::string filter;
    int reason = 0;  // not 0: refused with this code
};

// In the order in which a Batch is to be looked at.
struct LinkNews {
    std::optional<ConnectResult> connect;
    std::vector<SubscribeResult> subscriptions;
    std::vector<Acknowledgement> acknowledgements;
    InboundQueue messages;
    bool echoed = false;
    struct Lost {
        std::string why;
        int reason = 0;  // of the broker's DISCONNECT; 0: it said nothing
    };
    std::optional<Lost> lost;

    void clear();
};

class Link {
  public:
    using Box = Mailbox<LinkNews>;

    // Starts to connect at once, on the worker's thread. `take` is called on the loop's thread,
    // never from within a call to this object but collect(), and not after its end.
    Link(const PahoOptions& options, int version, Worker& worker,
         const boost::asio::any_io_executor& executor, Box::Take take);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    // Says DISCONNECT when connected. `gone` is called on the worker's thread when all is down.
    void close(std::function<void()> gone);
    ~Link();

    // All below: only after an accepted ConnectResult.
    enum class Sent {
        yes,      // an Acknowledgement with this slot follows, or the loss of the connection
        refused,  // this message cannot be sent; `why` says why
        broken,   // nothing can be sent any more
    };
    // `awaited` false: its acknowledgement comes with whatever news come next, or by collect().
    [[nodiscard]] Sent publish(const Publication& message, std::uint32_t slot, bool awaited,
                               std::string& why);
    // A SubscribeResult follows for each. False: nothing can be sent any more.
    [[nodiscard]] bool subscribe(const std::string& filter);
    [[nodiscard]] bool unsubscribe(const std::string& filter);
    // Asks the broker for a packet and changes nothing there; news of `echoed` follows, unless the
    // connection is lost.
    void echo();
    // What Paho has no option for: TCP_NODELAY, and how its send thread is scheduled. Some time
    // soon.
    void tune();
    // Makes the loop call `take`, perhaps with nothing new.
    void nudge();
    // Calls `take` at once. Not from within it.
    void collect();
    // From now on every acknowledgement is awaited, also of what is on its way.
    void hurry();

  private:
    struct Client;
    std::shared_ptr<Client> client_;
    Worker& worker_;
};

}  // namespace hi6gw::mqtt
