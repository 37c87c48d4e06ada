#include "http/lookup.h"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace hi6gw::http {

namespace asio = boost::asio;
using boost::system::error_code;

struct Lookup::State {
    State(asio::any_io_executor loop, Found tell)
        : executor(std::move(loop)), found(std::move(tell)) {}

    void deliver(const error_code& error, std::vector<asio::ip::address> addresses) {
        running = false;
        if (!closed) {
            found(error, std::move(addresses));
        }
    }

    asio::any_io_executor executor;
    Found found;           // the loop's alone
    bool running = false;  // the loop's alone
    std::mutex mutex;
    bool closed = false;  // written under the mutex: nothing may be posted to the loop afterwards
};

Lookup::Lookup(const asio::any_io_executor& executor, Found found)
    : state_(std::make_shared<State>(executor, std::move(found))) {}

Lookup::~Lookup() {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
}

bool Lookup::running() const {
    return state_->running;
}

void Lookup::start(const std::string& host) {
    if (std::exchange(state_->running, true)) {
        return;
    }
    try {
        std::thread(ask, state_, host).detach();
    } catch (const std::system_error&) {  // no thread to be had: the next attempt tries again
        asio::post(state_->executor,
                   [state = state_] { state->deliver(asio::error::no_memory, {}); });
    }
}

void Lookup::ask(const std::shared_ptr<State>& state, const std::string& host) noexcept {
    error_code error;
    std::vector<asio::ip::address> addresses;
    try {
        asio::io_context none;  // a synchronous look-up needs one, and does not run it
        for (const auto& entry : asio::ip::tcp::resolver(none).resolve(host, "", error)) {
            addresses.push_back(entry.endpoint().address());
        }
    } catch (const std::exception&) {  // no memory, no file descriptors
        error = asio::error::no_memory;
    }
    const std::lock_guard lock(state->mutex);
    if (!state->closed) {
        asio::post(state->executor, [state, error, addresses = std::move(addresses)]() mutable {
            state->deliver(error, std::move(addresses));
        });
    }
}

}  // namespace hi6gw::http
