#pragma once
// The few system calls of this room, with errors as words. All of them may wait for the disk.

#include "base/result.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hi6gw::store {

// Of errno, e.g. "No space left on device".
[[nodiscard]] std::string error_text(int error);

// An open file descriptor, closed at the end.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd();
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool open() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

// Nothing: there is no file. One that is longer than `longest` bytes is not read.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::filesystem::path& path,
                                                           std::size_t longest);
[[nodiscard]] Result<void> write_all(int fd, std::string_view text);
// Puts `text` in the place of the file so that after a crash there is the old one or the new one,
// whole, and on the disk. Returns the new file, open for appending.
[[nodiscard]] Result<Fd> replace_file(const std::filesystem::path& path, std::string_view text);

}  // namespace hi6gw::store
