#include "component/mqtt/scripted_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>

namespace hi6gw::mqtt {
namespace {

constexpr int kConnect = 1;
constexpr int kPublish = 3;
constexpr int kSubscribe = 8;
constexpr int kUnsubscribe = 10;

struct Packet {
    int type = 0;
    std::string body;
};

// Takes a whole packet off the front of `bytes`; lengths below 128 only.
std::optional<Packet> next_packet(std::string& bytes) {
    if (bytes.size() < 2 || bytes.size() < 2 + static_cast<std::size_t>(bytes[1])) {
        return std::nullopt;
    }
    const auto length = static_cast<std::size_t>(bytes[1]);
    Packet packet{static_cast<unsigned char>(bytes[0]) >> 4, bytes.substr(2, length)};
    bytes.erase(0, 2 + length);
    return packet;
}

// True: readable. False: told to quit.
bool wait_readable(int fd, int quit) {
    std::array<pollfd, 2> both{pollfd{.fd = fd, .events = POLLIN, .revents = 0},
                               pollfd{.fd = quit, .events = POLLIN, .revents = 0}};
    ::poll(both.data(), both.size(), -1);
    return both[1].revents == 0;
}

void send_all(int fd, const std::string& bytes) {
    (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

ScriptedBroker::ScriptedBroker(Answer answer, std::uint8_t suback, std::uint8_t puback,
                               Unsuback unsuback)
    : answer_(std::move(answer)),
      suback_(suback),
      puback_(puback),
      unsuback_(unsuback),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      quit_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, generic, &length) != 0) {
        throw std::runtime_error("no listener");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread(&ScriptedBroker::serve, this);
}

ScriptedBroker::~ScriptedBroker() {
    ::eventfd_write(quit_, 1);
    thread_.join();
    ::close(listener_);
    ::close(quit_);
}

std::vector<int> ScriptedBroker::levels() const {
    const std::lock_guard lock(mutex_);
    return levels_;
}

void ScriptedBroker::send(const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    send_all(client_, bytes);
}

void ScriptedBroker::set_client(int fd) {
    const std::lock_guard lock(mutex_);
    client_ = fd;
}

// "No subscription existed" (0x11), or "Not authorized"; MQTT 3.1.1 has no room for either.
std::string ScriptedBroker::unsuback(int level, const std::string& id) const {
    if (level < 5) {
        return "\xB0\x02" + id;
    }
    return std::string("\xB0\x04") + id + std::string(1, '\0') +
           (unsuback_ == Unsuback::refused ? '\x87' : '\x11');
}

void ScriptedBroker::serve() {
    while (wait_readable(listener_, quit_)) {
        const int fd = ::accept(listener_, nullptr, nullptr);
        if (fd >= 0) {
            set_client(fd);
            talk(fd);
            set_client(-1);
            ::close(fd);
        }
    }
}

void ScriptedBroker::talk(int fd) {
    std::string bytes;
    std::array<char, 1024> buffer{};
    while (wait_readable(fd, quit_)) {
        const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (count <= 0) {
            return;
        }
        bytes.append(buffer.data(), static_cast<std::size_t>(count));
        while (const auto packet = next_packet(bytes)) {
            if (packet->type == kConnect) {
                const int level = packet->body.at(6);  // after the length and name "MQTT"
                {
                    const std::lock_guard lock(mutex_);
                    levels_.push_back(level);
                }
                const std::string answer = answer_(level);
                if (answer.empty()) {
                    return;
                }
                send_all(fd, answer);
            } else if (packet->type == kPublish) {  // QoS 1 is all that is asked for here
                const std::size_t topic =
                    static_cast<std::size_t>(static_cast<unsigned char>(packet->body.at(1)));
                std::string puback("\x40\x03", 2);
                puback += packet->body.substr(2 + topic, 2);
                puback += static_cast<char>(puback_);
                send_all(fd, puback);
            } else if (packet->type == kSubscribe) {
                std::string suback(levels().back() < 5 ? "\x90\x03" : "\x90\x04", 2);
                suback += packet->body.substr(0, 2);
                suback.append(levels().back() < 5 ? 0 : 1, '\0');  // no properties
                suback += static_cast<char>(suback_);
                send_all(fd, suback);
            } else if (packet->type == kUnsubscribe) {
                ++unsubscribes_;
                if (unsuback_ == Unsuback::hang_up) {
                    return;
                }
                if (unsuback_ != Unsuback::silence) {
                    send_all(fd, unsuback(levels().back(), packet->body.substr(0, 2)));
                }
            }
        }
    }
}

}  // namespace hi6gw::mqtt
