#include "command/supervisor.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace hi6gw::command {

namespace asio = boost::asio;
using hi6::Outcome;

namespace {

constexpr Clock::time_point kNever = Clock::time_point::max();

Event reply(Outcome outcome, std::uint32_t raw = 0) {
    return {Event::Kind::reply, outcome, raw};
}
Event just(Event::Kind kind) {
    return {kind, Outcome::ok, 0};
}
bool is_exchange(const Action& action) {
    return action.kind == Action::Kind::post || action.kind == Action::Kind::read;
}

}  // namespace

// The right and the duty to report one command's end. What is dropped unreported was aborted.
class Supervisor::Ticket {
  public:
    Ticket() = default;
    Ticket(Supervisor& owner, const Command& command)
        : owner_(&owner), command_(std::make_unique<const Command>(command)) {}
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
        if (command_) {
            const Command& command = *command_;
            finish(
                make_result(command, State::aborted, Reason::shutting_down, owner_->time_.now()));
        }
    }
    [[nodiscard]] bool open() const { return command_ != nullptr; }
    void finish(CommandResult result) {
        const std::unique_ptr<const Command> command = std::move(command_);
        if (command) {
            owner_->parts_.finished(*command, std::move(result));
        }
    }

  private:
    Supervisor* owner_ = nullptr;
    std::unique_ptr<const Command> command_;
};

struct Supervisor::Pulse {
    Ticket ticket;  // of its command; none after a crash
    OpenPulse record;
    Release release;
    Clock::time_point report_at;  // the result is not held longer
    bool edge_running = false;    // its command has not ended yet
};

struct Supervisor::Running {
    Running(Supervisor& owner, const Command& command)
        : execution(command, owner.limits_), ticket(owner, command) {}

    Execution execution;
    Ticket ticket;  // handed over to the pulse
    Action action;
    std::optional<OpenPulse> record;  // a pulse: in the journal, or on the way there
    bool recorded = false;            // and on the disk
    Pulse* pulse = nullptr;
};

// Held by a turn; sees to it that nothing is left half done when the turn ends early.
class Supervisor::Interruption {
  public:
    explicit Interruption(Supervisor& owner) : owner_(owner), alive_(owner.alive_) {
        owner.turning_ = true;
    }
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;
    ~Interruption() {
        if (!alive_.expired()) {
            owner_.interrupted();
        }
    }

  private:
    Supervisor& owner_;
    std::weak_ptr<const bool> alive_;
};

Supervisor::Supervisor(std::string controller, const Limits& limits, Parts parts,
                       std::size_t capacity)
    : controller_(std::move(controller)),
      limits_(limits),
      parts_(std::move(parts)),
      time_(*parts_.time),
      queue_(capacity),
      alarm_(time_.alarm()),
      alive_(std::make_shared<const bool>(true)) {}

Supervisor::~Supervisor() {
    cut_off(time_.now());
}

void Supervisor::submit(Command command, Clock::time_point now) {
    expire_queue(now);
    if (stopping_) {
        end(command, State::rejected, Reason::shutting_down, now);
        return;
    }
    std::vector<Command> superseded;
    if (!queue_.push(command, superseded)) {
        end(command, State::rejected, Reason::queue_full, now);
        return;
    }
    for (const Command& older : superseded) {
        end(older, State::superseded, Reason::newer_command, now);
    }
    say_news();
}

void Supervisor::revise(const Revision& refusal, Clock::time_point now) {
    const std::vector<Command> refused =
        queue_.take_if([&refusal](const Command& command) { return refusal(command).has_value(); });
    for (const Command& command : refused) {
        end(command, State::rejected, *refusal(command), now);
    }
}

void Supervisor::say_news() {
    if (parts_.news) {
        parts_.news();
    }
}

void Supervisor::recover(const OpenPulse& pulse, bool verify, Clock::time_point now) {
    const ReleaseOrder order{now, true};
    pulses_.push_back({Ticket(), pulse,
                       Release(pulse.address, pulse.released, verify, order, limits_),
                       now + Release::kReport, false});
    say_news();
}

bool Supervisor::my_turn(Clock::time_point now, bool poll_due) {
    const Turn turn = turns_.next(release_due(now), command_ready(now), poll_due);
    return turn == Turn::release || turn == Turn::command;
}

bool Supervisor::wants_turn(Clock::time_point now) const {
    return release_due(now) || command_ready(now);
}

bool Supervisor::release_due(Clock::time_point now) const {
    return !turning_ && std::any_of(pulses_.begin(), pulses_.end(), [now](const Pulse& pulse) {
        return pulse.release.end() == Release::End::open && pulse.release.due() <= now;
    });
}

bool Supervisor::command_ready(Clock::time_point now) const {
    return !turning_ && (running_ ? running_->action.until <= now : queue_.ready(pulsed_bits()));
}

// Of the pulses that are not released yet.
std::vector<Bits> Supervisor::pulsed_bits() const {
    std::vector<Bits> out;
    for (const Pulse& pulse : pulses_) {
        const hi6::Address& bit = pulse.record.address;
        out.push_back({bit.area, hi6::bit_range(bit, hi6::IndexUnit::byte)});
    }
    return out;
}

