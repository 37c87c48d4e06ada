#include "http/connection.h"

#include "http/lookup.h"
#include "http/response_reader.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace hi6gw::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Deadline = Connection::Deadline;
using Steady = std::chrono::steady_clock;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Without an acknowledgement for this long the kernel drops the connection by itself (fault C34).
constexpr int kUserTimeoutMs = 5000;
constexpr int kKeepAliveIdleSeconds = 15;
constexpr int kKeepAliveIntervalSeconds = 5;

void set_int(tcp::socket& socket, int level, int name, int value) {
    // None of these is needed to be correct, so a kernel that refuses one is no error.
    ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
}

// SO_LINGER with no time: close() sends RST and drops the send queue (RFC 9293 3.6, "ABORT").
void discard_unsent_on_close(tcp::socket& socket, bool discard) {
    error_code ignored;
    socket.set_option(tcp::socket::linger(discard, 0), ignored);
}

void tune(tcp::socket& socket) {
    set_int(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
    set_int(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(socket, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
    set_int(socket, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
    // Whatever ends this connection, our own death included, also takes back what has not reached
    // the peer yet: the kernel would go on sending it, and a write would arrive late, after newer
    // ones on the next connection.
    discard_unsent_on_close(socket, true);
}

// What an error of the kernel means; `expired`: our own deadline closed the socket under it.
ErrorKind classify(const error_code& ec, bool expired) {
    namespace e = asio::error;
    if (expired || ec == e::timed_out) {
        return ErrorKind::timeout;
    }
    if (ec == e::operation_aborted || ec == e::bad_descriptor) {
        return ErrorKind::cancelled;  // cancelled or closed by our side
    }
    if (ec == e::connection_refused) {
        return ErrorKind::refused;
    }
    if (ec == e::host_unreachable || ec == e::network_unreachable || ec == e::network_down) {
        return ErrorKind::unreachable;
    }
    if (ec == e::eof || ec == e::connection_reset || ec == e::broken_pipe ||
        ec == e::connection_aborted) {
        return ErrorKind::closed;
    }
    return ErrorKind::other;
}

const char* awaited(Phase phase) {
    switch (phase) {
        case Phase::resolve:
            return "resolving the name";
        case Phase::connect:
            return "connecting";
        case Phase::write:
            return "sending the request";
        case Phase::first_byte:
            return "waiting for the first byte";
        case Phase::header:
            return "reading the header";
        case Phase::body:
            return "reading the body";
    }
    return "?";
}

Error make_error(ErrorKind kind, Phase phase, std::string_view cause) {
    Error error;
    error.kind = kind;
    error.phase = phase;
    error.detail.append(to_string(kind)).append(" ").append(awaited(phase));
    if (!cause.empty()) {
        error.detail.append(": ").append(cause);
    }
    return error;
}

Error make_error(const error_code& ec, bool expired, Phase phase) {
    const ErrorKind kind = classify(ec, expired);
    const bool plain = kind == ErrorKind::timeout || kind == ErrorKind::cancelled;
    return make_error(kind, phase, plain ? std::string() : ec.message());
}

}  // namespace

// Shared between the Connection and the coroutines under way, so that whichever ends first is safe.
struct Connection::Impl {
    using Self = std::shared_ptr<Impl>;

    Impl(const asio::any_io_executor& executor, Endpoint where)
        : endpoint(std::move(where)),
          socket(executor),
          timer(executor),
          wake(executor),
          lookup(executor, [this](const error_code& error, const auto& addresses) {
              resolved_as(error, addresses);
          }) {}

    // Marks a call as under way; whatever way it ends, an unfinished one leaves the socket closed.
    class Call {
      public:
        explicit Call(Impl& impl) : impl_(impl) {
            if (std::exchange(impl_.busy, true)) {
                throw std::logic_error("http::Connection: a second call while one is under way");
            }
        }
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        ~Call() {
            impl_.disarm();
            impl_.busy = !finished_;
            if (!keep_) {
                impl_.shut();
            }
            impl_.busy = false;
        }
        void finished(bool keep) {
            finished_ = true;
            keep_ = keep;
        }

      private:
        Impl& impl_;
        bool finished_ = false;  // nothing is under way any more
        bool keep_ = false;
    };

    static void arm(const Self& self, Deadline deadline);
    static void watch(const Self& self);
    void disarm() { deadline.reset(); }
    void shut();
    bool peek();
    void resolved_as(const error_code& error, const std::vector<asio::ip::address>& addresses);
    std::optional<std::vector<tcp::endpoint>> numeric() const;

    static asio::awaitable<Error> connect(Self self, Deadline deadline);
    static asio::awaitable<Error> resolve(Self self, Deadline deadline,
                                          std::vector<tcp::endpoint>& found);
    static asio::awaitable<Error> connect_any(Self self, Deadline deadline,
                                              const std::vector<tcp::endpoint>& addresses);
    static asio::awaitable<Response> exchange(Self self, std::string request, Deadline deadline);
    static asio::awaitable<Error> send(Self self, std::string_view request, bool& started);
    static asio::awaitable<Error> receive(Self self, Response& response);

    Endpoint endpoint;
    tcp::socket socket;
    std::optional<Deadline> deadline;  // of the call under way: `timer` closes the socket
    asio::steady_timer timer;
    bool watching = false;    // `timer` is waited for
    asio::steady_timer wake;  // ends the wait for the resolver
    Lookup lookup;            // one that outlives its connect() goes on and serves the next
    std::vector<tcp::endpoint> resolved;  // the resolver's last good answer
    error_code resolve_error;
    std::optional<tcp::endpoint> last_good;  // where the last successful connect went
    std::uint64_t turn = 0;  // of `timer`: a wait that had already fired before that is ignored
    bool expired = false;
    bool busy = false;
    std::array<char, 16 * 1024> buffer{};
};

// One wait serves many calls, each of them over long before its deadline: what that is by now is
// looked at when the wait ends. It ends with the connection, too, so that nothing waits for it.
void Connection::Impl::arm(const Self& self, Deadline deadline) {
    self->expired = false;
    self->deadline = deadline;
    if (!self->watching || self->timer.expiry() > deadline) {
        watch(self);
    }
}

void Connection::Impl::watch(const Self& self) {
    self->watching = true;
    self->timer.expires_at(*self->deadline);
    self->timer.async_wait([weak = std::weak_ptr(self), turn = ++self->turn](error_code ec) {
        const Self impl = weak.lock();
        if (ec || !impl || impl->turn != turn) {
            return;
        }
        impl->watching = false;
        if (!impl->deadline) {
            return;
        }
        if (Steady::now() < *impl->deadline) {
            watch(impl);
        } else {
            impl->expired = true;
            impl->shut();
        }
    });
}

void Connection::Impl::shut() {
    if (!busy && socket.is_open()) {
        discard_unsent_on_close(socket, false);  // between two exchanges nothing is unsent
    }
    error_code ignored;
    socket.close(ignored);
    wake.cancel();
    ++turn;
    watching = false;
    timer.cancel();
}

// True when nothing waits to be read: neither a FIN nor an error nor bytes that nobody asked for.
bool Connection::Impl::peek() {
    char byte = 0;
    return ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

std::optional<std::vector<tcp::endpoint>> Connection::Impl::numeric() const {
    error_code ec;
    const auto address = asio::ip::make_address(endpoint.host, ec);
    if (ec) {
        return std::nullopt;
    }
    return std::vector<tcp::endpoint>{tcp::endpoint(address, endpoint.port)};
}

void Connection::Impl::resolved_as(const error_code& error,
                                   const std::vector<asio::ip::address>& addresses) {
    resolve_error = error;
    if (!error) {
        resolved.clear();
        for (const asio::ip::address& address : addresses) {
            resolved.emplace_back(address, endpoint.port);
        }
    }
    wake.cancel();
}

asio::awaitable<Error> Connection::Impl::resolve(Self self, Deadline deadline,
                                                 std::vector<tcp::endpoint>& found) {
    if (const auto literal = self->numeric()) {
        found = *literal;
        co_return Error();
    }
    self->lookup.start(self->endpoint.host);
    // What to try when the resolver fails or is slow; half of the time is kept for that.
    const auto known = self->last_good ? std::vector{*self->last_good} : self->resolved;
    const auto now = Steady::now();
    self->wake.expires_at(known.empty() ? deadline : now + (deadline - now) / 2);
    const auto [ec] = co_await self->wake.async_wait(kTuple);
    if (self->lookup.running() && ec) {
        co_return make_error(ErrorKind::cancelled, Phase::resolve, "");
    }
    found = self->lookup.running() || self->resolve_error ? known : self->resolved;
    if (!found.empty()) {
        co_return Error();
    }
    co_return self->lookup.running()
        ? make_error(ErrorKind::timeout, Phase::resolve, "")
        : make_error(ErrorKind::unresolved, Phase::resolve, self->resolve_error.message());
}

// Each address gets its share of the time left, so that a dead first one does not use it all.
asio::awaitable<Error> Connection::Impl::connect_any(Self self, Deadline deadline,
                                                     const std::vector<tcp::endpoint>& addresses) {
    Error error;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto now = Steady::now();
        arm(self, now + (deadline - now) / static_cast<int>(addresses.size() - i));
        error_code ignored;
        self->socket.close(ignored);
        const auto [ec] = co_await self->socket.async_connect(addresses[i], kTuple);
        if (!ec && self->socket.is_open()) {
            tune(self->socket);
            self->socket.non_blocking(true);
            self->last_good = addresses[i];
            co_return Error();
        }
        // Connected, but closed since: by the deadline, or by close().
        const error_code cause = ec ? ec : asio::error::operation_aborted;
        error = make_error(cause, self->expired, Phase::connect);
        if (error.kind == ErrorKind::cancelled) {
            break;
        }
    }
    co_return error;
}

asio::awaitable<Error> Connection::Impl::connect(Self self, Deadline deadline) {
    Call call(*self);
    self->shut();
    Error error;
    Phase phase = Phase::resolve;
    try {
        std::vector<tcp::endpoint> addresses;
        error = co_await resolve(self, deadline, addresses);
        if (error.ok()) {
            phase = Phase::connect;
            error = co_await connect_any(self, deadline, addresses);
        }
    } catch (const boost::system::system_error& failure) {  // cancelled between two operations
        error = make_error(failure.code(), false, phase);
    }
    if (error.ok()) {
        call.finished(true);
    }
    co_return error;
}

asio::awaitable<Error> Connection::Impl::send(Self self, std::string_view request, bool& started) {
    while (!request.empty()) {
        error_code ec;
        const std::size_t sent = self->socket.write_some(asio::buffer(request), ec);
        request.remove_prefix(sent);
        started = started || sent > 0;
        if (ec == asio::error::would_block) {
            const auto [wait_error] =
                co_await self->socket.async_wait(tcp::socket::wait_write, kTuple);
            ec = wait_error;
        }
        if (ec) {
            co_return make_error(ec, self->expired, Phase::write);
        }
    }
    co_return Error();
}

asio::awaitable<Error> Connection::Impl::receive(Self self, Response& response) {
    ResponseReader reader;
    while (reader.state() == ResponseReader::State::need_more) {
        const Phase phase = reader.phase();
        const auto [ec, n] =
            co_await self->socket.async_read_some(asio::buffer(self->buffer), kTuple);
        if (ec == asio::error::eof) {
            reader.end_of_stream();
        } else if (ec) {
            co_return make_error(ec, self->expired, phase);
        } else {
            reader.feed(std::string_view(self->buffer.data(), n));
            if (reader.state() == ResponseReader::State::need_more) {
                // A peer that sends header and body apart may hold the body back until the header
                // is acknowledged, which the kernel would put off for 40 ms. This acknowledges it
                // now. A reply in one piece needs no packet of its own: the next request tells.
                set_int(self->socket, IPPROTO_TCP, TCP_QUICKACK, 1);
            }
        }
        if (reader.state() == ResponseReader::State::failed) {
            co_return make_error(reader.error(), phase, reader.detail());
        }
    }
    response.answered = Steady::now();
    response.status = reader.status();
    response.peer_closes = reader.peer_closes();
    response.body = reader.take_body();
    co_return Error();
}

asio::awaitable<Response> Connection::Impl::exchange(Self self, std::string request,
                                                     Deadline deadline) {
    Call call(*self);
    Response response;
    response.sent = Steady::now();
    bool started = false;
    Error& error = response.error;
    try {
        if (!self->socket.is_open() || !self->peek()) {
            error =
                make_error(ErrorKind::closed, Phase::write, "closed before the request was sent");
        } else if (response.sent >= deadline) {
            error = make_error(ErrorKind::timeout, Phase::write, "");
        } else {
            arm(self, deadline);
            error = co_await send(self, request, started);
            if (error.ok()) {
                error = co_await receive(self, response);
            }
        }
    } catch (const boost::system::system_error& failure) {  // cancelled between two operations
        error = make_error(failure.code(), false, started ? Phase::first_byte : Phase::write);
    }
    error.request_started = started;
    if (error.ok()) {
        call.finished(!response.peer_closes);
    }
    co_return response;
}

Connection::Connection(const asio::any_io_executor& executor, Endpoint endpoint)
    : impl_(std::make_shared<Impl>(executor, std::move(endpoint))) {}

Connection::~Connection() {
    impl_->disarm();
    impl_->shut();
}

asio::awaitable<Error> Connection::connect(Deadline deadline) {
    return Impl::connect(impl_, deadline);
}

asio::awaitable<Response> Connection::exchange(std::string request, Deadline deadline) {
    return Impl::exchange(impl_, std::move(request), deadline);
}

bool Connection::usable() {
    if (impl_->socket.is_open() && !impl_->busy && !impl_->peek()) {
        impl_->shut();
    }
    return impl_->socket.is_open();
}

void Connection::close() {
    impl_->shut();
}

const Endpoint& Connection::endpoint() const {
    return impl_->endpoint;
}

}  // namespace hi6gw::http
