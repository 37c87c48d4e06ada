#include "poll/wire.h"

#include <cstdint>
#include <utility>

namespace hi6gw::poll {
namespace {

std::uint32_t seed_of(const std::string& name) {
    return static_cast<std::uint32_t>(std::hash<std::string>{}(name));
}

command::Limits limits_of(std::chrono::milliseconds timeout) {
    command::Limits limits;
    limits.timeout = timeout;
    return limits;
}

boost::asio::awaitable<hi6::Reply> nobody_reads() {
    hi6::Reply reply;
    reply.outcome = hi6::Outcome::not_sent;
    co_return reply;
}

}  // namespace

Wire::Wire(const std::string& controller, std::chrono::milliseconds timeout, Parts parts)
    : client_(*parts.client, *parts.metrics, *parts.time, timeout, seed_of(controller)),
      commands_(controller, limits_of(timeout), parts_of(parts)) {}

command::Supervisor::Parts Wire::parts_of(Parts& parts) {
    command::Supervisor::Parts out;
    out.time = parts.time;
    out.pulses = parts.pulses;
    out.finished = std::move(parts.finished);
    out.released = std::move(parts.released);
    out.seen = [this](const hi6::Address& address, const hi6::Reply& reply) {
        if (user_ != nullptr) {
            user_->seen(address, reply);
        }
    };
    out.news = [this] {
        if (user_ != nullptr) {
            user_->command_news();
        }
    };
    out.read_raw = [this](hi6::Address address, Steady::time_point until) {
        return user_ != nullptr ? user_->read_raw(address, until) : nobody_reads();
    };
    return out;
}

boost::asio::awaitable<void> Wire::release_pulses(Steady::time_point until) {
    client_.hurry();
    co_await commands_.drain(client_, until);
}

void Wire::set_timeout(std::chrono::milliseconds timeout) {
    client_.set_timeout(timeout);
    commands_.set_limits(limits_of(timeout));
}

}  // namespace hi6gw::poll
