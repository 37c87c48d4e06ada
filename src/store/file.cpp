#include "store/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hi6gw::store {
namespace {

Fault fault(const char* what, const std::filesystem::path& path, int error) {
    return Fault{std::string(what) + ' ' + path.string() + ": " + error_text(error)};
}

int open_file(const std::filesystem::path& path, int flags) {
    constexpr int kMode = 0640;
    return ::open(path.c_str(), flags | O_CLOEXEC, kMode);
}

}  // namespace

std::string error_text(int error) {
    return std::generic_category().message(error);
}

Fd::~Fd() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Result<std::optional<std::string>> read_file(const std::filesystem::path& path,
                                             std::size_t longest) {
    const Fd file(open_file(path, O_RDONLY));
    if (!file.open() && errno == ENOENT) {
        return std::optional<std::string>();
    }
    if (!file.open()) {
        return Fault{error_text(errno)};
    }
    std::string text;
    char piece[16 * 1024];
    for (;;) {
        const ssize_t size = ::read(file.get(), piece, sizeof piece);
        if (size < 0 && errno != EINTR) {
            return Fault{error_text(errno)};
        }
        if (size == 0) {
            return std::optional(std::move(text));
        }
        text.append(piece, size > 0 ? static_cast<std::size_t>(size) : 0);
        if (text.size() > longest) {
            return Fault{"longer than " + std::to_string(longest) + " bytes"};
        }
    }
}

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return Fault{error_text(errno)};
        }
        text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return {};
}

Result<Fd> replace_file(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::path fresh = path;
    fresh += ".new";
    Fd file(open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND));
    if (!file.open()) {
        return fault("cannot create", fresh, errno);
    }
    if (const auto written = write_all(file.get(), text); !written) {
        return Fault{"cannot write " + fresh.string() + ": " + written.error().what};
    }
    if (::fsync(file.get()) != 0) {
        return fault("cannot write", fresh, errno);
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        return fault("cannot replace", path, errno);
    }
    const Fd directory(open_file(path.parent_path(), O_RDONLY | O_DIRECTORY));
    if (!directory.open() || ::fsync(directory.get()) != 0) {
        return fault("cannot write the directory of", path, errno);
    }
    return file;
}

}  // namespace hi6gw::store
