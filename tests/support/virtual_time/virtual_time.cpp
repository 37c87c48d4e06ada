#include "support/virtual_time/virtual_time.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>

namespace hi6gw::support {

namespace asio = boost::asio;

// The Asio timer never expires; it is only something to suspend on and to cancel.
class VirtualAlarm final : public Alarm {
  public:
    explicit VirtualAlarm(VirtualTime& time) : time_(time), event_(time.io_) {}
    ~VirtualAlarm() override { leave(); }

    asio::awaitable<void> wait_until(Steady::time_point when) override {
        if (!woken_) {
            when_ = when;
            time_.waiting_.push_back(this);
            event_.expires_at(Steady::time_point::max());
            boost::system::error_code ignored;
            co_await event_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            leave();
        }
        woken_ = false;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
    }
    void wake() override {
        woken_ = true;
        fire();
    }
    void fire() {
        leave();
        event_.cancel();
    }
    [[nodiscard]] Steady::time_point when() const { return when_; }

  private:
    void leave() { std::erase(time_.waiting_, this); }

    VirtualTime& time_;
    asio::steady_timer event_;
    Steady::time_point when_;
    bool woken_ = false;
};

VirtualTime::VirtualTime(asio::io_context& io, std::chrono::seconds uptime)
    : io_(io), now_(uptime), wall_(std::chrono::milliseconds(1'763'900'000'000)) {}

std::unique_ptr<Alarm> VirtualTime::alarm() {
    return std::make_unique<VirtualAlarm>(*this);
}

void VirtualTime::settle() {
    io_.restart();
    io_.poll();
    if (step_) {
        step_();
    }
}

VirtualAlarm* VirtualTime::earliest() const {
    const auto found =
        std::min_element(waiting_.begin(), waiting_.end(),
                         [](const auto* a, const auto* b) { return a->when() < b->when(); });
    return found == waiting_.end() ? nullptr : *found;
}

void VirtualTime::go_to(Steady::time_point when) {
    if (when > now_) {
        wall_ += to_wall(when - now_);
        now_ = when;
    }
}

void VirtualTime::advance(std::chrono::nanoseconds by) {
    constexpr int kSpinning = 10'000;
    const Steady::time_point until = now_ + by;
    int at_once = 0;
    for (;;) {
        settle();
        VirtualAlarm* alarm = earliest();
        if (alarm == nullptr || alarm->when() > until) {
            break;
        }
        at_once = alarm->when() > now_ ? 0 : at_once + 1;
        if (at_once > kSpinning) {
            throw std::logic_error("virtual time: alarm after alarm, and no time passes");
        }
        go_to(alarm->when());
        alarm->fire();
    }
    go_to(until);
    settle();
}

}  // namespace hi6gw::support
