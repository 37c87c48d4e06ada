#include "app/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace hi6gw::app::systemd {
namespace {

std::string_view variable(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment any more
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

// One datagram, as sd_notify(3) documents it for those who want to do without the library: that
// would bring in six others, 1 MB of memory, for these few lines.
void notify(std::string_view lines) {
    const std::string_view path = variable("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') {
        address.sun_path[0] = '\0';  // an abstract name
    }
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    // Who is told nothing notices that by itself.
    (void)::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&address), size);
    ::close(fd);
}

}  // namespace

void ready() {
    notify("READY=1");
}

void status(const std::string& text) {
    notify("STATUS=" + text);
}

void reloading() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec));
}

void stopping() {
    notify("STOPPING=1");
}

void watchdog() {
    notify("WATCHDOG=1");
}

}  // namespace hi6gw::app::systemd
