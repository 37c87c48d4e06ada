#pragma once
// What a test tells the shim in another process: one page of a shared file. Plain numbers, each
// read and written whole; the file is all zeros at first: no fault.

#include <atomic>
#include <cstdint>

namespace hi6gw::test {

struct ShimControl {
    std::atomic<std::int64_t> wall_offset_ns;  // added to CLOCK_REALTIME
    std::atomic<std::int32_t> names_hang;      // getaddrinfo of a name does not return while not 0
    std::atomic<std::int32_t> disk_full;       // writing files fails with this errno while not 0
    std::atomic<std::int32_t> no_sockets;      // EMFILE for socket and accept while not 0
    // --- told by the shim
    std::atomic<std::int32_t> names_waiting;  // look-ups that hang now
};

// The environment variable that names the file.
inline constexpr const char* kShimVariable = "HI6GW_SHIM";

}  // namespace hi6gw::test
