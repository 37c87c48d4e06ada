#pragma once
// The second edge of a pulse: writes the released value until it holds. Like Execution a state
// machine without I/O; resume it when due() has come and with what came of its actions. Driven
// before anything else on its lane, not subject to the command's ttl, also on shutdown
// (release_now()) and, with no result to report, after a crash.
//
// Promises:
//  - After a failed or unanswered post nothing is posted before the address has been read and is
//    not released yet; unless it cannot be read: where kRefusals reads were refused, by the
//    controller or because its block read is not proven, it is posted unread. An output that stays
//    active for good is worse than a release that was not needed.
//  - It goes on, for hours if need be, while the controller does not answer or answers 5xx. It
//    gives up after kRefusals posts answered 4xx, or when the controller accepted kOverwrites posts
//    and the address was active again each time (no fight with the robot's program).
//  - A command's result held here comes out exactly once: when the release is settled, at the
//    latest with the first resume() after kReport past the due time, or when it is cancelled.

#include "command/execution.h"

namespace hi6gw::command {

class Release {
  public:
    static constexpr unsigned kRefusals = 3;
    static constexpr unsigned kOverwrites = 3;
    static constexpr milliseconds kReport{5000};
    static constexpr milliseconds kSlowest{2000};  // between two attempts

    enum class End : std::uint8_t {
        open,      // still to do
        released,  // read back, or accepted where `verify: false` or where it cannot be read
        gave_up,   // see above
        cut_off,   // cancelled: the journal keeps it
    };

    // `raw`: the released value.
    Release(hi6::Address address, std::uint32_t raw, bool verify, const ReleaseOrder& order,
            Limits limits)
        : address_(address),
          raw_(raw),
          verify_(verify),
          read_first_(order.read_first),
          limits_(limits),
          due_(order.due),
          report_at_(order.due + kReport) {}

    [[nodiscard]] Action resume(const Event& event, Clock::time_point now);
    // When it wants to be resumed with Event::timer; meaningless while a reply is due.
    [[nodiscard]] Clock::time_point due() const { return due_; }
    void release_now(Clock::time_point now);

    // The result of the pulse's command, to be reported with the release. May come late.
    void hold(CommandResult edge, Clock::time_point now);
    [[nodiscard]] std::optional<CommandResult> take_result(Clock::time_point now);
    [[nodiscard]] End end() const { return end_; }
    [[nodiscard]] const hi6::Address& address() const { return address_; }
    [[nodiscard]] unsigned posts() const { return posts_; }

  private:
    enum class Phase : std::uint8_t { waiting, checking, posting, verifying, verifying_wait };

    Action replied(const Event& event, Clock::time_point now);
    Action check(Clock::time_point now);
    Action post(Clock::time_point now);
    Action verification(const Event& reply, Clock::time_point now);
    Action again_later(Clock::time_point now);
    Action finish(End end);

    hi6::Address address_;
    std::uint32_t raw_;
    bool verify_;
    bool read_first_;
    Limits limits_;
    Clock::time_point due_;
    Clock::time_point report_at_;
    Clock::time_point window_;
    Phase phase_ = Phase::waiting;
    End end_ = End::open;
    unsigned posts_ = 0;
    unsigned failures_ = 0;
    unsigned refusals_ = 0;    // of posts
    unsigned unreadable_ = 0;  // refusals of reads
    unsigned overwrites_ = 0;
    bool active_ = false;  // read back as not released since the last post
    std::optional<CommandResult> held_;
    Clock::time_point held_since_;
};

}  // namespace hi6gw::command
