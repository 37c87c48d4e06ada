#pragma once
// One HTTP request over a connection of its own, blocking: for control interfaces and operations
// pages.

#include <cstdint>
#include <string>

namespace hi6gw::test {

struct HttpReply {
    unsigned status = 0;  // 0: nobody answered
    std::string body;
};
HttpReply http_request(std::uint16_t port, const std::string& method, const std::string& target,
                       const std::string& body = "");

}  // namespace hi6gw::test
