#include "app/file_limit.h"

#include <sys/resource.h>

#include <string>

namespace hi6gw::app {

Result<void> allow_file_descriptors(std::size_t needed) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return {};
    }
    // Services get 1024 by default, for the sake of programs that use select(); nothing here does.
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < needed) {
        return Fault{std::to_string(needed) + " file descriptors may be needed, and " +
                     std::to_string(limit.rlim_max) + " are allowed (LimitNOFILE, ulimit -n)"};
    }
    return {};
}

}  // namespace hi6gw::app
