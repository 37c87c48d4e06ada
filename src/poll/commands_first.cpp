#include "poll/commands_first.h"

#include <utility>

namespace hi6gw::poll {

namespace asio = boost::asio;

class CommandsFirst::Work {
  public:
    explicit Work(CommandsFirst& owner) : owner_(owner) { ++owner_.at_work_; }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work() {
        if (--owner_.at_work_ == 0) {
            owner_.idle_->wake();
        }
    }

  private:
    CommandsFirst& owner_;
};

asio::awaitable<void> CommandsFirst::wind_up(Steady::time_point until) {
    winding_up_ = true;
    while (at_work_ > 0 && time_.now() < until) {
        co_await idle_->wait_until(until);
    }
}

asio::awaitable<void> CommandsFirst::gate() {
    for (;;) {
        co_await never_->wait_until(Steady::time_point::max());
    }
}

asio::awaitable<bool> CommandsFirst::give_way(Steady::time_point poll_due) {
    if (for_commands_ > 0) {
        co_return true;
    }
    if (shut()) {
        co_await gate();
    }
    const Work work(*this);
    renewed_ = false;
    const std::uint64_t before = inner_.connects();
    bool served = false;
    const bool pause = time_.now() < poll_due;
    for (;;) {
        const Steady::time_point now = time_.now();
        if (pause && now >= poll_due) {
            break;  // what the poll that is due now leaves to commands begins with its request
        }
        const bool mine = !winding_up_ && commands_.my_turn(now, !pause);
        if (!mine) {
            break;
        }
        served = true;
        const std::chrono::nanoseconds busy = inner_.busy();
        co_await commands_.take_turn(inner_);
        busy_with_commands_ += inner_.busy() - busy;
        served_();
    }
    // A controller that closes after each answer has a new connection for every request anyway.
    if (!served || inner_.keep_alive_refused()) {
        co_return true;
    }
    if (!inner_.connected()) {
        why_ = "connection lost while a command was carried out";
        co_return false;
    }
    renewed_ = inner_.connects() != before;
    why_ = "a command needed a new connection";
    co_return !renewed_;
}

std::chrono::nanoseconds CommandsFirst::take_busy() {
    const std::chrono::nanoseconds own = inner_.busy() - busy_with_commands_;
    return own - std::exchange(taken_, own);
}

hi6::Reply CommandsFirst::gone() const {
    hi6::Reply reply;
    reply.outcome = hi6::Outcome::lost;
    reply.detail = why_;
    return reply;
}

asio::awaitable<hi6::LinkFault> CommandsFirst::connect(Deadline deadline) {
    co_return co_await inner_.connect(deadline);
}

asio::awaitable<hi6::Reply> CommandsFirst::read_block(hi6::BlockRead read, std::span<std::byte> out,
                                                      Deadline deadline) {
    const Steady::time_point start = time_.now();
    const bool same = co_await give_way(start);
    if (!same) {
        co_return gone();
    }
    if (shut()) {
        co_await gate();
    }
    const Work work(*this);
    co_return co_await inner_.read_block(read, out, deadline + (time_.now() - start));
}

asio::awaitable<hi6::Reply> CommandsFirst::read_single(hi6::Address address, Deadline deadline) {
    const Steady::time_point start = time_.now();
    const bool same = co_await give_way(start);
    if (!same) {
        co_return gone();
    }
    if (shut()) {
        co_await gate();
    }
    const Work work(*this);
    co_return co_await inner_.read_single(address, deadline + (time_.now() - start));
}

asio::awaitable<hi6::Reply> CommandsFirst::get(std::string target, Deadline deadline) {
    const Steady::time_point start = time_.now();
    const bool same = co_await give_way(start);
    if (!same) {
        co_return gone();
    }
    if (shut()) {
        co_await gate();
    }
    const Work work(*this);
    co_return co_await inner_.get(std::move(target), deadline + (time_.now() - start));
}

asio::awaitable<hi6::Reply> CommandsFirst::write(hi6::Address /*address*/, std::uint32_t /*raw*/,
                                                 Deadline /*deadline*/) {
    hi6::Reply reply;
    reply.outcome = hi6::Outcome::refused;
    reply.detail = "polling writes nothing";
    co_return reply;
}

}  // namespace hi6gw::poll
