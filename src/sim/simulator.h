#pragma once
// The simulated controller on the network: the Open API on one port, the control interface on
// another, the scenario's clock. One thread: whoever runs the io_context owns everything here.
// Like the real controller it serves one request at a time, whatever the number of connections.

#include "sim/api.h"
#include "sim/faults.h"
#include "sim/http_io.h"
#include "sim/memory.h"
#include "sim/options.h"
#include "sim/request_log.h"
#include "sim/scenario.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>

namespace hi6gw::sim {

// Hands the controller's one worker to requests, first come, first served.
class Turn {
  public:
    explicit Turn(boost::asio::io_context& io) : io_(io) {}
    boost::asio::awaitable<void> acquire();
    void release();

  private:
    boost::asio::io_context& io_;
    bool taken_ = false;
    std::deque<boost::asio::steady_timer*> waiting_;
};

class Simulator {
  public:
    // Listens on both ports at once; throws std::runtime_error when an option or the scenario is
    // wrong, boost::system::system_error when a port cannot be had. The io_context must run after
    // stop() until it is out of work, and this object must live until then.
    Simulator(boost::asio::io_context& io, Options options);
    Simulator(const Simulator&) = delete;
    Simulator& operator=(const Simulator&) = delete;

    // Closes everything; what runs then ends by itself.
    void stop();

    [[nodiscard]] std::uint16_t port() const { return api_listener_.endpoint.port(); }
    [[nodiscard]] std::uint16_t control_port() const { return control_listener_.endpoint.port(); }

    [[nodiscard]] Memory& memory() { return memory_; }
    [[nodiscard]] Api& api() { return api_; }
    [[nodiscard]] Faults& faults() { return faults_; }
    [[nodiscard]] RequestLog& log() { return log_; }
    [[nodiscard]] Options& options() { return options_; }  // service times may change at run time

    // To be called after the memory was changed from outside: starts the scenario's reactions.
    void memory_changed();
    void refuse_connections(bool refuse);
    [[nodiscard]] bool refusing() const { return !api_listener_.acceptor.is_open(); }
    void drop_connections();  // RST
    // Drops all, zeroes what a restart zeroes (do y so), refuses connects for so long.
    void reboot(std::chrono::milliseconds off);

  private:
    struct Listener {
        Listener(boost::asio::io_context& io, bool is_control)
            : control(is_control), reserve(io), acceptor(io) {}
        bool control;
        boost::asio::ip::tcp::endpoint endpoint;
        // Bound but never listening: keeps the port ours while connects are refused.
        boost::asio::ip::tcp::socket reserve;
        boost::asio::ip::tcp::acceptor acceptor;
        std::uint64_t generation = 0;  // of the acceptor; a loop of an older one ends
    };
    struct Peer {
        Peer(boost::asio::ip::tcp::socket connected, std::uint64_t number)
            : socket(std::move(connected)), timer(socket.get_executor()), id(number) {}
        boost::asio::ip::tcp::socket socket;
        boost::asio::steady_timer timer;
        std::uint64_t id;           // in the log; control connections have none: 0
        std::uint64_t replies = 0;  // sent
        Wire wire;
    };
    using Peers = std::list<Peer>;

    void load_scenario();
    void bind(Listener& listener, std::uint16_t port);
    void listen(Listener& listener);
    boost::asio::awaitable<void> accept_loop(Listener& listener, std::uint64_t generation);
    void accepted(boost::asio::ip::tcp::socket socket, bool control);
    void spawn(boost::asio::awaitable<void> work);
    boost::asio::awaitable<void> serve_api(Peers::iterator peer);
    boost::asio::awaitable<void> serve_control(Peers::iterator peer);
    // True: the connection goes on.
    boost::asio::awaitable<bool> answer(Peer& peer, HttpReader& reader, const HttpRequest& request);
    boost::asio::awaitable<bool> deliver(Peer& peer, HttpReader& reader, const HttpRequest& request,
                                         Reply reply, const std::optional<Fault>& fault,
                                         unsigned& status_sent);
    boost::asio::awaitable<bool> send(Peer& peer, std::size_t from, std::size_t to);
    boost::asio::awaitable<bool> send_reply(Peer& peer, const Fault* fault);
    boost::asio::awaitable<void> pause(Peer& peer, std::chrono::nanoseconds time);
    boost::asio::awaitable<void> scenario_loop();
    [[nodiscard]] std::chrono::nanoseconds uptime() const;

    boost::asio::io_context& io_;
    Options options_;
    Memory memory_;
    Api api_;
    Faults faults_;
    RequestLog log_;
    std::optional<Scenario> scenario_;
    std::chrono::steady_clock::time_point started_;
    Turn turn_;
    Listener api_listener_;
    Listener control_listener_;
    boost::asio::steady_timer scenario_timer_;
    boost::asio::steady_timer reboot_timer_;
    Peers peers_;
    Peers control_peers_;
    bool stopping_ = false;
};

}  // namespace hi6gw::sim
