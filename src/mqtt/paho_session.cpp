#include "mqtt/paho_session.h"

#include "base/backoff.h"
#include "mqtt/awake.h"
#include "mqtt/paho_link.h"
#include "mqtt/reason.h"
#include "mqtt/takeover.h"
#include "mqtt/window.h"

#include <algorithm>
#include <utility>

namespace hi6gw::mqtt {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr BackoffRules kAfterFailure{.first = seconds(1), .cap = seconds(30), .jitter = 0.2};
constexpr BackoffRules kAfterRefusal{.first = seconds(30), .cap = seconds(30), .jitter = 0.2};
constexpr seconds kProven{10};              // a connection that lasted this long resets the backoff
constexpr seconds kLook{1};                 // at least so often the link's news are collected
constexpr int kTurn = 64;                   // messages published before others have the loop
constexpr int kInboundTurn = 16;            // and messages looked at
constexpr std::size_t kPublishHeader = 32;  // bytes besides topic, payload and correlation, at most
constexpr int kPacketTooLarge = 0x95;
constexpr int kSessionTakenOver = 0x8E;
constexpr int kRetainNotSupported = 0x9A;
constexpr int kQosNotSupported = 0x9B;

class PahoSession final : public BrokerSession {
  public:
    PahoSession(asio::any_io_executor executor, Time& time, PahoOptions options);
    PahoSession(const PahoSession&) = delete;
    PahoSession& operator=(const PahoSession&) = delete;
    ~PahoSession() override {
        gone_->close();
        more_->close();
    }

    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    void set_subscriptions(std::vector<std::string> filters, bool prompt) override;
    void add(Source& source, Priority priority) override;
    void remove(Source& source) override;
    void wake() override;
    void look() override;
    [[nodiscard]] bool connected() const override { return connected_; }
    [[nodiscard]] std::size_t in_flight() const override { return in_flight_.count(); }
    [[nodiscard]] Counters counters() const override {
        Counters all = counters_;
        all.inbound_dropped = inbound_.dropped();
        return all;
    }
    void renew(const std::string& why) override;
    [[nodiscard]] Steady::time_point due() const override { return due_; }
    void configure(PahoOptions options, const std::string& why) override;
    asio::awaitable<void> run() override;
    asio::awaitable<void> stop(Steady::time_point deadline) override;

  private:
    // The life of a connection, as run() goes through it.
    asio::awaitable<void> previous_link_gone(Steady::time_point deadline);
    asio::awaitable<bool> connect();
    asio::awaitable<bool> handshake(Steady::time_point deadline);
    asio::awaitable<bool> make_subscriptions(Steady::time_point deadline);
    asio::awaitable<void> stay();
    void hang_up();
    [[nodiscard]] Steady::time_point keep_awake();
    [[nodiscard]] bool taken_over();
    asio::awaitable<void> pause();
    void failed(const std::string& why, bool refused);
    void accepted(const ConnectResult& result);
    [[nodiscard]] bool lower_the_will(int reason);
    void take_options();
    asio::awaitable<void> wait_until(Steady::time_point when);
    void announce();
    [[nodiscard]] bool leaving() const { return stopping_ || renew_; }
    [[nodiscard]] bool finished() const;
    [[nodiscard]] bool silent() const;
    void end();

    // Paho's news.
    void take(LinkNews& news);
    void take(const SubscribeResult& result);
    void take(const Acknowledgement& ack);
    void serve_inbound();

    // Publishing.
    void pump();
    void publish(Source& source);
    void refused(const std::string& topic, const std::string& why);
    void lose(std::string why, int reason = 0);

    asio::any_io_executor executor_;
    Time& time_;
    PahoOptions options_;
    std::optional<PahoOptions> next_options_;
    std::optional<PahoWill> will_;  // as it is wanted; options_.will: as brokers take it
    Handlers handlers_;
    Counters counters_;
    std::vector<std::string> filters_;
    bool prompt_ = false;
    SourceRing sources_;
    Publication out_;  // its strings keep their capacity
    InFlight in_flight_;
    std::vector<std::string> topics_;  // by slot; they keep their capacity

    VersionChoice version_choice_;
    Backoff after_failure_;
    Backoff after_refusal_;
    TakeoverWatch takeovers_;
    Awake awake_;
    milliseconds delay_{0};              // before the next attempt
    Steady::time_point due_;             // the end of run()'s latest wait
    std::optional<std::string> renew_;   // why the next connection is due now
    Steady::time_point farewell_;        // until then what there is to say goes first
    std::unique_ptr<Alarm> alarm_;       // run() waits
    std::unique_ptr<Alarm> stop_alarm_;  // stop() waits

