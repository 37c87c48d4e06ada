#pragma once
// ControllerClient over the HTTP Open API: one kept-alive connection, rendered requests kept for
// the next poll, replies judged by open_api.h. Thread: the event loop's.

#include "hi6/controller_client.h"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace hi6gw::hi6 {

// `host`: name, IPv4, or IPv6 without brackets. Not connected yet.
[[nodiscard]] std::unique_ptr<ControllerClient> make_http_client(
    const boost::asio::any_io_executor& executor, std::string host, std::uint16_t port);

}  // namespace hi6gw::hi6
