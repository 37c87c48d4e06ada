#include "support/paths.h"
#include "support/shim/shim.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

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
    GatewayOptions options;
    options.env = {{"LD_PRELOAD", BINARY_DIR "/tests/support/shim/libhi6gw_shim.so"},
                   {kShimVariable, file_.string()}};
    return options;
}

}  // namespace hi6gw::test
