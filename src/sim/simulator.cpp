#include "sim/simulator.h"

#include "sim/control.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace hi6gw::sim {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kApiBodyBytes = 64 * 1024;
constexpr std::uint64_t kControlBodyBytes = 4 * 1024 * 1024;
constexpr std::size_t kControlConnections = 32;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::string_view kGarbage =
    "<!DOCTYPE html>\n<html><body><h1>It works!</h1></body></html>\n";

void close_with_reset(tcp::socket& socket) {
    boost::system::error_code ignored;  // it is gone either way
    socket.set_option(tcp::socket::linger(true, 0), ignored);
    socket.close(ignored);
}

void close_with_fin(tcp::socket& socket) {
    boost::system::error_code ignored;  // it is gone either way
    socket.shutdown(tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
}

// What a fault makes of the reply, for those that send one.
void distort(Reply& reply, Framing& framing, const Fault& fault) {
    switch (fault.action) {
        case Action::status:
            reply = {fault.status,
                     fault.body.value_or(R"({"error":"simulated","message":"fault"})"),
                     {}};
            break;
        case Action::garbage:
            reply = {200, fault.body.value_or(std::string(kGarbage)), {}};
            framing.content_type = "text/html";
            break;
        case Action::body:
            reply = {200, fault.body.value_or(""), {}};
            break;
        default:
            break;
    }
    framing.close = framing.close || fault.close;
}

bool resets(Action action) {
    return action == Action::reset_before || action == Action::reset_after;
}
bool closes(Action action) {
    return action == Action::close_before || action == Action::close_after;
}

}  // namespace

asio::awaitable<void> Turn::acquire() {
    if (!std::exchange(taken_, true)) {
        co_return;
    }
    asio::steady_timer called(io_, asio::steady_timer::time_point::max());
    waiting_.push_back(&called);
    // release() hands the turn over by ending the wait.
    co_await called.async_wait(tuple_awaitable);
}

void Turn::release() {
    if (waiting_.empty()) {
        taken_ = false;
        return;
    }
    waiting_.front()->cancel();
    waiting_.pop_front();
}

Simulator::Simulator(asio::io_context& io, Options options)
    : io_(io),
      options_(std::move(options)),
      api_(memory_, options_.api),
      started_(std::chrono::steady_clock::now()),
      turn_(io),
      api_listener_(io, false),
      control_listener_(io, true),
      scenario_timer_(io),
      reboot_timer_(io) {
    for (const auto& window : options_.windows) {
        if (!add_window(memory_, window)) {
            throw std::runtime_error("not a window: " + window);
        }
    }
    load_scenario();
    bind(api_listener_, options_.port);
    bind(control_listener_, options_.control_port);
    listen(api_listener_);
    listen(control_listener_);
    if (scenario_) {
        spawn(scenario_loop());
    }
}

void Simulator::load_scenario() {
    if (options_.scenario_file.empty()) {
        return;
    }
    std::ifstream file(options_.scenario_file);
    if (!file) {
        throw std::runtime_error("cannot read " + options_.scenario_file);
    }
    const std::string text(std::istreambuf_iterator<char>(file), {});
    auto scenario = Scenario::parse(text, memory_, options_.seed);
    if (!scenario) {
        throw std::runtime_error(
            fmt::format("{}: {}", options_.scenario_file, scenario.error().what));
    }
    scenario_ = std::move(*scenario);
}

void Simulator::bind(Listener& listener, std::uint16_t port) {
    const tcp::endpoint wanted(asio::ip::make_address(options_.host), port);
    listener.reserve.open(wanted.protocol());
    listener.reserve.set_option(tcp::socket::reuse_address(true));
    listener.reserve.bind(wanted);
    listener.endpoint = listener.reserve.local_endpoint();
}

void Simulator::listen(Listener& listener) {
    listener.acceptor.open(listener.endpoint.protocol());
    listener.acceptor.set_option(tcp::acceptor::reuse_address(true));
    listener.acceptor.bind(listener.endpoint);
    listener.acceptor.listen();
    spawn(accept_loop(listener, ++listener.generation));
}

void Simulator::spawn(asio::awaitable<void> work) {
    asio::co_spawn(io_, std::move(work), [](const std::exception_ptr& error) {
        if (error) {
            std::rethrow_exception(error);  // out of io_context::run(): a bug, not a client
        }
    });
}

std::chrono::nanoseconds Simulator::uptime() const {
    return std::chrono::steady_clock::now() - started_;
}

