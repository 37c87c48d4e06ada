#include "support/gate.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hi6gw::test {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

bool send_all(int fd, const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

}  // namespace

Gate::Gate(std::uint16_t target) : target_(target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, generic, &length) != 0 || ::pipe2(wake_, O_CLOEXEC) != 0) {
        throw std::runtime_error("no gate");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

Gate::~Gate() {
    quit_ = true;
    set(false);
    thread_.join();
    for (const auto& pair : pairs_) {
        ::close(pair->client);
        ::close(pair->target);
    }
    for (const int fd : {listener_, wake_[0], wake_[1]}) {
        ::close(fd);
    }
}

void Gate::set(bool open) {
    open_ = open;
    wake();
}

void Gate::wake() {
    const char any = 'x';
    (void)!::write(wake_[1], &any, 1);
}

void Gate::run() {
    while (!quit_) {
        std::vector<pollfd> fds{{wake_[0], POLLIN, 0}};
        fds.push_back({open_ ? listener_ : -1, POLLIN, 0});
        int wait_ms = 1000;
        for (const auto& pair : pairs_) {
            fds.push_back({pair->client, POLLIN, 0});
            fds.push_back({pair->ended ? -1 : pair->target, POLLIN, 0});
            if (!pair->back.empty()) {
                const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                    pair->back.front().due - Clock::now());
                wait_ms = std::clamp(static_cast<int>(left.count()), 0, wait_ms);
            }
        }
        ::poll(fds.data(), fds.size(), wait_ms);
        if (fds[0].revents != 0) {
            char drop[64];
            (void)!::read(wake_[0], drop, sizeof drop);
        }
        const bool cut = cut_.exchange(false);
        std::size_t at = 2;
        std::erase_if(pairs_, [&](const std::unique_ptr<Pair>& pair) {
            const bool from_client = fds[at].revents != 0;
            const bool from_target = fds[at + 1].revents != 0;
            at += 2;
            const bool lives = carry(*pair, from_client, from_target) && !cut;
            if (!lives) {
                ::close(pair->client);
                ::close(pair->target);
            }
            return !lives;
        });
        if (fds[1].revents != 0) {
            accept_one();
        }
    }
}

void Gate::accept_one() {
    auto pair = std::make_unique<Pair>();
    pair->client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    pair->target = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_);
    const int on = 1;
    for (const int fd : {pair->client, pair->target}) {
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (::connect(pair->target, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(pair->client);
        ::close(pair->target);
        return;
    }
    pairs_.push_back(std::move(pair));
}

// False: both ends are to be closed.
bool Gate::carry(Pair& pair, bool from_client, bool from_target) {
    char bytes[64 * 1024];
    if (from_client) {
        const ssize_t n = ::recv(pair.client, bytes, sizeof bytes, 0);
        if (n <= 0) {
            return false;
        }
        if (!pair.ended && !send_all(pair.target, {bytes, static_cast<std::size_t>(n)})) {
            pair.ended = true;
        }
    }
    if (from_target) {
        const ssize_t n = ::recv(pair.target, bytes, sizeof bytes, 0);
        pair.ended = n <= 0;
        if (n > 0) {
            pair.back.push_back({Clock::now() + std::chrono::milliseconds(delay_ms_),
                                 {bytes, static_cast<std::size_t>(n)}});
        }
    }
    return deliver(pair) && (!pair.ended || !pair.back.empty());
}

bool Gate::deliver(Pair& pair) {
    while (!pair.back.empty() && pair.back.front().due <= Clock::now()) {
        if (!send_all(pair.client, pair.back.front().bytes)) {
            return false;
        }
        pair.back.pop_front();
    }
    return true;
}

}  // namespace hi6gw::test
