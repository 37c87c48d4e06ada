#pragma once
// A directory of its own for a test, gone afterwards.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hi6gw::test {

class TempDir {
  public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "hi6gw-").string();
        name.append(6, 'X');  // for mkdtemp(3) to fill in
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    // Writes a file in the directory; returns its path.
    [[nodiscard]] std::filesystem::path file(const std::string& name, std::string_view text) const {
        const std::filesystem::path where = path_ / name;
        std::ofstream(where, std::ios::binary) << text;
        return where;
    }

  private:
    std::filesystem::path path_;
};

}  // namespace hi6gw::test
