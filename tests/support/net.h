#pragma once
// Ports of the loopback interface.

#include <cstdint>

namespace hi6gw::test {

// A TCP port of 127.0.0.1 that was free a moment ago: for programs that cannot bind to port 0.
// Another process may take it meanwhile, so whoever starts one must be ready to try another.
std::uint16_t free_port();
// Whether something accepts connections there.
bool accepts(std::uint16_t port);

}  // namespace hi6gw::test
