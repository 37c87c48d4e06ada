#include "command/execution.h"

#include "hi6/codec.h"

#include <algorithm>
#include <utility>

namespace hi6gw::command {
namespace {

using hi6::Outcome;

domain::Value as_published(std::uint32_t raw, hi6::Width width,
                           const domain::SignalOptions& options) {
    return hi6::decode(raw, width, options).value_or(domain::Value{});
}

}  // namespace

Action Execution::resume(const Event& event, Clock::time_point now, bool newer) {
    if (phase_ == Phase::done) {
        return {};
    }
    newer_ = newer;
    switch (event.kind) {
        case Event::Kind::start:
            return phase_ == Phase::fresh ? started(now) : cancelled(now);
        case Event::Kind::reply:
            return replied(event, now);
        case Event::Kind::late:
            return late(now);
        case Event::Kind::timer:
            return timer(now);
        case Event::Kind::cancel:
            break;
    }
    return cancelled(now);
}

Action Execution::replied(const Event& event, Clock::time_point now) {
    switch (phase_) {
        case Phase::expecting:
            return expectation(event, now);
        case Phase::posting:
            return posted(event.outcome, now);
        case Phase::settling:
            return settled(event, now);
        case Phase::verifying:
            return verification(event, now);
        case Phase::feedback:
            return feedback_reply(event, now);
        default:
            return cancelled(now);  // nothing was asked: the driver is confused, so stop
    }
}

Action Execution::late(Clock::time_point now) {
    if (phase_ != Phase::posting || now < command_.deadline) {  // connecting took all the time
        return replied({Event::Kind::reply, Outcome::not_sent, 0}, now);
    }
    --attempts_;  // it never was one
    return too_late(now);
}

Action Execution::timer(Clock::time_point now) {
    if (now < wait_until_) {
        return wait(phase_, wait_until_);  // only waits have a timer; too early is harmless
    }
    switch (phase_) {
        case Phase::expecting_wait:
            return now < command_.deadline ? read(Phase::expecting, command_.address, now)
                                           : finish(State::expired, Reason::deadline, now);
        case Phase::backoff:
            return post(now);
        case Phase::settling_wait:
            return read(Phase::settling, command_.address, now);
        case Phase::verifying_wait:
            return command_.pulse && now >= window_ ? verified_in_vain(now) : read_back(now);
        case Phase::feedback_wait:
            return read(Phase::feedback, command_.feedback->address, now);
        default:
            return cancelled(now);
    }
}

// What is known at this moment, and nothing more.
Action Execution::cancelled(Clock::time_point now) {
    switch (phase_) {
        case Phase::posting:
            lost_ = true;
            order_release(now, true);
            return finish(State::unknown, Reason::shutting_down, now);
        case Phase::settling:
        case Phase::settling_wait:
        case Phase::verifying:
        case Phase::verifying_wait:
        case Phase::feedback:
        case Phase::feedback_wait:
            return finish(State::unknown, Reason::shutting_down, now);
        default:
            return server_error_ ? finish_unsent(State::failed, Reason::server_error, now)
                                 : finish_unsent(State::aborted, Reason::shutting_down, now);
    }
}

Action Execution::started(Clock::time_point now) {
    if (now >= command_.deadline) {
        return finish(State::expired, Reason::deadline, now);
    }
    return command_.expected ? read(Phase::expecting, command_.address, now) : post(now);
}

Action Execution::expectation(const Event& reply, Clock::time_point now) {
    if (reply.outcome == Outcome::ok) {
        readback_ = as_published(reply.raw, command_.address.width, *command_.options);
        return same_value(command_.address.width, reply.raw, *command_.expected)
                   ? post(now)
                   : finish(State::rejected, Reason::precondition, now);
    }
    if (is_refusal(reply.outcome)) {
        return finish(State::rejected, Reason::controller_rejected, now);
    }
    const auto again = now + limits_.retry * (1U << reads_failed_);
    if (++reads_failed_ >= limits_.attempts || again >= command_.deadline) {
        return finish(State::failed, Reason::no_readback, now);
    }
    return wait(Phase::expecting_wait, again);
}

// The only way to a post.
Action Execution::post(Clock::time_point now) {
    if (now >= command_.deadline) {
        return too_late(now);
    }
    if (lost_ && newer_) {
        return finish(State::unknown, Reason::newer_command, now);
    }
    if (command_.dry_run) {
        return finish(State::would_apply, Reason::ok, now);
    }
    ++attempts_;
    phase_ = Phase::posting;
    // Once begun it has the whole time-out: to cut it at the deadline would leave the controller
    // with a request under way, and us without its answer.
    return {Action::Kind::post, command_.address, command_.raw, now + limits_.timeout,
            command_.deadline};
}

Action Execution::too_late(Clock::time_point now) {
    return attempts_ == 0 ? finish(State::expired, Reason::deadline, now)
                          : finish_unsent(State::failed, failure_.value_or(Reason::no_answer), now);
}

Action Execution::posted(Outcome outcome, Clock::time_point now) {
    switch (outcome) {
        case Outcome::ok:
        case Outcome::bad_data:  // 2xx: accepted, whatever the body says
            return accepted(now);
        case Outcome::refused:
        case Outcome::unauthorised:
            return finish_unsent(State::rejected, Reason::controller_rejected, now);
        case Outcome::not_sent:
            return retry(Reason::not_sent, now);
        case Outcome::server_error:
            failure_ = Reason::server_error;
            server_error_ = true;
            if (command_.pulse) {  // its edge goes out once: find out what this one did
                order_release(now + *command_.pulse, true);
                return settle(now);
            }
            return retry(Reason::server_error, now);
        case Outcome::lost:
            break;
    }
    lost_ = true;
    failure_ = Reason::no_answer;
    if (command_.pulse) {
        order_release(now + *command_.pulse, true);
    }
    return settle(now);
}

Action Execution::retry(Reason reason, Clock::time_point now) {
    failure_ = reason;
    const auto again = now + limits_.retry * (1U << (attempts_ - 1));
    if (attempts_ >= limits_.attempts || again >= command_.deadline) {
        return finish_unsent(State::failed, reason, now);
    }
    return wait(Phase::backoff, again);
}

// Until the deadline; but reading does no harm, so there is time for it even if that is near.
Action Execution::settle(Clock::time_point now) {
    window_ = std::max(command_.deadline, now + limits_.verify_window);
    reads_failed_ = 0;
    return read(Phase::settling, command_.address, now);
}

Action Execution::settled(const Event& reply, Clock::time_point now) {
    const auto unsettled = [&](Reason reason) {
        return lost_ ? finish(State::unknown, reason, now)
                     : finish(State::failed, Reason::server_error, now);
    };
    if (reply.outcome == Outcome::ok) {
        readback_ = as_published(reply.raw, command_.address.width, *command_.options);
        if (same_value(command_.address.width, reply.raw, command_.raw)) {
            return watch_feedback(State::verified, now);
        }
        if (newer_) {
            return unsettled(Reason::newer_command);
        }
        const bool again =
            !command_.pulse && attempts_ < limits_.attempts && now < command_.deadline;
        return again ? post(now) : unsettled(Reason::no_answer);
    }
    const auto next = now + limits_.retry * (1U << std::min(reads_failed_++, 3U));
    if (is_refusal(reply.outcome) || next >= window_) {
        return unsettled(Reason::no_answer);
    }
    return wait(Phase::settling_wait, next);
}

Action Execution::accepted(Clock::time_point now) {
    if (command_.pulse) {
        order_release(now + *command_.pulse, false);
    }
    if (!command_.options->verify) {
        return watch_feedback(State::applied, now);
    }
    window_ = now + limits_.verify_window;
    if (command_.pulse) {  // after its release the address rightly reads differently
        window_ = std::min(window_, release_->due);
    }
    differed_ = false;
    return read_back(now);
}

// Of a pulse not after its release, which goes first.
Action Execution::read_back(Clock::time_point now) {
    Action action = read(Phase::verifying, command_.address, now);
    if (command_.pulse) {
        action.start_by = window_;
    }
    return action;
}

Action Execution::verified_in_vain(Clock::time_point now) {
    return differed_ ? finish(State::mismatch, Reason::readback, now)
                     : finish(State::unknown, Reason::no_readback, now);
}

Action Execution::verification(const Event& reply, Clock::time_point now) {
    if (reply.outcome == Outcome::ok) {
        readback_ = as_published(reply.raw, command_.address.width, *command_.options);
        if (same_value(command_.address.width, reply.raw, command_.raw)) {
            return watch_feedback(State::verified, now);
        }
        differed_ = true;
    }
    const auto again = now + limits_.read_again;
    if (!is_refusal(reply.outcome) && again < window_) {
        return wait(Phase::verifying_wait, again);
    }
    return verified_in_vain(now);
}

Action Execution::watch_feedback(State otherwise, Clock::time_point now) {
    if (!command_.feedback) {
        return finish(otherwise, Reason::ok, now);
    }
    window_ = now + limits_.feedback_window;
    differed_ = false;
    return read(Phase::feedback, command_.feedback->address, now);
}

Action Execution::feedback_reply(const Event& reply, Clock::time_point now) {
    const hi6::Width width = command_.feedback->address.width;
    if (reply.outcome == Outcome::ok) {
        if (same_value(width, reply.raw, command_.feedback->raw)) {
            return finish(State::verified, Reason::ok, now);
        }
        feedback_seen_ = as_published(reply.raw, width, *command_.feedback_options);
        differed_ = true;
    }
    const auto again = now + limits_.read_again;
    if (!is_refusal(reply.outcome) && again < window_) {
        return wait(Phase::feedback_wait, again);
    }
    if (!differed_) {
        return finish(State::unknown, Reason::no_readback, now);
    }
    readback_ = feedback_seen_;
    return finish(State::mismatch, Reason::feedback, now);
}

Action Execution::read(Phase phase, const hi6::Address& address, Clock::time_point now) {
    phase_ = phase;
    return {Action::Kind::read, address, 0, now + limits_.timeout};
}

Action Execution::wait(Phase phase, Clock::time_point until) {
    phase_ = phase;
    wait_until_ = until;
    return {Action::Kind::wait, {}, 0, until};
}

Action Execution::finish(State state, Reason reason, Clock::time_point now) {
    phase_ = Phase::done;
    result_ = make_result(command_, state, reason, now);
    result_->readback = readback_;
    result_->attempts = attempts_;
    return {};
}

Action Execution::finish_unsent(State state, Reason reason, Clock::time_point now) {
    return finish(lost_ ? State::unknown : state, reason, now);
}

void Execution::order_release(Clock::time_point due, bool read_first) {
    if (command_.pulse && !release_) {
        release_ = ReleaseOrder{due, read_first};
    }
}

std::optional<CommandResult> Execution::take_result() {
    return std::exchange(result_, std::nullopt);
}

}  // namespace hi6gw::command