Clock::time_point Supervisor::next_wake() const {
    Clock::time_point next = kNever;
    if (running_) {
        next = running_->action.until;
    } else if (queue_.ready(pulsed_bits())) {
        next = Clock::time_point::min();
    }
    for (const Pulse& pulse : pulses_) {
        if (pulse.release.end() == Release::End::open) {
            next = std::min(next, pulse.release.due());
        }
    }
    return next;
}

asio::awaitable<void> Supervisor::take_turn(hi6::ControllerClient& client) {
    co_await turn(client, kNever);
}

asio::awaitable<void> Supervisor::turn(hi6::ControllerClient& client, Clock::time_point limit) {
    const Interruption interruption(*this);
    expire_queue(time_.now());
    Pulse* pulse = due_release(time_.now());
    if (pulse != nullptr) {
        co_await drive_release(client, *pulse, limit);
    } else {
        co_await drive_command(client);
    }
}

Supervisor::Pulse* Supervisor::due_release(Clock::time_point now) {
    Pulse* first = nullptr;
    for (Pulse& pulse : pulses_) {
        if (pulse.release.end() == Release::End::open && pulse.release.due() <= now &&
            (first == nullptr || pulse.release.due() < first->release.due())) {
            first = &pulse;
        }
    }
    return first;
}

asio::awaitable<void> Supervisor::drive_release(hi6::ControllerClient& client, Pulse& pulse,
                                                Clock::time_point limit) {
    releasing_ = &pulse;
    Action action = pulse.release.resume(just(Event::Kind::timer), time_.now());
    while (is_exchange(action)) {
        action.until = std::min(action.until, limit);
        const Event event = co_await carry_out(client, action);
        action = pulse.release.resume(event, time_.now());
    }
    releasing_ = nullptr;
    settle_releases(time_.now());
}

asio::awaitable<void> Supervisor::drive_command(hi6::ControllerClient& client) {
    if (running_) {
        resume_command(just(Event::Kind::timer));
    } else {
        begin_command();
    }
    while (running_ && is_exchange(running_->action)) {
        Event event = reply(Outcome::not_sent);
        bool go = true;
        if (running_->action.kind == Action::Kind::post) {
            go = co_await record();
        }
        if (go) {
            const Action action = running_->action;
            event = co_await carry_out(client, action);
        }
        resume_command(event);
    }
    if (running_ && stopping_) {
        cancel_command();
    }
}

// What must be so before a post. False: it must not be made.
asio::awaitable<bool> Supervisor::record() {
    const Command& command = running_->execution.command();
    if (stopping_ || !command.pulse || running_->recorded) {
        co_return !stopping_;
    }
    OpenPulse pulse{parts_.pulses->next_number(), controller_, command.address, command.raw ^ 1U};
    running_->record = pulse;
    const bool written = co_await parts_.pulses->begin(std::move(pulse));
    running_->recorded = written;
    if (!written) {
        parts_.pulses->end(running_->record->number);
        running_->record.reset();
    }
    co_return written && !stopping_;
}

// One exchange. The time is looked at right before the first byte.
asio::awaitable<Event> Supervisor::carry_out(hi6::ControllerClient& client, Action action) {
    const Clock::time_point start_by = std::min(action.until, action.start_by);
    if (!client.connected()) {
        const hi6::LinkFault fault = co_await client.connect(start_by);
        if (!fault.ok()) {
            co_return reply(Outcome::not_sent);
        }
    }
    const bool post = action.kind == Action::Kind::post;
    if (post && stopping_ && releasing_ == nullptr) {
        co_return reply(Outcome::not_sent);
    }
    if (time_.now() >= start_by) {
        co_return just(Event::Kind::late);
    }
    if (post) {
        posting_ = true;
        const hi6::Reply written = co_await client.write(action.address, action.raw, action.until);
        posting_ = false;
        co_return reply(written.outcome);
    }
    const hi6::Reply value = co_await read(client, action);
    co_return reply(value.outcome, value.raw);
}

asio::awaitable<hi6::Reply> Supervisor::read(hi6::ControllerClient& client, Action action) {
    if (!hi6::has_single_read(action.address.area)) {
        hi6::Reply raw = co_await parts_.read_raw(action.address, action.until);
        co_return raw;
    }
    hi6::Reply value = co_await client.read_single(action.address, action.until);
    if (value.outcome == Outcome::ok && parts_.seen) {
        parts_.seen(action.address, value);
    }
    co_return value;
}

void Supervisor::begin_command() {
    std::optional<Command> next = queue_.pop(pulsed_bits());
    if (next) {
        running_ = std::make_unique<Running>(*this, *next);
        resume_command(just(Event::Kind::start));
    }
}

void Supervisor::resume_command(const Event& event) {
    const Clock::time_point now = time_.now();
    Running& it = *running_;
    const bool newer = queue_.newer_than(it.execution.command());
    it.action = it.execution.resume(event, now, newer);
    if (it.execution.release() && it.pulse == nullptr && it.record) {
        const Command& command = it.execution.command();
        const ReleaseOrder& order = *it.execution.release();
        pulses_.push_back(
            {std::move(it.ticket), *it.record,
             Release(command.address, it.record->released, command.options->verify, order, limits_),
             order.due + Release::kReport, true});
        it.pulse = &pulses_.back();
        if (stopping_) {
            it.pulse->release.release_now(now);
        }
    }
    if (it.action.kind == Action::Kind::done) {
        end_command(now);
    }
}

