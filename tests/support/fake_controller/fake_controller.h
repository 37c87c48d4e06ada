#pragma once
// A controller in memory that answers in virtual time: two readings of the manual, one memory
// behind single reads, block reads and writes, faults on demand, and a record of what was asked of
// it. Fails the test when it is asked for what no controller has, or written to too late.

#include "base/time.h"
#include "hi6/controller_client.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::support {

class FakeController final : public hi6::ControllerClient {
  public:
    explicit FakeController(Time& time) : time_(time), alarm_(time.alarm()) {}

    // --- what it is
    enum class Start : std::uint8_t { byte, bit, word };
    hi6::IndexUnit unit = hi6::IndexUnit::byte;
    Start start = Start::byte;
    bool closes_after_each = false;  // and says so with each answer
    std::string system_version =     // what it says when asked for it
        R"({"modules":[{"name":"tp","ver":"V60.30-00"},{"name":"com","ver":"V60.34-05"}]})";
    std::chrono::nanoseconds service{std::chrono::milliseconds(4)};
    std::chrono::nanoseconds connect_time{0};

    // --- what goes wrong
    enum class Connect : std::uint8_t { accept, refuse, hang };
    Connect connect_mode = Connect::accept;
    struct Fault {
        hi6::Outcome outcome = hi6::Outcome::ok;
        bool applied = true;                            // a write: has its effect
        bool hang = false;                              // no answer until the deadline, then lost
        std::optional<std::size_t> cut = std::nullopt;  // a block answer of this many words
    };
    struct Request {
        Steady::time_point at;
        std::string
            text;  // "get /api_ver", "block fb0.do 0 30", "single fb0.dow4", "write fb0.do3"
        bool post = false;
        hi6::Address address;                       // a single read, or a write
        std::uint32_t raw = 0;                      // written, or read by a single read
        hi6::Outcome outcome = hi6::Outcome::lost;  // until it has ended
        bool applied = false;                       // a write: had its effect
        [[nodiscard]] bool is(std::string_view start) const { return text.starts_with(start); }
    };
    // Asked for each request; default: no fault. With not_sent the request is not recorded.
    std::function<std::optional<Fault>(const Request&)> fault;
    // Called right before an answer is made up, and before a connect ends as `connect_mode` says.
    std::function<void(const Request&)> before_answer;
    std::function<void()> before_connect;
    // Waits in place of the controller's own alarm: for tests that hold it up.
    std::function<boost::asio::awaitable<void>(Steady::time_point)> wait;
    // Whether a connection stands. Set to false: the peer or the network has ended it, and the next
    // request finds it closed.
    bool up = false;

    // --- what it holds
    std::vector<std::uint8_t>& memory(const hi6::Area& area);
    void put(const hi6::Area& area, std::uint32_t byte, std::vector<std::uint8_t> bytes);
    // The raw bits of what this controller calls `address`, by its own reading.
    std::uint32_t value(const hi6::Address& address);
    void put(const hi6::Address& address, std::uint32_t raw);

    // --- what it saw
    std::vector<Steady::time_point> connects;
    std::vector<Request> requests;
    [[nodiscard]] std::size_t count(std::string_view start) const;
    [[nodiscard]] std::vector<Request> some(std::string_view start) const;
    bool overlapped = false;  // a second request or connect while one was under way

    // --- hi6::ControllerClient
    boost::asio::awaitable<hi6::LinkFault> connect(Deadline deadline) override;
    [[nodiscard]] bool connected() override { return up; }
    void close() override { up = false; }
    [[nodiscard]] bool keep_alive_refused() const override { return refused_; }
    boost::asio::awaitable<hi6::Reply> read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                  Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> read_single(hi6::Address address,
                                                   Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> write(hi6::Address address, std::uint32_t raw,
                                             Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> get(std::string target, Deadline deadline) override;

  private:
    boost::asio::awaitable<hi6::Reply> exchange(Request request, Deadline deadline,
                                                std::optional<std::size_t>* cut);
    boost::asio::awaitable<void> pause(Steady::time_point until);
    std::size_t first_byte(const hi6::Address& address) const;
    std::size_t fill(const hi6::BlockRead& read, std::span<std::byte> out);

    Time& time_;
    std::unique_ptr<Alarm> alarm_;
    std::map<hi6::Area, std::vector<std::uint8_t>> memory_;
    bool refused_ = false;
    int under_way_ = 0;
};

}  // namespace hi6gw::support
