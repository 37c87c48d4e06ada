#pragma once
// Ports of the loopback interface.

#include <cstdint>

namespace hi6gw::test {

// A TCP port of 127.0.0.1 that was free a moment ago: for programs that cannot bind to port 0, or
// come back to the same one. It lies below those that the kernel gives out by itself
// (ip_local_port_range, from 32768), so that nobody's connection takes it while its program is
// away, not even one that tries to reach that program. Another test may have chosen it, too:
// whoever starts a program must be ready to try another.
std::uint16_t free_port();
// Whether something accepts connections there.
bool accepts(std::uint16_t port);

}  // namespace hi6gw::test
