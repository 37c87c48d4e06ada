#include "support/scripted_controller.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

namespace hi6gw::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Steady = std::chrono::steady_clock;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// The length of the first whole request in `bytes`, or 0.
std::size_t request_length(const std::string& bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) {
        return 0;
    }
    constexpr std::string_view key = "Content-Length: ";
    const auto field = bytes.find(key);
    const std::size_t body =
        field < end ? std::strtoul(bytes.c_str() + field + key.size(), nullptr, 10) : 0;
    const std::size_t total = end + 4 + body;
    return bytes.size() >= total ? total : 0;
}

void reset_socket(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::socket::linger(true, 0), ignored);
    socket.close(ignored);
}

}  // namespace

Script& Script::expect(std::string text) {
    steps_.push_back({Step::Kind::expect, std::move(text)});
    return *this;
}
Script& Script::send(std::string bytes) {
    return flood(std::move(bytes), 1);
}
Script& Script::flood(std::string bytes, std::size_t times) {
    steps_.push_back({Step::Kind::send, std::move(bytes), times});
    return *this;
}
Script& Script::dribble(std::string bytes, std::chrono::milliseconds interval) {
    steps_.push_back({Step::Kind::dribble, std::move(bytes), 1, interval});
    return *this;
}
Script& Script::wait(std::chrono::milliseconds time) {
    steps_.push_back({Step::Kind::wait, "", 1, time});
    return *this;
}
Script& Script::wait_go() {
    steps_.push_back({Step::Kind::wait_go, ""});
    return *this;
}
Script& Script::finish() {
    steps_.push_back({Step::Kind::finish, ""});
    return *this;
}
Script& Script::reset() {
    steps_.push_back({Step::Kind::reset, ""});
    return *this;
}
Script& Script::hold() {
    steps_.push_back({Step::Kind::hold, ""});
    return *this;
}
Script& Script::repeat() {
    steps_.push_back({Step::Kind::repeat, ""});
    return *this;
}

