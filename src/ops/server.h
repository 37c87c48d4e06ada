#pragma once
// The operations HTTP server: GET /metrics /healthz /readyz; 404 and 405 otherwise. Beast. At most
// 16 connections, each with read and idle deadlines; a slow or hostile client costs one of them and
// nothing else. Thread: the loop's.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace hi6gw::ops {

struct Readiness {
    bool ready = false;
    std::string json;  // the body of /readyz: {"ready":true,...} or why not
};

struct Pages {
    std::function<std::string()> metrics;
    std::function<Readiness()> readiness;
};

struct Limits {
    std::size_t connections = 16;  // further ones are closed at once
    std::chrono::milliseconds exchange{
        5000};  // to send the rest of a begun request; to take the answer
    std::chrono::milliseconds idle{60000};  // between two requests
};

class Server {
  public:
    // Binds at once; throws boost::system::system_error when the address is taken or not ours.
    Server(const boost::asio::any_io_executor& executor, const std::string& host,
           std::uint16_t port, Pages pages, Limits limits = Limits());
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] std::uint16_t port() const;  // the real one, when asked for 0
    // Until cancelled (operation_aborted is thrown then); all sessions have ended when it returns.
    // The Server outlives it.
    boost::asio::awaitable<void> run();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hi6gw::ops
