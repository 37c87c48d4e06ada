#include "support/paths.h"
#include "support/shim/shim.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace hi6gw::test {

Shim::Shim() : file_(directory_.file("control", std::string(sizeof(ShimControl), '\0'))) {
    const int fd = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
    void* const at =
        ::mmap(nullptr, sizeof(ShimControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED) {
        throw std::runtime_error("shim: no control page");
    }
    control_ = static_cast<ShimControl*>(at);
}

Shim::~Shim() {
    ::munmap(control_, sizeof(ShimControl));
}

GatewayOptions Shim::options() const {
    // A sanitizer's library wants to be the first one loaded, but does not need to be.
    const char* const given = std::getenv("ASAN_OPTIONS");  // NOLINT(concurrency-mt-unsafe)
    const std::string sanitizer = (given == nullptr ? "" : std::string(given) + ':');
    GatewayOptions options;
    options.env = {{"LD_PRELOAD", BINARY_DIR "/tests/support/shim/libhi6gw_shim.so"},
                   {kShimVariable, file_.string()},
                   {"ASAN_OPTIONS", sanitizer + "verify_asan_link_order=0"}};
    return options;
}

}  // namespace hi6gw::test
