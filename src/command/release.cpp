#include "command/release.h"

#include <algorithm>
#include <utility>

namespace hi6gw::command {

using hi6::Outcome;

Action Release::resume(const Event& event, Clock::time_point now) {
    if (end_ != End::open) {
        return {};
    }
    switch (event.kind) {
        case Event::Kind::reply:
            return replied(event, now);
        case Event::Kind::late:
            return replied({Event::Kind::reply, Outcome::not_sent, 0}, now);
        case Event::Kind::start:
        case Event::Kind::timer:
            break;
        case Event::Kind::cancel:
            return finish(End::cut_off);
    }
    if (now < due_) {
        return {Action::Kind::wait, {}, 0, due_};
    }
    if (phase_ == Phase::verifying_wait) {
        phase_ = Phase::verifying;
        return {Action::Kind::read, address_, 0, now + limits_.timeout};
    }
    return read_first_ ? check(now) : post(now);
}

Action Release::replied(const Event& event, Clock::time_point now) {
    const bool refused = is_refusal(event.outcome);
    switch (phase_) {
        case Phase::checking:
            if (event.outcome == Outcome::ok && event.raw == raw_) {
                return finish(End::released);
            }
            unreadable_ += refused ? 1U : 0U;
            return event.outcome == Outcome::ok || unreadable_ >= kRefusals ? post(now)
                                                                            : again_later(now);
        case Phase::posting:
            if (refused && ++refusals_ >= kRefusals) {
                return finish(End::gave_up);
            }
            if (event.outcome != Outcome::ok && event.outcome != Outcome::bad_data) {
                return again_later(now);
            }
            if (!verify_) {
                return finish(End::released);
            }
            window_ = now + limits_.verify_window;
            phase_ = Phase::verifying;
            active_ = false;
            return {Action::Kind::read, address_, 0, now + limits_.timeout};
        case Phase::verifying:
            return refused && !active_ ? finish(End::released) : verification(event, now);
        case Phase::waiting:
        case Phase::verifying_wait:
            break;
    }
    return again_later(now);  // nothing was asked
}

Action Release::check(Clock::time_point now) {
    phase_ = Phase::checking;
    return {Action::Kind::read, address_, 0, now + limits_.timeout};
}

Action Release::post(Clock::time_point now) {
    phase_ = Phase::posting;
    read_first_ = true;  // from now on
    ++posts_;
    return {Action::Kind::post, address_, raw_, now + limits_.timeout};
}

Action Release::verification(const Event& reply, Clock::time_point now) {
    if (reply.outcome == Outcome::ok) {
        if (reply.raw == raw_) {
            return finish(End::released);
        }
        active_ = true;
    }
    if (now + limits_.read_again < window_) {
        phase_ = Phase::verifying_wait;
        due_ = now + limits_.read_again;
        return {Action::Kind::wait, {}, 0, due_};
    }
    if (active_ && ++overwrites_ >= kOverwrites) {
        return finish(End::gave_up);
    }
    return again_later(now);
}

Action Release::again_later(Clock::time_point now) {
    phase_ = Phase::waiting;
    due_ = now + std::min(limits_.retry * (1U << std::min(failures_++, 10U)), kSlowest);
    return {Action::Kind::wait, {}, 0, due_};
}

Action Release::finish(End end) {
    end_ = end;
    return {};
}

void Release::release_now(Clock::time_point now) {
    if (phase_ == Phase::waiting && end_ == End::open) {
        due_ = std::min(due_, now);
    }
}

void Release::hold(CommandResult edge, Clock::time_point now) {
    held_ = std::move(edge);
    held_since_ = now;
}

std::optional<CommandResult> Release::take_result(Clock::time_point now) {
    if (!held_ || (end_ == End::open && now < report_at_)) {
        return std::nullopt;
    }
    std::optional<CommandResult> result = std::exchange(held_, std::nullopt);
    result->done_ms += std::chrono::duration_cast<milliseconds>(now - held_since_).count();
    const bool was_good = result->state == State::verified || result->state == State::applied;
    if (end_ != End::released && was_good) {
        result->state = end_ == End::gave_up ? State::mismatch : State::unknown;
        result->reason = Reason::release;
    }
    return result;
}

}  // namespace hi6gw::command
