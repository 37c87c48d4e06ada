#pragma once
// A directory on a disk that can be full: a small tmpfs that only the gateway sees (mounted in a
// mount namespace of its own), or, where this user may not mount anything, the shim's say-so.

#include "support/shim/shim.h"

#include <string>

namespace hi6gw::test {

class SmallDisk {
  public:
    SmallDisk();
    // What a gateway must be started with to have it as path().
    [[nodiscard]] GatewayOptions options() const;
    [[nodiscard]] std::string path() const { return directory_.path().string(); }
    [[nodiscard]] const char* kind() const { return mounts_ ? "tmpfs" : "shim"; }

    void fill(pid_t gateway);
    void free(pid_t gateway);

  private:
    [[nodiscard]] std::string file_of(pid_t gateway) const;

    TempDir directory_;
    Shim shim_;
    bool mounts_;
    std::vector<std::string> unshare_;
};

}  // namespace hi6gw::test
