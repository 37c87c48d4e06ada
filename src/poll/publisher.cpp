#include "poll/publisher.h"

namespace hi6gw::poll {

StateSource::StateSource(SignalTable& table, mqtt::TopicTemplate::Ends ends,
                         config::PayloadFormat format, Published published)
    : table_(table), ends_(std::move(ends)), format_(format), published_(std::move(published)) {}

bool StateSource::next(mqtt::Publication& out) {
    std::uint32_t signal = 0;
    while (table_.next(signal)) {
        const SignalTable::State state = table_.state(signal);
        out.payload.clear();
        if (format_ == config::PayloadFormat::raw) {
            // A bare value cannot say that it is not good, so only good ones are sent (an empty
            // payload would delete the retained one).
            if (state.quality != domain::Quality::good) {
                continue;
            }
            mqtt::append_value(out.payload, state.value);
        } else {
            mqtt::append_state(out.payload, state.value, state.timestamp_ms, state.quality,
                               state.text);
        }
        const config::Signal& spec = table_.signal(signal);
        out.topic.assign(ends_.before).append(spec.name).append(ends_.after);
        out.qos = spec.options->qos;
        out.retain = spec.options->retain;
        out.correlation.clear();
        out.awaited = false;  // settled() measures, no more
        out.ticket.id = signal;
        out.ticket.stamp =
            state.quality == domain::Quality::good ? state.read_at : Steady::time_point{};
        return true;
    }
    return false;
}

void StateSource::settled(const mqtt::Ticket& ticket, bool arrived, const std::string& why) {
    if (!arrived && !why.empty()) {
        refused_.insert(static_cast<std::uint32_t>(ticket.id));
    }
    if (arrived && ticket.stamp != Steady::time_point{}) {
        published_(ticket.acknowledged - ticket.stamp);
    }
}

void StateSource::say_refused_again() {
    for (const std::uint32_t signal : std::exchange(refused_, {})) {
        table_.publish_again(signal);
    }
}

bool RetainedSource::next(mqtt::Publication& out) {
    if (!pending_) {
        return false;
    }
    pending_ = false;
    out.topic = topic_;
    out.payload = payload_;
    out.qos = 1;
    out.retain = true;
    out.correlation.clear();
    out.ticket = {};
    return true;
}

void RetainedSource::settled(const mqtt::Ticket& /*ticket*/, bool arrived, const std::string& why) {
    refused_ = !arrived && !why.empty();
}

}  // namespace hi6gw::poll
