// Preloaded into the gateway (LD_PRELOAD) to give it a wall clock that a test can set, a name
// server that does not answer, and a full disk. The steady clock is left alone: that is what is
// being tested. Does nothing without its control file.
//
// What waits for a point of the wall clock (pthread_cond_timedwait, sem_timedwait) must follow a
// step as it would in the kernel, so those wait in slices and look at the stepped clock in between.

#include "support/shim/control.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using hi6gw::test::ShimControl;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSlice = 20'000'000;  // ns

ShimControl* control() {
    static ShimControl* const page = []() -> ShimControl* {
        const char* const name = std::getenv(hi6gw::test::kShimVariable);
        if (name == nullptr) {
            return nullptr;
        }
        // By the system call: the C library's own may not be ready yet under a sanitizer.
        const auto fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC));
        if (fd < 0) {
            return nullptr;
        }
        void* const at =
            ::mmap(nullptr, sizeof(ShimControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::syscall(SYS_close, fd);
        return at == MAP_FAILED ? nullptr : static_cast<ShimControl*>(at);
    }();
    return page;
}

std::int64_t offset() {
    const ShimControl* const page = control();
    return page == nullptr ? 0 : page->wall_offset_ns.load();
}

timespec shifted(timespec time) {
    const std::int64_t ns = time.tv_sec * kSecond + time.tv_nsec + offset();
    return {.tv_sec = ns / kSecond, .tv_nsec = ns % kSecond};
}

std::int64_t clock_ns(clockid_t which) {
    timespec now{};
    ::syscall(SYS_clock_gettime, which, &now);
    return now.tv_sec * kSecond + now.tv_nsec;
}

// Waits in slices of the steady clock until `once` does not time out, or the stepped wall clock has
// passed `until`.
template <class Once>
int wait_in_slices(const timespec* until, Once once) {
    const std::int64_t end = until->tv_sec * kSecond + until->tv_nsec;
    for (;;) {
        const std::int64_t left = end - (clock_ns(CLOCK_REALTIME) + offset());
        const std::int64_t slice = clock_ns(CLOCK_MONOTONIC) + (left < 0        ? 0
                                                                : left < kSlice ? left
                                                                                : kSlice);
        const timespec steady{.tv_sec = slice / kSecond, .tv_nsec = slice % kSecond};
        const int result = once(&steady);
        if (result != ETIMEDOUT || left <= kSlice) {
            return result;
        }
    }
}

bool is_name(const char* host) {
    for (; host != nullptr && *host != '\0'; ++host) {
        if (std::isalpha(static_cast<unsigned char>(*host)) != 0) {
            return true;
        }
    }
    return false;
}

// Sockets, pipes and terminals have no disk under them.
int disk_trouble(int fd) {
    const ShimControl* const page = control();
    const int trouble = page == nullptr ? 0 : page->disk_full.load();
    struct stat about{};
    return trouble != 0 && ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? trouble : 0;
}

bool out_of_sockets() {
    const ShimControl* const page = control();
    const bool out = page != nullptr && page->no_sockets.load() != 0;
    if (out) {
        errno = EMFILE;
    }
    return out;
}

template <class Function>
Function next_of(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* time) noexcept {
    if (::syscall(SYS_clock_gettime, which, time) != 0) {
        return -1;
    }
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) {
        *time = shifted(*time);
    }
    return 0;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
    timespec now{};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t* out) noexcept {
    timespec now{};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

int timespec_get(timespec* time, int base) noexcept {
    (void)clock_gettime(CLOCK_REALTIME, time);
    return base;
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
    return wait_in_slices(until, [&](const timespec* slice) {
        return ::pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, slice);
    });
}

int sem_timedwait(sem_t* semaphore, const timespec* until) {
    const int error = wait_in_slices(until, [&](const timespec* slice) {
        return ::sem_clockwait(semaphore, CLOCK_MONOTONIC, slice) == 0 ? 0 : errno;
    });
    errno = error;
    return error == 0 ? 0 : -1;
}

int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
    static const auto real = next_of<decltype(&getaddrinfo)>("getaddrinfo");
    ShimControl* const page = control();
    if (page != nullptr && is_name(host) && page->names_hang.load() != 0) {
        ++page->names_waiting;
        while (page->names_hang.load() != 0) {
            ::poll(nullptr, 0, kSlice / 1'000'000);
        }
        --page->names_waiting;
    }
    return real(host, service, hints, found);
}

int socket(int domain, int type, int protocol) noexcept {
    if (out_of_sockets()) {
        return -1;
    }
    return static_cast<int>(::syscall(SYS_socket, domain, type, protocol));
}

int accept(int fd, sockaddr* address, socklen_t* length) {
    if (out_of_sockets()) {
        return -1;
    }
    return static_cast<int>(::syscall(SYS_accept4, fd, address, length, 0));
}

ssize_t write(int fd, const void* bytes, size_t size) {
    if (const int trouble = disk_trouble(fd); trouble != 0) {
        errno = trouble;
        return -1;
    }
    return ::syscall(SYS_write, fd, bytes, size);
}

int fdatasync(int fd) {
    if (const int trouble = disk_trouble(fd); trouble != 0) {
        errno = trouble;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
    if (const int trouble = disk_trouble(fd); trouble != 0) {
        errno = trouble;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

}  // extern "C"
