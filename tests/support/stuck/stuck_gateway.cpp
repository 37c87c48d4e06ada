// hi6gw, whole, but for three faults of its own that can be brought about while it runs: what the
// watchdog is there for. The file that HI6GW_STUCK names says which; none: nothing is wrong.
//   PORT     what is read from the controller on this port never ends, nor does its deadline
//   session  the session with the broker is not woken any more
//   loop     the event loop's thread does not come back
// make_http_client and make_paho_session are replaced; the genuine ones are compiled into this
// program under other names.

#include "hi6/http_client.h"
#include "mqtt/paho_session.h"

#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

namespace hi6gw {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::duration<int, std::milli> kLook{100};

std::string fault() {
    const char* const file = std::getenv("HI6GW_STUCK");  // NOLINT(concurrency-mt-unsafe)
    std::ifstream in(file == nullptr ? "" : file);
    std::string word;
    in >> word;
    return word;
}

}  // namespace

// ---- a controller

namespace hi6 {

std::unique_ptr<ControllerClient> make_genuine_http_client(const asio::any_io_executor& executor,
                                                           std::string host, std::uint16_t port);

namespace {

class StuckClient final : public ControllerClient {
  public:
    StuckClient(const asio::any_io_executor& executor, std::string host, std::uint16_t port)
        : genuine_(make_genuine_http_client(executor, std::move(host), port)),
          time_(make_real_time(executor)),
          alarm_(time_->alarm()),
          name_(std::to_string(port)) {}

    asio::awaitable<LinkFault> connect(Deadline deadline) override {
        return genuine_->connect(deadline);
    }
    [[nodiscard]] bool connected() override { return genuine_->connected(); }
    void close() override { genuine_->close(); }
    [[nodiscard]] bool keep_alive_refused() const override {
        return genuine_->keep_alive_refused();
    }
    asio::awaitable<Reply> read_block(BlockRead read, std::span<std::byte> out,
                                      Deadline deadline) override {
        co_await obey();
        co_return co_await genuine_->read_block(read, out, deadline);
    }
    asio::awaitable<Reply> read_single(Address address, Deadline deadline) override {
        co_await obey();
        co_return co_await genuine_->read_single(address, deadline);
    }
    asio::awaitable<Reply> write(Address address, std::uint32_t raw, Deadline deadline) override {
        return genuine_->write(address, raw, deadline);
    }
    asio::awaitable<Reply> get(std::string target, Deadline deadline) override {
        return genuine_->get(std::move(target), deadline);
    }

  private:
    asio::awaitable<void> obey() {
        while (fault() == "loop") {
            ::poll(nullptr, 0, kLook.count());
        }
        while (fault() == name_) {
            const auto look = time_->now() + kLook;
            co_await alarm_->wait_until(look);
        }
    }

    std::unique_ptr<ControllerClient> genuine_;
    std::unique_ptr<Time> time_;
    std::unique_ptr<Alarm> alarm_;
    std::string name_;
};

}  // namespace

std::unique_ptr<ControllerClient> make_http_client(const asio::any_io_executor& executor,
                                                   std::string host, std::uint16_t port) {
    return std::make_unique<StuckClient>(executor, std::move(host), port);
}

}  // namespace hi6

// ---- the broker

namespace mqtt {

std::unique_ptr<BrokerSession> make_genuine_paho_session(const asio::any_io_executor& executor,
                                                         Time& time, PahoOptions options);

namespace {

class StuckAlarm final : public Alarm {
  public:
    explicit StuckAlarm(Time& time) : time_(time), genuine_(time.alarm()) {}
    asio::awaitable<void> wait_until(Steady::time_point when) override {
        co_await genuine_->wait_until(when);
        while (fault() == "session") {
            const auto look = time_.now() + kLook;
            co_await genuine_->wait_until(look);
        }
    }
    void wake() override { genuine_->wake(); }

  private:
    Time& time_;
    std::unique_ptr<Alarm> genuine_;
};

class StuckTime final : public Time {
  public:
    explicit StuckTime(Time& genuine) : genuine_(genuine) {}
    [[nodiscard]] Steady::time_point now() const override { return genuine_.now(); }
    [[nodiscard]] Wall::time_point wall() const override { return genuine_.wall(); }
    [[nodiscard]] std::unique_ptr<Alarm> alarm() override {
        return std::make_unique<StuckAlarm>(genuine_);
    }

  private:
    Time& genuine_;
};

}  // namespace

// One session a process; it is gone before main() has ended.
std::unique_ptr<BrokerSession> make_paho_session(const asio::any_io_executor& executor, Time& time,
                                                 PahoOptions options) {
    static std::unique_ptr<StuckTime> stuck;
    stuck = std::make_unique<StuckTime>(time);
    return make_genuine_paho_session(executor, *stuck, std::move(options));
}

}  // namespace mqtt
}  // namespace hi6gw
