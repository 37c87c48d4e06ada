#pragma once
// Runs one coroutine to its end on a loop of the test's own.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace hi6gw::test {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

// A coroutine under way: its result once it has ended, and a way to cancel it.
template <class T>
struct Started {
    asio::cancellation_signal signal;
    std::exception_ptr failure;
    std::optional<T> value;
    [[nodiscard]] bool ended() const { return failure || value; }
};

template <class T>
std::shared_ptr<Started<T>> start(asio::io_context& ioc, asio::awaitable<T> task) {
    auto started = std::make_shared<Started<T>>();
    asio::co_spawn(ioc, std::move(task),
                   asio::bind_cancellation_slot(started->signal.slot(),
                                                [started](std::exception_ptr failure, T value) {
                                                    if (failure) {
                                                        started->failure = failure;
                                                    } else {
                                                        started->value = std::move(value);
                                                    }
                                                }));
    return started;
}

// Drives the loop until `condition`; false after ten seconds.
template <class Condition>
bool drive(asio::io_context& ioc, Condition condition) {
    const auto limit = Steady::now() + std::chrono::seconds(10);
    ioc.restart();
    while (!condition() && Steady::now() < limit) {
        ioc.run_one_for(std::chrono::milliseconds(5));
        ioc.restart();
    }
    return condition();
}

template <class T>
T run(asio::io_context& ioc, asio::awaitable<T> task) {
    const auto started = start(ioc, std::move(task));
    if (!drive(ioc, [&] { return started->ended(); })) {
        throw std::runtime_error("the coroutine did not end");
    }
    if (started->failure) {
        std::rethrow_exception(started->failure);
    }
    return std::move(*started->value);
}

}  // namespace hi6gw::test
