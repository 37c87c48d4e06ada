#include "modbus.h"

#include "bench.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace hi6gw::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRequest = 12;  // header 7, function 1, address 2, quantity 2
constexpr auto kTakes = 4ms;

std::size_t number(const std::string& bytes, std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes.at(at))) << 8U |
           static_cast<unsigned char>(bytes.at(at + 1));
}

}  // namespace

ModbusDevice::ModbusDevice() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, generic, &length) != 0) {
        throw std::runtime_error("no listener");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread(&ModbusDevice::serve, this);
}

// Its client is gone by then.
ModbusDevice::~ModbusDevice() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

Change ModbusDevice::set(std::size_t coil, int value) {
    const std::lock_guard lock(mutex_);
    const Steady::time_point now = Steady::now();
    coils_.at(coil) = value != 0;
    return {now, now};
}

void ModbusDevice::serve() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        talk(fd);
        ::close(fd);
    }
}

void ModbusDevice::talk(int fd) {
    std::string bytes(kRequest, '\0');
    while (::recv(fd, bytes.data(), kRequest, MSG_WAITALL) == static_cast<ssize_t>(kRequest)) {
        pass(kTakes);
        const std::string reply = answer(bytes);
        if (::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) {
            return;
        }
    }
}

// Transaction and unit are the request's; anything but a read of its coils is an illegal function.
std::string ModbusDevice::answer(const std::string& request) {
    const std::size_t first = number(request, 8);
    const std::size_t count = number(request, 10);
    std::string data;
    if (request[7] == 1 && count > 0 && first + count <= coils_.size()) {
        std::string packed((count + 7) / 8, '\0');
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < count; ++i) {
            const int bit = coils_.at(first + i) ? 1 << (i % 8) : 0;
            packed[i / 8] = static_cast<char>(static_cast<unsigned char>(packed[i / 8]) | bit);
        }
        data = std::string("\x01") + static_cast<char>(packed.size()) + packed;
    } else {
        data = std::string("\x81\x01");
    }
    std::string reply = request.substr(0, 4);  // transaction, protocol
    reply += '\0';
    reply += static_cast<char>(1 + data.size());
    return reply + request[6] + data;
}

}  // namespace hi6gw::bench
