#include "base/file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace hi6gw {

namespace fs = std::filesystem;

Result<std::string> read_file(const fs::path& file, std::size_t max_bytes, FileKind kind) {
    std::error_code ignored;
    const auto status = fs::status(file, ignored);
    if (fs::is_directory(status) ||
        (kind == FileKind::regular && fs::exists(status) && !fs::is_regular_file(status))) {
        return Fault{"is not a file"};
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(std::min<std::size_t>(max_bytes + 1, 65536), '\0');
    std::size_t size = 0;
    while (stream && size <= max_bytes) {
        bytes.resize(std::min(std::max(bytes.size(), size * 2), max_bytes + 1));
        stream.read(bytes.data() + size, static_cast<std::streamsize>(bytes.size() - size));
        size += static_cast<std::size_t>(stream.gcount());
    }
    if (!stream.is_open() || stream.bad()) {
        return Fault{"cannot be read: " +
                     std::generic_category().message(errno != 0 ? errno : EIO)};
    }
    if (size > max_bytes) {
        return Fault{"is larger than " + std::to_string(max_bytes) + " bytes"};
    }
    bytes.resize(size);
    return Result<std::string>(boost::system::in_place_value, std::move(bytes));
}

std::string exposure(const fs::path& file, const std::string& name) {
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return {};
    }
    const bool of_root = info.st_uid == 0;
    const unsigned mode = info.st_mode & 0777U;
    const unsigned unwanted = mode & (of_root ? 0026U : 0066U);
    if (unwanted == 0) {
        return {};
    }
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%04o", mode);
    return std::string("others can ") + ((unwanted & 0044U) != 0 ? "read" : "change") +
           " it (mode " + digits.data() + "): " +
           (of_root ? "chmod 640 " + name + ", with the gateway's group" : "chmod 600 " + name);
}

}  // namespace hi6gw