    // Of the present connection.
    int version_ = 0;
    std::optional<ConnectResult> answer_;
    ConnectResult limits_;
    std::optional<LinkNews::Lost> lost_;
    bool accepted_ = false;
    std::size_t subscriptions_asked_ = 0;  // and not answered
    std::uint32_t window_ = 0;
    bool connected_ = false;
    Steady::time_point progress_;  // the last acknowledgement, or when messages went in flight

    bool running_ = false;
    bool stopping_ = false;
    bool drained_ = false;
    Steady::time_point stop_deadline_;

    struct Nothing {
        void clear() {}
    };
    InboundQueue inbound_;
    std::shared_ptr<Mailbox<Nothing>> more_;  // inbound_ has more than one turn's worth,
    bool more_comes_ = false;                 // and the next turn is on its way
    std::shared_ptr<Mailbox<Nothing>> gone_;  // the previous link is down
    bool link_gone_ = true;
    bool said_hello_ = false;  // the latest link had been accepted
    Worker worker_;
    std::unique_ptr<Link> link_;  // its end gives work to the worker, so it comes first
};

PahoSession::PahoSession(asio::any_io_executor executor, Time& time, PahoOptions options)
    : executor_(std::move(executor)),
      time_(time),
      options_(std::move(options)),
      will_(options_.will),
      in_flight_(std::clamp<std::uint32_t>(options_.window, 1, 10000)),
      topics_(in_flight_.capacity()),
      version_choice_(options_.version),
      after_failure_(kAfterFailure,
                     static_cast<std::uint32_t>(time.wall().time_since_epoch().count())),
      after_refusal_(kAfterRefusal,
                     static_cast<std::uint32_t>(time.wall().time_since_epoch().count())),
      alarm_(time.alarm()),
      stop_alarm_(time.alarm()),
      more_(std::make_shared<Mailbox<Nothing>>(executor_,
                                               [this](Nothing& /*says it all*/) {
                                                   serve_inbound();
                                                   pump();
                                               })),
      gone_(std::make_shared<Mailbox<Nothing>>(executor_, [this](Nothing& /*says it all*/) {
          link_gone_ = true;
          alarm_->wake();
      })) {}

void PahoSession::add(Source& source, Priority priority) {
    sources_.add(source, priority);
    wake();
}

void PahoSession::remove(Source& source) {
    sources_.remove(source);
    in_flight_.forget(source);
}

void PahoSession::look() {
    if (connected_) {
        link_->collect();
    }
}

void PahoSession::wake() {
    if (connected_ && leaving()) {
        link_->hurry();
    } else if (connected_) {
        link_->nudge();
    }
}

void PahoSession::renew(const std::string& why) {
    renew_ = why;
    alarm_->wake();
}

void PahoSession::configure(PahoOptions options, const std::string& why) {
    next_options_ = std::move(options);
    farewell_ = time_.now() + kFarewell;
    drained_ = false;  // until pump() has asked once more
    renew(why);
    wake();
}

// With the link down, so nothing is in flight.
void PahoSession::take_options() {
    options_ = *std::exchange(next_options_, std::nullopt);
    will_ = options_.will;
    in_flight_ = InFlight(std::clamp<std::uint32_t>(options_.window, 1, 10000));
    topics_.assign(in_flight_.capacity(), {});
    version_choice_ = VersionChoice(options_.version);
    awake_ = {};
    after_failure_.succeeded();
    after_refusal_.succeeded();
}

void PahoSession::set_subscriptions(std::vector<std::string> filters, bool prompt) {
    prompt_ = prompt;
    alarm_->wake();
    std::swap(filters_, filters);
    const std::vector<std::string>& before = filters;
    const auto within = [](const std::vector<std::string>& list, const std::string& filter) {
        return std::find(list.begin(), list.end(), filter) != list.end();
    };
    if (!accepted_) {
        return;
    }
    for (const std::string& filter : filters_) {
        if (!within(before, filter) && link_->subscribe(filter)) {
            ++subscriptions_asked_;
        }
    }
    for (const std::string& filter : before) {
        if (!within(filters_, filter)) {
            (void)link_->unsubscribe(filter);
        }
    }
}

// ---- the life of a connection

asio::awaitable<void> PahoSession::run() {
    struct End {  // also when run() is cancelled
        PahoSession& session;
        ~End() { session.end(); }
    };
    const End end{*this};
    running_ = true;
    while (!stopping_) {
        const bool connected = co_await connect();
        if (connected) {
            co_await stay();
        }
        hang_up();
        co_await pause();
    }
    // So that DISCONNECT gets out; where nothing was connected, there is none.
    if (said_hello_) {
        co_await previous_link_gone(stop_deadline_);
    }
}

void PahoSession::end() {
    hang_up();
    running_ = false;
    stop_alarm_->wake();
}

asio::awaitable<void> PahoSession::wait_until(Steady::time_point when) {
    due_ = when;
    return alarm_->wait_until(when);
}

asio::awaitable<void> PahoSession::stop(Steady::time_point deadline) {
    stop_deadline_ = deadline;
    drained_ = false;  // until pump() has asked once more
    stopping_ = true;
    alarm_->wake();
    wake();
    while (running_ && time_.now() < deadline) {
        co_await stop_alarm_->wait_until(deadline);
    }
}

asio::awaitable<void> PahoSession::previous_link_gone(Steady::time_point deadline) {
    while (!link_gone_ && time_.now() < deadline) {
        co_await wait_until(deadline);
    }
}

// True: connected and subscribed. Else what there is to report has been reported.
asio::awaitable<bool> PahoSession::connect() {
    const Steady::time_point deadline = time_.now() + options_.connect_limit;
    co_await previous_link_gone(deadline);
    if (stopping_) {
        co_return false;
    }
    if (!link_gone_) {
        failed("still busy with the previous connection (name look-up?)", false);
        co_return false;
    }
    renew_.reset();  // what has changed until now is seen by this attempt
    if (next_options_) {
        take_options();
    }
    const bool accepted = co_await handshake(deadline);
    if (!accepted) {
        co_return false;
    }
    const bool subscribed = co_await make_subscriptions(deadline);
    co_return subscribed;
}

asio::awaitable<bool> PahoSession::handshake(Steady::time_point deadline) {
    answer_.reset();
    lost_.reset();
    version_ = version_choice_.next(time_.now());
    link_ = std::make_unique<Link>(options_, version_, worker_, executor_,
                                   [this](LinkNews& news) { take(news); });
    while (!answer_ && !lost_ && !stopping_ && time_.now() < deadline) {
        co_await wait_until(deadline);
    }
    if (stopping_) {
        co_return false;
    }
    if (!answer_) {
        takeovers_.explained();
        failed(lost_ ? lost_->why : "no answer", false);
        co_return false;
    }
    const auto then = version_choice_.answered(answer_->answer, time_.now());
    if (then == VersionChoice::Then::at_once) {
        delay_ = milliseconds(0);
        co_return false;
    }
    if (lower_the_will(answer_->reason)) {
        delay_ = milliseconds(0);
        co_return false;
    }
    if (answer_->answer != ConnectAnswer::accepted) {
        takeovers_.explained();
        failed(answer_->why, answer_->refused);
        co_return false;
    }
    accepted(*answer_);
    co_return true;
}

// A broker without retained messages, or without QoS 1, accepts no will with them either, and says
// so before it says anything else (fault B14). True: the next connect may be made at once.
bool PahoSession::lower_the_will(int reason) {
    if (reason == kRetainNotSupported && options_.will && options_.will->retain) {
        options_.will->retain = false;
        return true;
    }
    if (reason == kQosNotSupported && options_.will && options_.will->qos > 0) {
        options_.will->qos = 0;
        return true;
    }
    return false;
}

void PahoSession::accepted(const ConnectResult& result) {
    if (options_.will && result.retain_available) {
        options_.will->retain = will_->retain;
    }
    if (options_.will && result.maximum_qos > 0) {
        options_.will->qos = will_->qos;
    }
    accepted_ = true;
    link_->tune();
    limits_ = result;
    // Strictly below the Receive Maximum: at it, Paho would hold a SUBSCRIBE back for a second.
    const std::uint32_t below = std::max<std::uint32_t>(result.receive_maximum, 2) - 1;
    window_ = std::min(in_flight_.capacity(), below);
    // 0 asks for none (MQTT 5, 3.2.2.3.14); our own look at a silent broker needs one all the same.
    if (result.keep_alive && *result.keep_alive > seconds(0) &&
        *result.keep_alive < options_.keep_alive) {
        options_.keep_alive = *result.keep_alive;  // Paho ignores it; from the next connect on
    }
}

asio::awaitable<bool> PahoSession::make_subscriptions(Steady::time_point deadline) {
    subscriptions_asked_ = 0;
    for (const std::string& filter : filters_) {
        if (!link_->subscribe(filter)) {
            lose("connection lost");
            break;
        }
        ++subscriptions_asked_;
    }
    while (subscriptions_asked_ > 0 && !lost_ && !stopping_ && time_.now() < deadline) {
        co_await wait_until(deadline);
    }
    if (subscriptions_asked_ == 0 && !lost_) {
        co_return true;
    }
    if (!stopping_ && lost_) {
        const bool duplicate = taken_over();
        failed(lost_->why, duplicate);
    } else if (!stopping_) {
        failed("no answer to SUBSCRIBE", false);
    }
    co_return false;
}

asio::awaitable<void> PahoSession::stay() {
    const Steady::time_point since = time_.now();
    progress_ = since;
    awake_.connected(since);
    connected_ = true;
    if (leaving()) {
        link_->hurry();
    }
    announce();
    pump();
    while (true) {
        link_->collect();
        if (lost_ || finished()) {
            break;
        }
        if (silent()) {
            takeovers_.explained();
            lose("no acknowledgement for " + std::to_string(options_.keep_alive.count()) + " s");
            break;
        }
        if (renew_ && !stopping_ && (drained_ || time_.now() >= farewell_)) {
            break;
        }
        const Steady::time_point awake = keep_awake();
        const Steady::time_point look = renew_ && !stopping_ ? farewell_ : time_.now() + kLook;
        const Steady::time_point check = std::min(look, awake);
        co_await wait_until(stopping_ ? std::min(check, stop_deadline_) : check);
    }
    if (time_.now() - since >= kProven) {
        after_failure_.succeeded();
    }
}

// Returns when to look again.
Steady::time_point PahoSession::keep_awake() {
    if (!prompt_) {
        return Steady::time_point::max();
    }
    const Steady::time_point now = time_.now();
    if (now >= awake_.due()) {
        awake_.asked(now);
        link_->echo();
    }
    return awake_.due();
}

void PahoSession::announce() {
    Connected what;
    what.version = version_;
    what.window = window_;
    what.retain_available = limits_.retain_available;
    what.certificate_expiry = limits_.certificate_expiry;
    if (handlers_.connected) {
        handlers_.connected(what);
    }
}

bool PahoSession::finished() const {
    return stopping_ && (drained_ || time_.now() >= stop_deadline_);
}

// Paho's keep-alive takes twice its interval to notice a broker that hangs.
bool PahoSession::silent() const {
    return in_flight_.count() > 0 && time_.now() - progress_ >= options_.keep_alive;
}

void PahoSession::hang_up() {
    if (!link_) {
        return;
    }
    const bool was_connected = std::exchange(connected_, false);
    awake_.lost();
    said_hello_ = std::exchange(accepted_, false);
    link_gone_ = false;
    link_->close([gone = gone_] { gone->put([](Nothing& /*says it all*/) {}); });
    link_.reset();
    in_flight_.settle_all_as_lost();
    if (was_connected && renew_) {
        delay_ = milliseconds(0);
        if (handlers_.lost) {
            handlers_.lost(*renew_);
        }
    } else if (was_connected && lost_) {
        delay_ = taken_over() ? after_refusal_.failed() : after_failure_.failed();
        if (handlers_.lost) {
            handlers_.lost(lost_->why);
        }
    }
}

// Looks at how the connection was lost: to come back soon would only throw the other client out.
bool PahoSession::taken_over() {
    const std::string who = "duplicate_client_id: another client uses the client id \"" +
                            options_.client_id + "\"; each needs one of its own";
    if (lost_->reason == kSessionTakenOver) {
        lost_->why = who;
        return true;
    }
    if (lost_->reason != 0 || !takeovers_.closed(time_.now())) {
        return false;
    }
    lost_->why = "closed again and again, but never refused: perhaps " + who;
    return true;
}

void PahoSession::failed(const std::string& why, bool refused) {
    delay_ = refused ? after_refusal_.failed() : after_failure_.failed();
    if (handlers_.connect_failed) {
        handlers_.connect_failed(why, refused);
    }
}

asio::awaitable<void> PahoSession::pause() {
    const Steady::time_point until = time_.now() + delay_;
    while (!stopping_ && !renew_ && time_.now() < until) {
        co_await wait_until(until);
    }
}

// ---- Paho's news

void PahoSession::take(LinkNews& news) {
    if (news.connect) {
        answer_ = std::move(news.connect);
    }
    for (const SubscribeResult& result : news.subscriptions) {
        take(result);
    }
    for (const Acknowledgement& ack : news.acknowledgements) {
        take(ack);
    }
    if (news.echoed) {
        awake_.answered();
        alarm_->wake();
    }
    inbound_.append(news.messages);
    if (!more_comes_) {
        serve_inbound();
    }
    if (news.lost) {
        lose(std::move(news.lost->why), news.lost->reason);
    }
    if (answer_ && !connected_) {
        alarm_->wake();
    }
    pump();
}

// However many have come at once: polling must not wait for a flood of commands.
void PahoSession::serve_inbound() {
    more_comes_ = false;
    for (int turn = 0; turn < kInboundTurn; ++turn) {
        std::optional<Inbound> message = inbound_.pop();
        if (!message) {
            return;
        }
        if (handlers_.message) {
            handlers_.message(std::move(*message));
        }
    }
    if (!inbound_.empty()) {
        more_comes_ = true;
        more_->put([](Nothing& /*says it all*/) {});
    }
}

void PahoSession::take(const SubscribeResult& result) {
    subscriptions_asked_ -= subscriptions_asked_ > 0 ? 1 : 0;
    if (result.reason != 0 && handlers_.subscription_refused) {
        handlers_.subscription_refused(result.filter, reason_name(result.reason));
    }
}

void PahoSession::take(const Acknowledgement& ack) {
    progress_ = std::max(progress_, ack.when);
    if (ack.reason != 0) {
        const std::string why = reason_name(ack.reason);
        refused(ack.slot < topics_.size() ? topics_[ack.slot] : std::string(), why);
        in_flight_.settle(ack.slot, false, why);
    } else {
        in_flight_.settle(ack.slot, ack.arrived, {}, ack.when);
    }
    if (!ack.arrived && ack.reason == 0) {
        lose("connection lost");
    }
}

void PahoSession::refused(const std::string& topic, const std::string& why) {
    ++counters_.refused;
    if (handlers_.publish_refused) {
        handlers_.publish_refused(topic, why);
    }
}

void PahoSession::lose(std::string why, int reason) {
    if (!lost_) {
        lost_ = LinkNews::Lost{.why = std::move(why), .reason = reason};
    }
    alarm_->wake();
}

// ---- publishing

void PahoSession::pump() {
    // Past the farewell, what went out now would only go out once more on the next connection.
    const bool left = renew_ && !stopping_ && time_.now() >= farewell_;
    if (!connected_ || left) {
        return;
    }
    for (int turn = 0; !lost_ && in_flight_.count() < window_; ++turn) {
        if (turn == kTurn) {
            link_->nudge();
            return;
        }
        Source* const source = sources_.next(out_);
        if (source == nullptr) {
            drained_ = in_flight_.count() == 0 && inbound_.empty();
            break;
        }
        publish(*source);
    }
    if (leaving() && drained_) {
        alarm_->wake();
    }
}

void PahoSession::publish(Source& source) {
    out_.qos = std::min(out_.qos, limits_.maximum_qos);
    out_.retain = out_.retain && limits_.retain_available;
    const std::size_t size = out_.topic.size() + out_.payload.size() + out_.correlation.size();
    if (size + kPublishHeader > limits_.maximum_packet) {
        const std::string why = reason_name(kPacketTooLarge);
        refused(out_.topic, why);
        source.settled(out_.ticket, false, why);
        return;
    }
    if (in_flight_.count() == 0) {
        progress_ = time_.now();
    }
    const std::uint32_t slot = in_flight_.take(source, out_.ticket);
    topics_[slot].assign(out_.topic);
    // What is to come waits for the window, so from its middle on all are awaited.
    const bool awaited = out_.awaited || 2 * in_flight_.count() > window_;
    std::string why;
    const Link::Sent sent = link_->publish(out_, slot, awaited, why);
    if (sent == Link::Sent::yes) {
        return;
    }
    ++counters_.publish_errors;
    if (sent == Link::Sent::broken) {
        lose("cannot publish: " + why);
        why.clear();
    }
    in_flight_.settle(slot, false, why);
}

}  // namespace

std::unique_ptr<BrokerSession> make_paho_session(const asio::any_io_executor& executor, Time& time,
                                                 PahoOptions options) {
    return std::make_unique<PahoSession>(executor, time, std::move(options));
}

}  // namespace hi6gw::mqtt
