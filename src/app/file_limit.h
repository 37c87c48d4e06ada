#pragma once
// How many file descriptors this process may have (fault H9). Thread: the event loop's, at start.

#include "base/result.h"

#include <cstddef>

namespace hi6gw::app {

// Raises the limit as far as it may be raised. A Fault when that is still less than `needed`.
[[nodiscard]] Result<void> allow_file_descriptors(std::size_t needed);

}  // namespace hi6gw::app
