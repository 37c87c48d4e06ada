#include "http/connection.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <tuple>

namespace hi6gw::http {
namespace {

TEST(Request, RendersAGet) {
    EXPECT_EQ(
        render_get(Endpoint{"192.168.1.150", 8888}, "/project/plc/fb2_do/val_s32?st=0&len=30"),
        "GET /project/plc/fb2_do/val_s32?st=0&len=30 HTTP/1.1\r\nHost: 192.168.1.150:8888\r\n"
        "Accept: application/json\r\nConnection: keep-alive\r\n\r\n");
}

TEST(Request, RendersAPostWithItsLength) {
    EXPECT_EQ(
        render_post(Endpoint{"robot", 80}, "/v", "{\"val\":1}"),
        "POST /v HTTP/1.1\r\nHost: robot\r\nAccept: application/json\r\nConnection: keep-alive\r\n"
        "Content-Type: application/json; charset=utf-8\r\nContent-Length: 9\r\n\r\n{\"val\":1}");
}

TEST(Request, PutsIpv6IntoBracketsWithoutItsZone) {
    const Endpoint endpoint{"fe80::1%eth0", 8888};
    EXPECT_NE(render_get(endpoint, "/").find("\r\nHost: [fe80::1]:8888\r\n"), std::string::npos);
}

TEST(Request, NeverSendsATargetThatIsNone) {
    for (const char* target : {"", "x", "/a b", "/a\r\nX: y", "/a\tb", "/a\x7f"}) {
        EXPECT_THROW(std::ignore = render_get(Endpoint{"h", 1}, target), std::invalid_argument)
            << target;
    }
}

}  // namespace
}  // namespace hi6gw::http
