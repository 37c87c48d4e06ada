#pragma once
// Looks a name up without making anybody wait. getaddrinfo cannot be interrupted and may take a
// minute where a name server is silent; Asio's resolver has one thread for all of a loop, so that
// one such name holds up every other, and the loop's end with it. Here each look-up has a thread of
// its own, which nobody waits for. A Lookup ends before its loop does. Thread: the event loop's.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::http {

class Lookup {
  public:
    // Called on the event loop; not after the Lookup's end.
    using Found = std::function<void(const boost::system::error_code& error,
                                     std::vector<boost::asio::ip::address> addresses)>;

    Lookup(const boost::asio::any_io_executor& executor, Found found);
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    ~Lookup();

    // No-op while one is under way: that one's answer serves.
    void start(const std::string& host);
    [[nodiscard]] bool running() const;

  private:
    struct State;
    static void ask(const std::shared_ptr<State>& state, const std::string& host) noexcept;
    std::shared_ptr<State> state_;  // shared with the thread under way
};

}  // namespace hi6gw::http
