#pragma once
// Paho has no option for TCP_NODELAY, and Nagle's algorithm holds small messages back for up to
// 40 ms; so the socket is found from outside.

#include <cstdint>
#include <string>

namespace hi6gw::mqtt {

// Sets TCP_NODELAY on this process's sockets that are connected to an address of `host` at `port`;
// returns how many. May block on the name look-up. Any thread.
int set_nodelay(const std::string& host, std::uint16_t port);

}  // namespace hi6gw::mqtt
