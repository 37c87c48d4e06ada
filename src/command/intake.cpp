#include "command/intake.h"

#include "command/encode.h"

#include <algorithm>
#include <utility>

namespace hi6gw::command {

struct Intake::Draft {
    const Incoming* message = nullptr;
    Match match;
    ReplyTo reply;
    Request request;
    const config::Controller* controller = nullptr;  // with match.target
    const config::Signal* signal = nullptr;
    Encoded encoded;
    std::optional<std::uint32_t> expected;
    std::optional<Check> feedback;
    std::shared_ptr<const domain::SignalOptions> feedback_options;

    [[nodiscard]] std::string name() const { return controller->name + '/' + signal->name; }
};

namespace {

// Ids of different senders are different ids. The client level holds no control character.
std::string id_key(const ReplyTo& reply) {
    return reply.client + '\0' + reply.id;
}

}  // namespace

Intake::Intake(std::shared_ptr<const config::Config> config, const IntakeRules& rules,
               Clock::time_point now)
    : rules_(rules), ids_(rules.ids), refusals_(rules.refusals, now) {
    configure(std::move(config), now);
}

void Intake::configure(std::shared_ptr<const config::Config> config, Clock::time_point now) {
    router_ = std::make_unique<Router>(*config);
    config_ = std::move(config);
    const auto& controllers = config_->controllers;
    controllers_.assign(controllers.size(), TokenBucket(rules_.controller, now));
    signals_.clear();
    for (const auto& controller : controllers) {
        signals_.emplace_back(controller.signals.size(), TokenBucket(rules_.signal, now));
    }
}

Intake::Verdict Intake::receive(const Incoming& message,
                                const std::function<bool(std::size_t)>& online,
                                Clock::time_point now) {
    Draft draft;
    draft.message = &message;
    draft.match = router_->match(message.topic);
    if (draft.match.result_topic.empty()) {
        return Dropped{Dropped::Why::foreign_topic};
    }
    if (message.retained && message.payload.empty()) {
        return Dropped{Dropped::Why::retained_clear};
    }
    draft.reply.topic = draft.match.result_topic;
    draft.reply.client = draft.match.client;
    if (message.response_topic.starts_with(router_->reply_prefix()) &&
        message.response_topic.size() > router_->reply_prefix().size() &&
        message.correlation.size() <= kLongestCorrelation &&
        !mqtt::topic_fault(message.response_topic)) {
        draft.reply.response_topic = message.response_topic;
        draft.reply.correlation = message.correlation;
    } else {
        draft.reply.response_refused = !message.response_topic.empty();
    }

    if (const auto why = check_form(draft)) {
        return limited(refusal(draft, *why, now), now);
    }
    if (auto verdict = check_id(draft, now)) {
        return *std::move(verdict);
    }
    std::optional<Refusal> why = check_value(draft);
    if (!why && config_->commands.mode == config::CommandMode::disabled) {
        why = {Reason::disabled, "commands.mode is disabled"};
    }
    if (!why) {
        why = check_rate(*draft.match.target, now);
    }
    if (!why && !online(draft.match.target->controller)) {
        why = {Reason::controller_offline, "the controller does not answer"};
    }
    Command checked = command(draft);
    if (!why && now >= checked.deadline) {
        why = {Reason::deadline, "too old on arrival"};
    }
    if (!why) {
        return checked;
    }
    Answer answer = refusal(draft, *why, now);
    static_cast<void>(ended(answer.to, answer.result));  // remembers it; nobody can wait for it yet
    return limited(std::move(answer), now);
}

std::optional<Intake::Refusal> Intake::check_form(Draft& draft) const {
    const Incoming& message = *draft.message;
    if (message.payload.size() > kLongestPayload || !mqtt::is_utf8(message.payload)) {
        return Refusal{Reason::bad_payload, "not UTF-8 of at most 4096 bytes"};
    }
    if (message.retained) {
        return Refusal{Reason::retained,
                       "retained; clear it with an empty retained message to this topic"};
    }
    if (!draft.match.target) {
        return Refusal{Reason::unknown_signal, "no such signal"};
    }
    draft.controller = &config_->controllers[draft.match.target->controller];
    draft.signal = &draft.controller->signals[draft.match.target->signal];
    auto parsed = parse_request(message.payload, &draft.reply.id);
    if (!parsed) {
        return Refusal{Reason::bad_payload, parsed.error().what};
    }
    draft.request = std::move(*parsed);
    // What the words mean is syntax too; whether the value fits comes later.
    const hi6::Width width = draft.signal->address.width;
    const auto meaningless = [&](const Scalar& scalar) {
        const auto encoded = encode(scalar, width, *draft.signal->options, false);
        const auto* reason = std::get_if<Reason>(&encoded);
        return reason != nullptr && *reason == Reason::bad_payload;
    };
    if (meaningless(draft.request.value) ||
        (draft.request.expect && meaningless(*draft.request.expect))) {
        return Refusal{Reason::bad_payload, "the value is of a kind this signal does not take"};
    }
    if (draft.request.pulse && width != hi6::Width::bit) {
        return Refusal{Reason::bad_payload, "pulse: bits only"};
    }
    return std::nullopt;
}

std::optional<Intake::Verdict> Intake::check_id(Draft& draft, Clock::time_point now) {
    if (draft.reply.id.empty()) {
        return std::nullopt;
    }
    const std::string key = id_key(draft.reply);
    IdMemory::Content content{draft.name(), draft.request};
    switch (ids_.look(key, content, now)) {
        case IdMemory::Seen::fresh:
            ids_.begin(key, std::move(content), now);
            return std::nullopt;
        case IdMemory::Seen::running:
            if (ids_.wait(key, draft.reply)) {
                return Dropped{Dropped::Why::waits};
            }
            return limited(
                refusal(draft, {Reason::rate_limited, "too many duplicates wait already"}, now),
                now);
        case IdMemory::Seen::ended: {
            Answer answer{draft.reply, ids_.ended(key), "duplicate", draft.match.target};
            answer.result.duplicate = true;
            return limited(std::move(answer), now);
        }
        case IdMemory::Seen::reused:
            break;
    }
    return limited(refusal(draft, {Reason::id_reuse, "this id was used for another command"}, now),
                   now);
}

std::optional<Intake::Refusal> Intake::check_value(Draft& draft) const {
    const config::Signal& signal = *draft.signal;
    if (!signal.options->writable || !hi6::is_writable(signal.address.area)) {
        return Refusal{Reason::read_only, "access is r"};
    }
    const auto value = encode(draft.request.value, signal.address.width, *signal.options, true);
    if (const auto* reason = std::get_if<Reason>(&value)) {
        return Refusal{*reason, "the signal cannot take this value"};
    }
    draft.encoded = std::get<Encoded>(value);
    if (draft.request.expect) {
        const auto expect =
            encode(*draft.request.expect, signal.address.width, *signal.options, false);
        if (const auto* reason = std::get_if<Reason>(&expect)) {
            return Refusal{*reason, "the signal cannot have the expected value"};
        }
        draft.expected = std::get<Encoded>(expect).raw;
    }
    if (signal.options->feedback.empty()) {
        return std::nullopt;
    }
    const auto& signals = draft.controller->signals;
    const auto feedback = std::find_if(signals.begin(), signals.end(), [&](const auto& other) {
        return other.name == signal.options->feedback;
    });
    const auto raw =
        feedback == signals.end()
            ? std::nullopt
            : encode_value(draft.encoded.value, feedback->address.width, *feedback->options);
    if (!raw) {
        return Refusal{Reason::out_of_range, "the feedback signal cannot show this value"};
    }
    draft.feedback = Check{feedback->address, *raw};
    draft.feedback_options = feedback->options;
    return std::nullopt;
}

std::optional<Intake::Refusal> Intake::check_rate(const Target& target, Clock::time_point now) {
    TokenBucket& controller = controllers_[target.controller];
    TokenBucket& signal = signals_[target.controller][target.signal];
    if (!signal.has_one(now)) {
        return Refusal{Reason::rate_limited, "too many commands to this signal"};
    }
    if (!controller.has_one(now)) {
        return Refusal{Reason::rate_limited, "too many commands to this controller"};
    }
    signal.take_one();
    controller.take_one();
    return std::nullopt;
}

Command Intake::command(const Draft& draft) const {
    const Incoming& message = *draft.message;
    Command out;
    out.controller = draft.match.target->controller;
    out.signal = draft.match.target->signal;
    out.name = draft.name();
    out.address = draft.signal->address;
    out.range = hi6::bit_range(out.address, draft.controller->index_unit);
    out.raw = draft.encoded.raw;
    out.value = draft.encoded.value;
    out.options = draft.signal->options;
    out.expected = draft.expected;
    out.pulse = draft.request.pulse;
    out.feedback = draft.feedback;
    out.feedback_options = draft.feedback_options;
    out.dry_run = config_->commands.mode == config::CommandMode::dry_run;
    out.received = message.received;
    out.received_ms = message.received_ms;
    const milliseconds ttl = draft.request.ttl.value_or(config_->commands.ttl);
    // The expiry is what was left when it came.
    out.deadline =
        message.received + (message.expiry ? std::min<milliseconds>(ttl, *message.expiry) : ttl);
    out.reply = draft.reply;
    return out;
}

Answer Intake::refusal(const Draft& draft, const Refusal& why, Clock::time_point now) const {
    Answer answer{draft.reply, {}, why.detail, draft.match.target};
    CommandResult& result = answer.result;
    result.state = why.reason == Reason::deadline ? State::expired : State::rejected;
    result.reason = why.reason;
    result.id = draft.reply.id;
    result.client = draft.reply.client;
    result.value = draft.encoded.value;
    result.received_ms = draft.message->received_ms;
    result.done_ms =
        result.received_ms +
        std::chrono::duration_cast<milliseconds>(now - draft.message->received).count();
    return answer;
}

Intake::Verdict Intake::limited(Answer answer, Clock::time_point now) {
    if (!refusals_.has_one(now)) {
        return Dropped{Dropped::Why::flood};
    }
    refusals_.take_one();
    return answer;
}

std::vector<Answer> Intake::ended(const ReplyTo& reply, CommandResult result) {
    std::vector<ReplyTo> waiting;
    if (!reply.id.empty()) {
        // What was turned away for load may be sent again with the same id.
        const bool load =
            result.reason == Reason::rate_limited || result.reason == Reason::queue_full;
        waiting = load ? ids_.forget(id_key(reply)) : ids_.end(id_key(reply), result);
    }
    std::vector<Answer> answers;
    answers.push_back({reply, result, {}, std::nullopt});
    result.duplicate = true;
    for (auto& other : waiting) {
        answers.push_back({std::move(other), result, "duplicate", std::nullopt});
    }
    return answers;
}

}  // namespace hi6gw::command
