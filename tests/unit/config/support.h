#pragma once
// A directory of configuration files for one test, and an environment that is not the process's.

#include "config/loader.h"
#include "support/temp_dir.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::config::test {

class Files {
  public:
    // Private to its owner, unless said otherwise.
    std::filesystem::path write(const std::string& name, std::string_view text,
                                std::filesystem::perms mode = std::filesystem::perms(0600)) {
        const auto file = directory() / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        std::filesystem::permissions(file, mode);
        return file;
    }
    Loaded load(std::string_view text) {
        return config::load(write("c.yaml", text), environment());
    }
    [[nodiscard]] Environment environment() const {
        return {[this](const std::string& name) -> std::optional<std::string> {
                    const auto found = variables.find(name);
                    return found != variables.end() ? std::optional(found->second) : std::nullopt;
                },
                host_name};
    }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
    // Problems as text, without the name of the directory.
    [[nodiscard]] std::vector<std::string> shown(const std::vector<Problem>& problems) const {
        std::vector<std::string> out;
        for (const auto& problem : problems) {
            auto text = to_string(problem);
            const auto prefix = directory().string() + "/";
            for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
                text.erase(at, prefix.size());
            }
            out.push_back(std::move(text));
        }
        return out;
    }

    std::map<std::string, std::string> variables;
    std::string host_name = "edge-7";

  private:
    hi6gw::test::TempDir directory_;
};

// The least that loads, with room for more in the controller and above it.
inline std::string with_controller(std::string_view keys, std::string_view above = "") {
    return std::string(above) + "\ncontrollers:\n  - name: r1\n    url: http://10.0.0.1\n" +
           std::string(keys) + "\n";
}
inline std::string with_signals(std::string_view entries, std::string_view above = "") {
    return with_controller("    signals:\n" + std::string(entries), above);
}

}  // namespace hi6gw::config::test
