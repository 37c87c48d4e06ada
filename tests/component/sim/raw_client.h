#pragma once
// A blocking TCP client of plain system calls: shares no HTTP code with the simulator. Every read
// has a deadline.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace hi6gw::test {

enum class End : std::uint8_t { open, fin, reset };  // how a connection stands

class RawClient {
  public:
    explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sockaddr generic{};
        static_assert(sizeof generic == sizeof address);
        __builtin_memcpy(&generic, &address, sizeof address);
        connected_ = ::connect(fd_, &generic, sizeof generic) == 0;
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { ::close(fd_); }

    [[nodiscard]] bool connected() const { return connected_; }
    void send(std::string_view bytes) const {
        if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != ssize_t(bytes.size())) {
            throw std::runtime_error("send failed");
        }
    }
    // Reads once more; how the connection stands then. `open` with nothing new: the time is over.
    End read_some(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        pollfd waiting{fd_, POLLIN, 0};
        if (::poll(&waiting, 1, int(limit.count())) == 0) {
            return End::open;
        }
        char buffer[4096];
        const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got > 0) {
            received_.append(buffer, std::size_t(got));
            ++reads_;
            return End::open;
        }
        return got == 0 ? End::fin : End::reset;
    }
    // Reads until the end of the connection; `open` when it does not come in time.
    End read_to_end(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        for (;;) {
            const auto before = received_.size();
            const auto end = read_some(limit);
            if (end != End::open || received_.size() == before) {
                return end;
            }
        }
    }
    // Reads until `text` has come; false when it does not.
    bool read_until(std::string_view text) {
        while (received_.find(text) == std::string::npos) {
            const auto before = received_.size();
            if (read_some() != End::open || received_.size() == before) {
                return false;
            }
        }
        return true;
    }
    // Everything received so far, and forgets it.
    std::string take() { return std::exchange(received_, {}); }
    [[nodiscard]] const std::string& received() const { return received_; }
    [[nodiscard]] int reads() const { return reads_; }

  private:
    int fd_;
    bool connected_ = false;
    std::string received_;
    int reads_ = 0;
};

inline std::string get(std::string_view target) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: r1\r\n\r\n";
}
inline std::string with_body(std::string_view method, std::string_view target,
                             std::string_view body) {
    return std::string(method) + " " + std::string(target) +
           " HTTP/1.1\r\nHost: r1\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
inline std::string post(std::string_view target, std::string_view body) {
    return with_body("POST", target, body);
}

// A write of 121 to fb2.dob3 and a read of it, as the vendor's sample does.
inline const std::string kWrite =
    post("/project/control/ios/dio/do_val", R"({"type":"dob","blk_no":2,"sig_no":3,"val":121})");
inline const std::string kRead = get("/project/control/ios/dio/do_val?type=dob&blk_no=2&sig_no=3");

}  // namespace hi6gw::test
