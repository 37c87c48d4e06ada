#pragma once
// A controller in memory that answers in virtual time: two readings of the manual, faults on
// demand, and a record of what was asked of it. Fails the test when a second request or connection
// is opened.

#include "base/time.h"
#include "hi6/controller_client.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::poll {

class FakeController final : public hi6::ControllerClient {
  public:
    explicit FakeController(Time& time) : time_(time), alarm_(time.alarm()) {}

    // --- what it is
    enum class Start : std::uint8_t { byte, bit, word };
    hi6::IndexUnit unit = hi6::IndexUnit::byte;
    Start start = Start::byte;
    bool closes_after_each = false;  // and says so with each answer
    std::chrono::nanoseconds service{std::chrono::milliseconds(4)};

    // --- what goes wrong
    enum class Connect : std::uint8_t { accept, refuse, hang };
    Connect connect_mode = Connect::accept;
    struct Fault {
        hi6::Outcome outcome = hi6::Outcome::ok;
        bool hang = false;               // no answer until the deadline, then lost
        std::optional<std::size_t> cut;  // a block answer of this many words
    };
    struct Request {
        Steady::time_point at;
        std::string text;  // "api", "block fb0.do 0 30", "single fb0.dow4", "write fb0.do3"
        bool is(std::string_view start) const { return text.starts_with(start); }
    };
    // Asked for each request; default: no fault.
    std::function<std::optional<Fault>(const Request&)> fault;
    // Called right before an answer is made up.
    std::function<void(const Request&)> before_answer;
    // The peer or the network ends the connection: the next request finds it closed.
    void drop() { connected_ = false; }

    // --- what it holds
    std::vector<std::uint8_t>& memory(const hi6::Area& area);
    void put(const hi6::Area& area, std::uint32_t byte, std::vector<std::uint8_t> bytes);
    // The raw bits of what this controller calls `address`, by its own reading.
    std::uint32_t value(const hi6::Address& address);

    // --- what it saw
    std::vector<Steady::time_point> connects;
    std::vector<Request> requests;
    [[nodiscard]] std::size_t count(std::string_view start) const;
    bool overlapped = false;  // a second request or connect while one was under way

    // --- hi6::ControllerClient
    boost::asio::awaitable<hi6::LinkFault> connect(Deadline deadline) override;
    [[nodiscard]] bool connected() override { return connected_; }
    void close() override { connected_ = false; }
    [[nodiscard]] bool keep_alive_refused() const override { return refused_; }
    boost::asio::awaitable<hi6::Reply> read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                  Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> read_single(hi6::Address address,
                                                   Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> write(hi6::Address address, std::uint32_t raw,
                                             Deadline deadline) override;
    boost::asio::awaitable<hi6::Reply> get(std::string target, Deadline deadline) override;

  private:
    boost::asio::awaitable<hi6::Reply> exchange(std::string text, Deadline deadline,
                                                std::optional<std::size_t>* cut);
    std::size_t fill(const hi6::BlockRead& read, std::span<std::byte> out);

    Time& time_;
    std::unique_ptr<Alarm> alarm_;
    std::map<hi6::Area, std::vector<std::uint8_t>> memory_;
    bool connected_ = false;
    bool refused_ = false;
    int under_way_ = 0;
};

}  // namespace hi6gw::poll
