#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace hi6gw::bench {
namespace {

constexpr std::chrono::seconds kPatience{5};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::string with_length(std::string_view text) {
    std::string out{static_cast<char>(text.size() >> 8U), static_cast<char>(text.size() & 0xffU)};
    return out.append(text);
}

std::string packet(unsigned char type, const std::string& body) {  // body: less than 128 bytes
    return std::string{static_cast<char>(type), static_cast<char>(body.size())} + body;
}

// CONNECT: 3.1.1, clean session, no keep-alive, no name.
std::string connect_packet() {
    return packet(0x10, with_length("MQTT") + std::string("\x04\x02\x00\x00", 4) + with_length(""));
}

std::size_t two_bytes(std::string_view text, std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(text[at])) << 8U |
           static_cast<unsigned char>(text[at + 1]);
}

// The length of the packet at the start of `bytes` and of its fixed header; 0 while incomplete.
std::pair<std::size_t, std::size_t> packet_length(std::string_view bytes) {
    std::size_t length = 0;
    for (std::size_t i = 1; i < std::min<std::size_t>(bytes.size(), 5); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        length |= static_cast<std::size_t>(byte & 0x7fU) << (7 * (i - 1));
        if ((byte & 0x80U) == 0) {
            const std::size_t whole = i + 1 + length;
            return {bytes.size() < whole ? 0 : whole, i + 1};
        }
    }
    return {0, 0};
}

}  // namespace

Socket::Socket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    static_assert(sizeof generic == sizeof address);
    std::copy_n(reinterpret_cast<const char*>(&address), sizeof address,
                reinterpret_cast<char*>(&generic));
    const int on = 1;
    if (fd_ < 0 || ::connect(fd_, &generic, sizeof generic) != 0) {
        fail("connect");
    }
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Socket::~Socket() {
    ::close(fd_);
}

void Socket::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            fail("send");
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

bool Socket::receive(std::string& bytes, Steady::time_point limit) const {
    const auto left = std::max(limit - Steady::now(), Steady::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec time{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    pollfd readable{fd_, POLLIN, 0};
    if (::ppoll(&readable, 1, &time, nullptr) == 0) {
        return false;
    }
    char buffer[65536];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) {
        fail("receive");
    }
    bytes.append(buffer, static_cast<std::size_t>(got));
    return true;
}

Change Control::set(const std::string& relay, int value) {
    const std::string body = R"({"name":")" + relay + R"(","value":)" + std::to_string(value) + "}";
    const std::string request =
        "POST /memory HTTP/1.1\r\nHost: bench\r\nContent-Type: "
        "application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    const std::string_view good = R"({"ok":true})";
    Change change;
    std::string reply;
    change.sent = Steady::now();
    socket_.send(request);
    while (!reply.ends_with(good)) {
        if (!socket_.receive(reply, change.sent + kPatience)) {
            throw std::runtime_error("the control interface says: " + reply);
        }
    }
    change.replied = Steady::now();
    return change;
}

Publisher::Publisher(std::uint16_t port) : socket_(port) {
    socket_.send(connect_packet());
    std::string answer;
    while (answer.size() < 4) {
        if (!socket_.receive(answer, Steady::now() + kPatience)) {
            throw std::runtime_error("the broker does not answer the publisher");
        }
    }
}

Steady::time_point Publisher::publish(const std::string& topic, const std::string& payload) {
    const std::string bytes =
        packet(0x32, with_length(topic) + std::string("\x00\x01", 2) + payload);
    const auto sent = Steady::now();
    socket_.send(bytes);
    std::string answer;
    while (answer.size() < 4) {
        if (!socket_.receive(answer, sent + kPatience)) {
            throw std::runtime_error("the broker does not acknowledge");
        }
    }
    return sent;
}

Subscriber::Subscriber(std::uint16_t port, const std::string& filter) : socket_(port) {
    socket_.send(connect_packet());
    // SUBSCRIBE: packet 1, QoS 0.
    socket_.send(packet(0x82, std::string("\x00\x01", 2) + with_length(filter) + '\0'));
    constexpr std::size_t kBothAnswers = 4 + 5;
    while (inbox_.size() < kBothAnswers) {
        if (!socket_.receive(inbox_, Steady::now() + kPatience)) {
            throw std::runtime_error("the broker does not answer the subscriber");
        }
    }
    inbox_.erase(0, kBothAnswers);
}

bool Subscriber::take(Message& message) {
    const std::string_view rest = std::string_view(inbox_).substr(taken_);
    const auto [whole, header] = packet_length(rest);
    if (whole == 0) {
        inbox_.erase(0, std::exchange(taken_, 0));
        return false;
    }
    const std::string_view body = rest.substr(header, whole - header);
    const std::size_t topic = two_bytes(body, 0);
    message = {std::string(body.substr(2, topic)), std::string(body.substr(2 + topic)), arrived_};
    taken_ += whole;
    return true;
}

bool Subscriber::next(const std::function<bool(const Message&)>& wanted, Message& found,
                      Steady::time_point limit) {
    for (;;) {
        while (take(found)) {
            if (wanted(found)) {
                return true;
            }
        }
        if (!socket_.receive(inbox_, limit)) {
            return false;
        }
        arrived_ = Steady::now();
    }
}

void Subscriber::drop_until(Steady::time_point time) {
    Message ignored;
    next([](const Message&) { return false; }, ignored, time);
}

}  // namespace hi6gw::bench