void Simulator::stop() {
    stopping_ = true;
    boost::system::error_code ignored;  // closing what may be closed already
    for (auto* const listener : {&api_listener_, &control_listener_}) {
        ++listener->generation;
        listener->acceptor.close(ignored);
        listener->reserve.close(ignored);
    }
    for (auto* const peers : {&peers_, &control_peers_}) {
        for (auto& peer : *peers) {
            close_with_fin(peer.socket);
            peer.timer.cancel();
        }
    }
    scenario_timer_.cancel();
    reboot_timer_.cancel();
}

void Simulator::memory_changed() {
    if (scenario_) {
        scenario_->react(uptime());
        scenario_timer_.cancel();
    }
}

void Simulator::refuse_connections(bool refuse) {
    reboot_timer_.cancel();
    if (refuse == refusing() || stopping_) {
        return;
    }
    if (refuse) {
        boost::system::error_code ignored;  // an acceptor that cannot be closed is closed
        ++api_listener_.generation;
        api_listener_.acceptor.close(ignored);
    } else {
        listen(api_listener_);
    }
}

void Simulator::drop_connections() {
    for (auto& peer : peers_) {
        close_with_reset(peer.socket);
        peer.timer.cancel();
    }
}

void Simulator::reboot(std::chrono::milliseconds off) {
    refuse_connections(true);
    drop_connections();
    for (const auto* const area : {"do", "y", "so"}) {
        memory_.zero(*memory_.area(area));
    }
    memory_changed();
    reboot_timer_.expires_after(off);
    reboot_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            refuse_connections(false);
        }
    });
}

asio::awaitable<void> Simulator::scenario_loop() {
    while (!stopping_) {
        scenario_->advance(uptime());
        const auto next = scenario_->next();
        scenario_timer_.expires_at(next ? started_ + *next
                                        : std::chrono::steady_clock::time_point::max());
        co_await scenario_timer_.async_wait(tuple_awaitable);
    }
}

asio::awaitable<void> Simulator::accept_loop(Listener& listener, std::uint64_t generation) {
    while (listener.generation == generation) {
        auto [error, socket] = co_await listener.acceptor.async_accept(tuple_awaitable);
        if (listener.generation != generation) {
            co_return;
        }
        if (!error) {
            accepted(std::move(socket), listener.control);
            continue;
        }
        // Out of file descriptors, most likely: later there may be some.
        asio::steady_timer pause_before_next(io_, kAcceptPause);
        co_await pause_before_next.async_wait(tuple_awaitable);
    }
}

void Simulator::accepted(tcp::socket socket, bool control) {
    boost::system::error_code ignored;  // an option on a socket that died meanwhile
    auto& peers = control ? control_peers_ : peers_;
    const bool full = peers.size() >= (control ? kControlConnections : options_.max_connections);
    const auto id = control ? 0 : log_.connection_opened(instant_now(), full);
    if (full) {
        close_with_fin(socket);
        if (!control) {
            log_.connection_closed(id, instant_now());
        }
        return;
    }
    socket.non_blocking(true, ignored);
    if (control || !options_.split_writes) {
        socket.set_option(tcp::no_delay(true), ignored);
    }
    peers.emplace_front(std::move(socket), id);
    spawn(control ? serve_control(peers.begin()) : serve_api(peers.begin()));
}

asio::awaitable<void> Simulator::serve_control(Peers::iterator peer) {
    HttpReader reader(peer->socket, kControlBodyBytes);
    HttpRequest request;
    for (bool go_on = true; go_on;) {
        const auto outcome = co_await reader.next(request);
        if (outcome == ReadOutcome::closed) {
            break;
        }
        const bool good = outcome == ReadOutcome::request;
        const auto reply = good
                               ? handle_control(*this, request.method, request.target, request.body)
                               : Reply{400, R"({"error":"bad_request","message":"not HTTP"})", {}};
        Framing framing;
        framing.close = !good || !request.keep_alive;
        framing.head = request.method == "HEAD";
        render(reply, framing, peer->wire);
        go_on = co_await send(*peer, 0, peer->wire.bytes.size());
        go_on = go_on && !framing.close;
    }
    close_with_fin(peer->socket);
    control_peers_.erase(peer);
}

asio::awaitable<void> Simulator::serve_api(Peers::iterator peer) {
    HttpReader reader(peer->socket, kApiBodyBytes);
    HttpRequest request;
    for (bool go_on = true; go_on;) {
        const auto outcome = co_await reader.next(request);
        if (outcome == ReadOutcome::closed) {
            break;
        }
        if (outcome == ReadOutcome::malformed) {
            log_.malformed();
            Framing framing;
            framing.close = true;
            const Reply reply{400, R"({"error":"bad_request","message":"not HTTP"})", {}};
            render(reply, framing, peer->wire);
            co_await send(*peer, 0, peer->wire.bytes.size());
            break;
        }
        go_on = co_await answer(*peer, reader, request);
    }
    close_with_fin(peer->socket);
    log_.connection_closed(peer->id, instant_now());
    peers_.erase(peer);
}