struct ScriptedController::Impl {
    Impl(std::vector<Script> all, const std::string& address, Nagle nagle)
        : scripts(std::move(all)),
          acceptor(ioc, tcp::endpoint(asio::ip::make_address(address), 0)),
          go_timer(ioc),
          no_delay(nagle == Nagle::off) {
        go_timer.expires_at(Steady::time_point::max());
        asio::co_spawn(ioc, accept(), rethrow);
        thread = std::thread([this] { ioc.run(); });
    }
    ~Impl() {
        ioc.stop();
        thread.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    static void rethrow(const std::exception_ptr& failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    template <class Change>
    void record(Change change) {
        {
            const std::lock_guard lock(mutex);
            change(log);
        }
        changed.notify_all();
    }

    asio::awaitable<void> accept();
    asio::awaitable<void> serve(tcp::socket socket, std::size_t number);
    asio::awaitable<bool> play(tcp::socket& socket, const Script::Step& step, std::size_t number,
                               std::string& inbox);
    asio::awaitable<bool> expect(tcp::socket& socket, const std::string& text, std::size_t number,
                                 std::string& inbox);
    asio::awaitable<bool> dribble(tcp::socket& socket, const Script::Step& step);
    asio::awaitable<bool> pause(std::chrono::milliseconds time);
    asio::awaitable<bool> wait_go();
    asio::awaitable<bool> hold(tcp::socket& socket);

    std::vector<Script> scripts;
    asio::io_context ioc{1};
    tcp::acceptor acceptor;
    asio::steady_timer go_timer;
    bool no_delay;
    int permits = 0;
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    Recorded log;
    std::thread thread;
};

asio::awaitable<void> ScriptedController::Impl::accept() {
    for (std::size_t number = 0;; ++number) {
        auto [ec, socket] = co_await acceptor.async_accept(kTuple);
        if (ec) {
            co_return;
        }
        socket.set_option(tcp::no_delay(no_delay));
        record([](Recorded& r) {
            ++r.connections;
            r.max_open = std::max(r.max_open, ++r.open);
        });
        asio::co_spawn(ioc, serve(std::move(socket), number), rethrow);
    }
}

asio::awaitable<void> ScriptedController::Impl::serve(tcp::socket socket, std::size_t number) {
    if (number >= scripts.size()) {
        record([](Recorded& r) { r.failures.emplace_back("a connection beyond the scripts"); });
        reset_socket(socket);
    } else {
        std::string inbox;
        const auto& steps = scripts[number].steps();
        std::size_t i = 0;
        while (i < steps.size()) {
            // Not in the loop's condition: GCC 12 awaits the right side of && whatever the left one
            // is.
            const bool goes_on = co_await play(socket, steps[i], number, inbox);
            if (!goes_on) {
                break;
            }
            i = steps[i].kind == Script::Step::Kind::repeat ? 0 : i + 1;
        }
    }
    boost::system::error_code ignored;
    socket.close(ignored);
    record([](Recorded& r) { --r.open; });
}

// False when the connection is over.
asio::awaitable<bool> ScriptedController::Impl::play(tcp::socket& socket, const Script::Step& step,
                                                     std::size_t number, std::string& inbox) {
    using Kind = Script::Step::Kind;
    switch (step.kind) {
        case Kind::expect:
            co_return co_await expect(socket, step.text, number, inbox);
        case Kind::send:
            for (std::size_t i = 0; i < step.times; ++i) {
                const auto [ec, n] =
                    co_await asio::async_write(socket, asio::buffer(step.text), kTuple);
                if (ec) {
                    co_return false;
                }
            }
            co_return true;
        case Kind::dribble:
            co_return co_await dribble(socket, step);
        case Kind::wait:
            co_return co_await pause(step.time);
        case Kind::wait_go:
            co_return co_await wait_go();
        case Kind::finish: {
            boost::system::error_code ignored;
            socket.shutdown(tcp::socket::shutdown_send, ignored);
            co_return co_await hold(socket);
        }
        case Kind::reset:
            reset_socket(socket);
            co_return false;
        case Kind::hold:
            co_return co_await hold(socket);
        case Kind::repeat:
            co_return true;
    }
    co_return false;
}

asio::awaitable<bool> ScriptedController::Impl::expect(tcp::socket& socket, const std::string& text,
                                                       std::size_t number, std::string& inbox) {
    std::size_t length = request_length(inbox);
    while (length == 0) {
        char bytes[4096];
        const auto [ec, n] = co_await socket.async_read_some(asio::buffer(bytes), kTuple);
        if (ec) {
            co_return false;
        }
        inbox.append(bytes, n);
        length = request_length(inbox);
    }
    std::string request = inbox.substr(0, length);
    inbox.erase(0, length);
    const bool met = request.find(text) != std::string::npos;
    record([&](Recorded& r) {
        if (!met) {
            r.failures.push_back("expected \"" + text + "\" in \"" + request + "\"");
        }
        r.requests.push_back({number, std::move(request), Steady::now()});
    });
    if (!met) {
        reset_socket(socket);
    }
    co_return met;
}

asio::awaitable<bool> ScriptedController::Impl::dribble(tcp::socket& socket,
                                                        const Script::Step& step) {
    for (const char& byte : step.text) {
        const auto [ec, n] = co_await asio::async_write(socket, asio::buffer(&byte, 1), kTuple);
        if (ec) {
            co_return false;
        }
        co_await pause(step.time);
    }
    co_return true;
}

asio::awaitable<bool> ScriptedController::Impl::pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(ioc, time);
    const auto [ec] = co_await timer.async_wait(kTuple);
    co_return !ec;
}

asio::awaitable<bool> ScriptedController::Impl::wait_go() {
    while (permits == 0) {
        std::ignore = co_await go_timer.async_wait(kTuple);  // ends by go()
    }
    --permits;
    co_return true;
}

asio::awaitable<bool> ScriptedController::Impl::hold(tcp::socket& socket) {
    char bytes[4096];
    for (;;) {
        const auto [ec, n] = co_await socket.async_read_some(asio::buffer(bytes), kTuple);
        if (ec) {
            co_return false;
        }
    }
}

ScriptedController::ScriptedController(std::vector<Script> scripts, const std::string& address,
                                       Nagle nagle)
    : impl_(std::make_unique<Impl>(std::move(scripts), address, nagle)) {}

ScriptedController::~ScriptedController() = default;

std::uint16_t ScriptedController::port() const {
    return impl_->acceptor.local_endpoint().port();
}

Recorded ScriptedController::recorded() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->log;
}

void ScriptedController::go() {
    asio::post(impl_->ioc, [impl = impl_.get()] {
        ++impl->permits;
        impl->go_timer.cancel();
    });
}

bool ScriptedController::wait_until(const std::function<bool(const Recorded&)>& condition,
                                    std::chrono::milliseconds limit) const {
    std::unique_lock lock(impl_->mutex);
    return impl_->changed.wait_for(lock, limit, [&] { return condition(impl_->log); });
}

std::string http_reply(unsigned status, std::string_view body,
                       std::string_view extra_header_lines) {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n";
    text.append("Content-Type: application/json; charset=utf-8\r\n").append(extra_header_lines);
    text.append("Content-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n\r\n")
        .append(body);
    return text;
}

}  // namespace hi6gw::test
