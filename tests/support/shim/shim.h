#pragma once
// What the shim (shim.cpp, preloaded into the gateway) is to do, as the test sees it.

#include "support/rig.h"
#include "support/shim/control.h"
#include "support/temp_dir.h"

#include <chrono>

namespace hi6gw::test {

class Shim {
  public:
    Shim();
    Shim(const Shim&) = delete;
    Shim& operator=(const Shim&) = delete;
    ~Shim();

    // What a gateway must be started with to have the shim.
    [[nodiscard]] GatewayOptions options() const;

    // The gateway's wall clock, against the real one; a step happens at once.
    void wall_offset(std::chrono::nanoseconds offset) { control_->wall_offset_ns = offset.count(); }
    void names_hang(bool hang) { control_->names_hang = hang ? 1 : 0; }
    [[nodiscard]] int names_waiting() const { return control_->names_waiting; }
    // No new sockets.
    void no_sockets(bool none) { control_->no_sockets = none ? 1 : 0; }
    // Writing a file fails with this errno; 0: it does not.
    void disk_full(int error) { control_->disk_full = error; }

  private:
    TempDir directory_;
    std::filesystem::path file_;
    ShimControl* control_ = nullptr;
};

}  // namespace hi6gw::test
