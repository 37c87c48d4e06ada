#include "support/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <stdexcept>

namespace hi6gw::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

class Socket {
  public:
    Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0) {
            throw std::runtime_error("no socket");
        }
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(fd_); }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

}  // namespace

std::uint16_t free_port() {
    static std::minstd_rand random(std::random_device{}());
    std::uniform_int_distribution<std::uint16_t> ports(10000, 29999);
    for (int attempt = 0; attempt < 100; ++attempt) {
        const Socket socket;
        const std::uint16_t port = ports(random);
        const sockaddr_in address = loopback(port);
        if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
            0) {
            return port;
        }
    }
    throw std::runtime_error("no free port");
}

bool accepts(std::uint16_t port) {
    const Socket socket;
    const sockaddr_in address = loopback(port);
    return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
           0;
}

}  // namespace hi6gw::test
