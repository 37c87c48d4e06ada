#include "store/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace hi6gw::store {
namespace {

// Who wrote its number into the lock file, for the operator: " (process 123)", or nothing.
std::string owner(int lock) {
    char text[24];
    const ssize_t size = ::pread(lock, text, sizeof text, 0);
    std::string digits;
    for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i) {
        digits += text[i];
    }
    return digits.empty() ? digits : " (process " + digits + ')';
}

}  // namespace

StateDir::Acquired StateDir::acquire() {
    const auto unusable = [this](int error) {
        return Failure{Trouble::unusable, path_.string() + ": " + error_text(error)};
    };
    const std::lock_guard guard(mutex_);
    if (lock_.open()) {
        return {};
    }
    std::error_code ignored;  // what is missing is found below, with its reason
    std::filesystem::create_directories(path_.parent_path(), ignored);
    constexpr mode_t kDirectoryMode = 0750;
    if (::mkdir(path_.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
        return unusable(errno);
    }
    constexpr mode_t kFileMode = 0640;
    const std::filesystem::path file = path_ / "lock";
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
    const int trouble = errno;
    if (!lock.open()) {
        // Somebody else may hold it all the same.
        lock = Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    }
    const bool readable = lock.open();
    if (readable && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return unusable(errno);
        }
        return Failure{Trouble::in_use,
                       path_.string() + " is in use by another hi6gw" + owner(lock.get())};
    }
    if (!readable || (::fcntl(lock.get(), F_GETFL) & O_ACCMODE) != O_RDWR) {
        return unusable(trouble);
    }
    // Only for the message above, so it does not matter when the disk is full.
    const std::string number = std::to_string(::getpid()) + '\n';
    if (::ftruncate(lock.get(), 0) == 0) {
        (void)write_all(lock.get(), number);
    }
    lock_ = std::move(lock);
    return {};
}

}  // namespace hi6gw::store
