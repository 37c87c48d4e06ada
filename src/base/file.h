#pragma once
// Small files, whole: configuration, secrets, certificates. Blocks; any thread.

#include "base/result.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace hi6gw {

enum class FileKind { any, regular };  // a regular file never blocks for ever, as a pipe may

// The bytes of a file, or what is wrong with it as a sentence about the file: "cannot be read:
// Permission denied". The name is not part of it: it may have come from a variable.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& file,
                                            std::size_t max_bytes, FileKind kind);

// Who else may read or change a file that holds a secret, and the command that ends it: "others can
// read it (mode 0644): chmod 600 NAME". Empty: nobody. A group's right to read is in order for a
// file of root's, which is how a service's own group is usually given one (0640).
[[nodiscard]] std::string exposure(const std::filesystem::path& file, const std::string& name);

}  // namespace hi6gw