void Supervisor::end_command(Clock::time_point now) {
    const std::unique_ptr<Running> it = std::move(running_);
    std::optional<CommandResult> result = it->execution.take_result();
    if (it->pulse != nullptr) {
        it->pulse->edge_running = false;
        if (result) {
            it->pulse->release.hold(std::move(*result), now);
        }
        settle_releases(now);
        return;
    }
    if (it->record) {
        parts_.pulses->end(it->record->number);
    }
    if (result) {
        it->ticket.finish(std::move(*result));
    }
}

// Ends it with what is known. Where it wanted to post and no byte went out, that is known too.
void Supervisor::cancel_command() {
    if (running_->action.kind == Action::Kind::post && !posting_) {
        resume_command(reply(Outcome::not_sent));
    }
    if (running_) {
        resume_command(just(Event::Kind::cancel));
    }
}

// A turn has ended, by itself or not. A release that was cut off in an exchange goes on later.
void Supervisor::interrupted() {
    turning_ = false;
    if (releasing_ != nullptr) {
        std::ignore = releasing_->release.resume(
            reply(posting_ ? Outcome::lost : Outcome::not_sent), time_.now());
        releasing_ = nullptr;
    } else if (running_ && is_exchange(running_->action)) {
        cancel_command();
    }
    posting_ = false;
}

// Reports what has been decided, and forgets the releases that have ended.
void Supervisor::settle_releases(Clock::time_point now) {
    for (auto it = pulses_.begin(); it != pulses_.end();) {
        std::optional<CommandResult> result = it->release.take_result(now);
        if (result) {
            it->ticket.finish(std::move(*result));
        }
        const Release::End how = it->release.end();
        if (how == Release::End::open || it->edge_running) {
            ++it;
            continue;
        }
        if (how != Release::End::cut_off) {
            parts_.pulses->end(it->record.number);
        }
        if (parts_.released) {
            parts_.released(it->record, how);
        }
        it = pulses_.erase(it);
    }
}

void Supervisor::expire(Clock::time_point now) {
    expire_queue(now);
    settle_releases(now);
    if (turning_) {
        return;
    }
    // Nobody drives it, for want of a connection: after its deadline that counts as an answer.
    if (running_ &&
        now >= std::max(running_->action.until, running_->execution.command().deadline)) {
        resume_command(just(Event::Kind::timer));
        while (running_ && is_exchange(running_->action)) {
            resume_command(reply(Outcome::not_sent));
        }
    }
}

Clock::time_point Supervisor::next_expiry() const {
    Clock::time_point next = queue_.next_deadline().value_or(kNever);
    if (running_ && !turning_) {
        next = std::min(next,
                        std::max(running_->action.until, running_->execution.command().deadline));
    }
    for (const Pulse& pulse : pulses_) {
        if (pulse.ticket.open() && !pulse.edge_running) {
            next = std::min(next, pulse.report_at);
        }
    }
    return next;
}

void Supervisor::expire_queue(Clock::time_point now) {
    const std::vector<Command> expired = queue_.take_expired(now);
    for (const Command& command : expired) {
        end(command, State::expired, Reason::deadline, now);
    }
}

void Supervisor::controller_offline(Clock::time_point now) {
    const std::vector<Command> queued = queue_.take_all();
    for (const Command& command : queued) {
        end(command, State::rejected, Reason::controller_offline, now);
    }
}

void Supervisor::shutdown(Clock::time_point now) {
    stop(now);
    say_news();
}

void Supervisor::stop(Clock::time_point now) {
    stopping_ = true;
    const std::vector<Command> queued = queue_.take_all();
    for (const Command& command : queued) {
        end(command, State::aborted, Reason::shutting_down, now);
    }
    if (running_ && !turning_) {
        cancel_command();
    }
    for (Pulse& pulse : pulses_) {
        pulse.release.release_now(now);
    }
}

asio::awaitable<void> Supervisor::drain(hi6::ControllerClient& client, Clock::time_point until) {
    while (!pulses_.empty() && time_.now() < until) {
        const Clock::time_point wake = std::min(next_wake(), until);
        if (time_.now() < wake) {
            co_await alarm_->wait_until(wake);
        } else {
            co_await turn(client, until);
        }
        expire(time_.now());
    }
    cut_off(time_.now());
}

void Supervisor::cut_off(Clock::time_point now) {
    stop(now);
    if (running_) {
        cancel_command();
    }
    for (Pulse& pulse : pulses_) {
        std::ignore = pulse.release.resume(just(Event::Kind::cancel), now);
    }
    settle_releases(now);
}

void Supervisor::end(const Command& command, State state, Reason reason, Clock::time_point now) {
    parts_.finished(command, make_result(command, state, reason, now));
}

}  // namespace hi6gw::command
