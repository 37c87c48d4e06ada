#pragma once
// From a message to a checked command or to the result that refuses it. Pure: time and the state of
// the controllers come in as arguments. The checks, in the contract's order: size and UTF-8,
// retained, topic, syntax, duplicate id, access and range, mode, rate, controller online, deadline.

#include "command/command.h"
#include "command/id_memory.h"
#include "command/router.h"
#include "command/token_bucket.h"

#include <functional>
#include <memory>
#include <variant>

namespace hi6gw::command {

// A message as it came from the broker (mqtt::Inbound without Asio).
struct Incoming {
    std::string_view topic;
    std::string_view payload;
    bool retained = false;
    std::string_view response_topic;
    std::string_view correlation;
    std::optional<std::chrono::seconds> expiry;  // what is left of the MQTT 5 message expiry
    Clock::time_point received;
    std::int64_t received_ms = 0;  // the same, since the epoch
};

struct Answer {
    ReplyTo to;
    CommandResult result;
    std::string detail;            // words for the audit line
    std::optional<Target> target;  // of the signal, where the topic names one
};

// Nothing is to be done; for counting.
struct Dropped {
    enum class Why : std::uint8_t {
        foreign_topic,   // not a set topic of ours: there is nowhere to answer
        retained_clear,  // an empty retained message deletes a retained one; it is no command
        waits,           // a duplicate of a running command, answered when that ends
        flood,           // a refusal beyond the rate of refusals
    };
    Why why = Why::foreign_topic;
};

struct IntakeRules {
    // What a controller can carry out is bounded by its lane and its queue; these stop a loop gone
    // wild (a flow that answers its own state with a command) before it wears out a valve.
    Rate controller{100.0, 256.0};  // commands to one controller
    Rate signal{25.0, 100.0};       // commands to one signal
    Rate refusals{500.0, 2000.0};   // refusals and repeated results of this gateway
    std::size_t ids = 10'000;
};

class Intake {
  public:
    using Verdict = std::variant<Command, Answer, Dropped>;
    static constexpr std::size_t kLongestCorrelation = 1024;  // bytes; longer: not echoed

    Intake(std::shared_ptr<const config::Config> config, const IntakeRules& rules,
           Clock::time_point now);
    // After a reload: ids stay known, rates start afresh. Commands under way are the caller's to
    // end: their indices are of the old configuration.
    void configure(std::shared_ptr<const config::Config> config, Clock::time_point now);

    // Every Command returned must come back to ended() once.
    [[nodiscard]] Verdict receive(const Incoming& message,
                                  const std::function<bool(std::size_t controller)>& online,
                                  Clock::time_point now);
    // What to publish when a command has ended: its result, and the same for each duplicate that
    // came meanwhile.
    [[nodiscard]] std::vector<Answer> ended(const ReplyTo& reply, CommandResult result);

    [[nodiscard]] const Router& router() const { return *router_; }

  private:
    struct Refusal {
        Reason reason;
        std::string detail;
    };
    struct Draft;  // what is known of a message so far

    // Each group of checks; nullopt: passed.
    [[nodiscard]] std::optional<Refusal> check_form(Draft& draft) const;
    [[nodiscard]] std::optional<Verdict> check_id(Draft& draft, Clock::time_point now);
    [[nodiscard]] std::optional<Refusal> check_value(Draft& draft) const;
    [[nodiscard]] std::optional<Refusal> check_rate(const Target& target, Clock::time_point now);
    [[nodiscard]] Answer refusal(const Draft& draft, const Refusal& why,
                                 Clock::time_point now) const;
    [[nodiscard]] Verdict limited(Answer answer, Clock::time_point now);
    [[nodiscard]] Command command(const Draft& draft) const;

    IntakeRules rules_;
    std::shared_ptr<const config::Config> config_;
    std::unique_ptr<Router> router_;
    IdMemory ids_;
    std::vector<TokenBucket> controllers_;
    std::vector<std::vector<TokenBucket>> signals_;
    TokenBucket refusals_;
};

}  // namespace hi6gw::command
