#include "base/time.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hi6gw {
namespace {

namespace asio = boost::asio;

class RealAlarm final : public Alarm {
  public:
    explicit RealAlarm(const asio::any_io_executor& executor) : timer_(executor) {}

    asio::awaitable<void> wait_until(Steady::time_point when) override {
        if (!woken_) {
            timer_.expires_at(when);
            boost::system::error_code
                ignored;  // operation_aborted: wake(), or cancellation, told apart below
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        woken_ = false;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
    }

    void wake() override {
        woken_ = true;
        timer_.cancel();
    }

  private:
    asio::steady_timer timer_;
    bool woken_ = false;
};

class RealTime final : public Time {
  public:
    explicit RealTime(asio::any_io_executor executor) : executor_(std::move(executor)) {}
    [[nodiscard]] Steady::time_point now() const override { return Steady::now(); }
    [[nodiscard]] Wall::time_point wall() const override { return Wall::now(); }
    [[nodiscard]] std::unique_ptr<Alarm> alarm() override {
        return std::make_unique<RealAlarm>(executor_);
    }

  private:
    asio::any_io_executor executor_;
};

}  // namespace

std::unique_ptr<Time> make_real_time(const asio::any_io_executor& executor) {
    return std::make_unique<RealTime>(executor);
}

}  // namespace hi6gw
