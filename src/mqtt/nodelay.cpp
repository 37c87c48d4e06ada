#include "mqtt/nodelay.h"

#include "mqtt/own_numbers.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <tuple>

namespace hi6gw::mqtt {
namespace {

struct Free {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, Free>;

Addresses look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    // A name that does not resolve leaves the list empty: no socket matches, and nothing is set.
    std::ignore = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    return Addresses(list);
}

bool same(const sockaddr_storage& peer, const addrinfo& address) {
    if (peer.ss_family != address.ai_family) {
        return false;
    }
    if (peer.ss_family == AF_INET) {
        sockaddr_in a{};
        sockaddr_in b{};
        std::memcpy(&a, &peer, sizeof(a));
        std::memcpy(&b, address.ai_addr, sizeof(b));
        return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
    }
    sockaddr_in6 a{};
    sockaddr_in6 b{};
    std::memcpy(&a, &peer, sizeof(a));
    std::memcpy(&b, address.ai_addr, sizeof(b));
    return a.sin6_port == b.sin6_port &&
           std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof(a.sin6_addr)) == 0;
}

bool is_connected_to(int fd, const addrinfo* addresses) {
    sockaddr_storage peer{};
    socklen_t length = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
        return false;
    }
    for (; addresses != nullptr; addresses = addresses->ai_next) {
        if (same(peer, *addresses)) {
            return true;
        }
    }
    return false;
}

}  // namespace

int set_nodelay(const std::string& host, std::uint16_t port) {
    const Addresses addresses = look_up(host, port);
    int count = 0;
    for_each_own("/proc/self/fd", [&](int fd) {
        if (is_connected_to(fd, addresses.get())) {
            const int on = 1;
            count += ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 ? 1 : 0;
        }
    });
    return count;
}

}  // namespace hi6gw::mqtt
