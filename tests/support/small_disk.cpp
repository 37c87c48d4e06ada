#include "support/small_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace hi6gw::test {

SmallDisk::SmallDisk() : unshare_{"unshare", "--mount"} {
    if (::geteuid() != 0) {
        unshare_.emplace_back("--map-root-user");
    }
    std::vector<std::string> attempt = unshare_;
    attempt.insert(attempt.end(), {"mount", "-t", "tmpfs", "tmpfs", path()});
    mounts_ = run(attempt).status == 0;
}

GatewayOptions SmallDisk::options() const {
    if (!mounts_) {
        return shim_.options();
    }
    GatewayOptions options;
    options.before = unshare_;
    options.before.insert(
        options.before.end(),
        {"sh", "-c", R"(mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@")", path()});
    return options;
}

std::string SmallDisk::file_of(pid_t gateway) const {
    return "/proc/" + std::to_string(gateway) + "/root" + path() + "/filler";
}

void SmallDisk::fill(pid_t gateway) {
    if (!mounts_) {
        shim_.disk_full(ENOSPC);
        return;
    }
    const int fd = ::open(file_of(gateway).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    constexpr std::array<char, 512> kBytes{};
    ssize_t written = 0;
    for (int i = 0; i < 1024 && written >= 0; ++i) {
        written = ::write(fd, kBytes.data(), kBytes.size());
    }
    const bool full = written < 0 && errno == ENOSPC;
    ::close(fd);
    if (!full) {
        throw std::runtime_error("the small disk does not get full");
    }
}

void SmallDisk::free(pid_t gateway) {
    shim_.disk_full(0);
    ::unlink(file_of(gateway).c_str());
}

}  // namespace hi6gw::test