asio::awaitable<bool> Simulator::answer(Peer& peer, HttpReader& reader,
                                        const HttpRequest& request) {
    const auto seq = log_.request_received(peer.id, instant_now(), request.method, request.target,
                                           request.body, !request.keep_alive);
    const auto fault = faults_.match(request.method, request.target);
    const bool post = request.method == "POST";
    co_await turn_.acquire();
    auto time = post ? options_.post_time : options_.get_time;
    if (fault && fault->action == Action::delay) {
        time += fault->ms;
    }
    co_await pause(peer, time);
    Reply reply;
    bool applied = false;
    const bool alive = peer.socket.is_open();  // false: dropped or rebooted meanwhile
    if (alive && (!post || !fault || fault->apply)) {
        reply = api_.handle(request.method, request.target, request.body,
                            std::chrono::system_clock::now());
        applied = post && reply.status == 200;
    }
    turn_.release();
    if (applied) {
        memory_changed();
    }
    log_.mark(seq, applied, fault ? to_string(fault->action) : std::string_view());
    if (reader.has_more()) {
        log_.more_waiting();
    }
    unsigned status = 0;
    bool go_on = false;
    if (alive) {
        go_on = co_await deliver(peer, reader, request, std::move(reply), fault, status);
    }
    log_.request_done(seq, std::chrono::steady_clock::now(), status);
    co_return go_on;
}

asio::awaitable<bool> Simulator::deliver(Peer& peer, HttpReader& reader, const HttpRequest& request,
                                         Reply reply, const std::optional<Fault>& fault,
                                         unsigned& status_sent) {
    const auto action = fault ? std::optional(fault->action) : std::nullopt;
    if (action == Action::hang) {
        co_await reader.drain();
        co_return false;
    }
    if (action && resets(*action)) {
        close_with_reset(peer.socket);
        co_return false;
    }
    if (action && closes(*action)) {
        co_return false;
    }
    Framing framing;
    framing.http10 = options_.http10;
    framing.chunked = options_.chunked;
    framing.close = options_.http10 || options_.close_each || !request.keep_alive;
    framing.head = request.method == "HEAD";
    if (fault) {
        distort(reply, framing, *fault);
    }
    if (action == Action::raw) {
        peer.wire.bytes = *fault->body;
        peer.wire.header_bytes = 0;
    } else {
        render(reply, framing, peer.wire);
    }
    const bool sent = co_await send_reply(peer, fault ? &*fault : nullptr);
    if (action == Action::stall_body) {
        co_await reader.drain();
        co_return false;
    }
    status_sent = sent && action != Action::raw ? reply.status : 0;
    ++peer.replies;
    co_return sent && !framing.close &&
        (options_.keep_alive_max == 0 || peer.replies < options_.keep_alive_max);
}

asio::awaitable<bool> Simulator::send_reply(Peer& peer, const Fault* fault) {
    const auto size = peer.wire.bytes.size();
    const auto header = peer.wire.header_bytes;
    if (fault != nullptr && fault->action == Action::dribble) {
        for (std::size_t i = 0; i < size; ++i) {
            const bool sent = co_await send(peer, i, i + 1);
            if (!sent) {
                co_return false;
            }
            co_await pause(peer, fault->ms);
        }
        co_return true;
    }
    if (fault != nullptr && fault->action == Action::stall_body) {
        co_return co_await send(peer, 0, header + (size - header) / 2);
    }
    if (options_.split_writes) {
        const bool sent = co_await send(peer, 0, header);
        if (!sent) {
            co_return false;
        }
        co_return co_await send(peer, header, size);
    }
    co_return co_await send(peer, 0, size);
}

asio::awaitable<bool> Simulator::send(Peer& peer, std::size_t from, std::size_t to) {
    // A reply nearly always fits into the socket's buffer: no round through the event loop then.
    boost::system::error_code error;
    const auto whole = asio::buffer(peer.wire.bytes.data() + from, to - from);
    const auto at_once = peer.socket.write_some(whole, error);
    if (error && error != asio::error::would_block) {
        co_return false;
    }
    const auto rest = whole + at_once;
    if (rest.size() == 0) {
        co_return true;
    }
    const auto [failed, bytes] = co_await asio::async_write(peer.socket, rest, tuple_awaitable);
    co_return !failed;
}

asio::awaitable<void> Simulator::pause(Peer& peer, std::chrono::nanoseconds time) {
    if (time > std::chrono::nanoseconds::zero() && peer.socket.is_open()) {
        peer.timer.expires_after(time);
        co_await peer.timer.async_wait(tuple_awaitable);
    }
}

}  // namespace hi6gw::sim
