#include "poll/lane.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <span>

namespace hi6gw::poll {
namespace {

namespace asio = boost::asio;
using domain::Quality;
using hi6::Outcome;
using namespace std::chrono_literals;

constexpr auto kIdleProbe =
    10s;  // a controller that need not be read for longer is asked whether it lives
constexpr auto kPendingProofRetry = 10s;
constexpr auto kRefusedAgain = 1min;  // what the broker has refused is said again
constexpr int kProofTries =
    2;  // connections lost in the middle of a proof before the sweeps get their turn
constexpr BackoffRules kErrorBackoff{250ms, 10s, 0.2};

std::uint32_t seed_of(const std::string& name) {
    return static_cast<std::uint32_t>(std::hash<std::string>{}(name));
}

}  // namespace

Lane::Lane(std::shared_ptr<const config::Controller> config, const LaneTopics& topics,
           config::PayloadFormat format, double phase, Parts parts, const Lane* before)
    : config_(std::move(config)),
      wire_(*parts.wire),
      time_(*parts.time),
      metrics_(*parts.metrics),
      news_(std::move(parts.news)),
      session_(std::move(parts.session)),
      log_(config_->name),
      client_(wire_.client()),
      plan_(config_->signals, config_->index_unit, config_->max_block_words),
      table_(config_->signals, moment(), parts.events,
             before == nullptr ? nullptr : &before->table_),
      states_(table_, topics.state, format,
              [this](Steady::duration took) { metrics_.published(took); }),
      status_(topics.status),
      schedule_(plan_.periods(), config_->max_load, phase),
      alarm_(time_.alarm()),
      keeper_(time_.alarm()),
      commands_(wire_.commands()),
      polls_(client_, commands_, time_, [this] { mind_deadlines(); }),
      prover_(polls_, client_, time_, config_->timeout, config_->index_unit,
              config_->max_block_words),
      error_backoff_(kErrorBackoff, seed_of(config_->name)) {
    for (std::uint32_t i = 0; i < config_->signals.size(); ++i) {
        const config::Signal& signal = config_->signals[i];
        if (signal.options->writable) {
            read_back_.emplace(signal.address, i);
        }
    }
    if (before != nullptr) {
        take_over(*before);
    }
    arrange();
    update_status();
    sleep_until_ = keeper_until_ = time_.now();
    client_.expect(config_->system_version);
    wire_.use(this);
}

Lane::~Lane() {
    if (wire_.user() == this) {
        wire_.use(nullptr);
    }
}

// A controller that is online stays so, and one that is away is not news.
void Lane::take_over(const Lane& before) {
    link_ = before.link_;
    said_offline_ = before.said_offline_;
    next_offline_log_ = before.next_offline_log_;
    trouble_since_ = before.trouble_since_;
    trouble_ = before.trouble_;
    kept_alive_from_ = before.kept_alive_from_;
    last_answer_ = before.last_answer_;
    api_version_ = before.api_version_;
    stranger_ = before.stranger_;
}

asio::awaitable<void> Lane::run() {
    sleep_until_ = keeper_until_ = time_.now();
    using namespace asio::experimental::awaitable_operators;
    co_await (poll_loop() && housekeeping());
}

asio::awaitable<void> Lane::poll_loop() {
    for (;;) {
        co_await connect();
        // Here and everywhere: one await a statement, its result named. Inside conditions and
        // operators GCC 12 miscompiles it (frames overwritten, invalid instructions).
        const bool answers = co_await identify();
        if (!answers) {
            continue;
        }
        const bool ready = co_await prove();
        if (ready) {
            co_await sweep_while_connected();
        }
    }
}

// Unless a command has done so already.
asio::awaitable<void> Lane::connect() {
    while (!client_.connected()) {
        const hi6::LinkFault fault = co_await client_.connect(Steady::time_point::max());
        if (fault.ok()) {
            stranger_ = false;
            co_return;
        }
        trouble_ = fault.detail;
        const bool stranger = fault.kind == hi6::LinkFault::Kind::stranger;
        if (stranger && !std::exchange(stranger_, true)) {
            next_offline_log_ = time_.now();  // news, whatever has been said of it before
        }
        if (stranger || !link_.is_online() || time_.now() >= silent_since() + kSilence) {
            go_offline(fault.detail);
        }
    }
}

// Is somebody at home, and who? False: the connection was lost.
asio::awaitable<bool> Lane::identify() {
    std::string target(hi6::kApiVersionTarget);
    const hi6::Reply reply = co_await polls_.get(std::move(target), deadline());
    if (link_gone(reply.outcome)) {
        lost(reply.detail);
        co_return false;
    }
    answered();
    if (reply.outcome == Outcome::ok && reply.body != api_version_) {
        api_version_ = reply.body;
        say(transition_lines_, true, "Open API version " + log::printable(reply.body, 32));
    }
    co_return true;
}

// Which areas are read how on this connection. False: the connection was lost.
asio::awaitable<bool> Lane::prove() {
    prover_.reset();
    proof_moved_ = false;
    harmless_.clear();
    restless_.clear();
    no_block_.clear();
    retry_blocks_at_ = Steady::time_point::max();
    // A controller that ends connections early must not be kept from being read by the proof: then
    // only those values wait for it that hang on it.
    const bool patient = proofs_interrupted_ < kProofTries && !client_.keep_alive_refused();
    if (config_->block_read != config::BlockMode::off && patient) {
        ++proofs_interrupted_;
        std::vector<hi6::Area> areas = proving_areas();
        const bool kept = co_await prover_.prove(std::move(areas));
        if (!kept) {
            lost("while the block read was being proven: " + prover_.lost_why());
            co_return false;
        }
        answered();
    }
    proofs_interrupted_ = 0;
    next_proof_ = time_.now() + kPendingProofRetry;
    arrange();
    if (plan_.reads(~GroupMask{0}).empty()) {  // nothing to read: these answers are all there is
        trouble_since_ = Steady::time_point::max();
        link_.online();
        update_status();
    }
    co_return true;
}

asio::awaitable<void> Lane::sweep_while_connected() {
    schedule_.restart();
    for (;;) {
        const Steady::time_point now = time_.now();
        if (now >= retry_failing_at_) {  // its group may not be due for long
            retry_failing_at_ = Steady::time_point::max();
            schedule_.restart();
        }
        const Steady::time_point next =
            std::min({schedule_.next(), last_answer_ + kIdleProbe, retry_failing_at_});
        if (now < next) {
            const bool same = co_await polls_.give_way(next);
            if (!same) {
                lost(polls_.why());
                co_return;
            }
            const Steady::time_point wake = std::min(next, commands_.next_wake());
            if (time_.now() < wake) {
                sleep_until_ = wake;
                co_await alarm_->wait_until(wake);
            }
            continue;
        }
        Step step = Step::next;
        if (schedule_.next() <= now) {
            const Schedule::Due due = schedule_.take(now);
            metrics_.overruns(due.skipped);
            step = co_await sweep(due.groups);
            schedule_.worked(now, polls_.take_busy());
            if (step == Step::next) {
                // Slow answers stretch the periods, by themselves and by what the load allows.
                sweep_time_ = std::max(time_.now(), schedule_.next()) - now;
                table_.set_sweep_time(sweep_time_);
            }
        } else {
            step = co_await idle_probe();
        }
        if (step == Step::reconnect) {
            co_return;
        }
        if (step == Step::abandon) {
            schedule_.restart();
        }
    }
}

asio::awaitable<Lane::Step> Lane::sweep(GroupMask groups) {
    const Steady::time_point start = time_.now();
    if (start >= retry_blocks_at_) {
        const Step step = co_await retry_blocks();
        if (step != Step::next) {
            co_return step;
        }
    }
    if (start >= next_proof_ && prover_.proof().state() == hi6::BlockProof::State::pending) {
        const Step step = co_await ask_again();
        if (step != Step::next) {
            co_return step;
        }
    }
    const std::span<const ReadItem> items = plan_.reads(groups);
    for (const ReadItem& planned : items) {
        if (held(planned)) {
            continue;
        }
        const Step step = co_await perform(planned);
        if (step != Step::next) {
            co_return step;  // the plan may be another one now: no further look at this one
        }
        table_.set_sweep_time(std::max(sweep_time_, time_.now() - start));
    }
    co_return Step::next;
}

// One request of a sweep, and what follows from its answer.
asio::awaitable<Lane::Step> Lane::perform(ReadItem item) {
    hi6::Reply reply = co_await request(item);
    if (proof_moved_) {  // by a command's read-back: the plan may be another one now
        proof_moved_ = false;
        arrange();
        co_return link_gone(reply.outcome) ? fault(item, reply) : Step::abandon;
    }
    if (reply.outcome != Outcome::ok) {
        co_return fault(item, reply);
    }
    if (item.block && hangs_on_proof(item, reply)) {
        std::vector<std::byte> content(buffer_.begin(),
                                       buffer_.begin() + std::ptrdiff_t(reply.words) * 4);
        harmless_.clear();
        const bool kept = co_await prover_.settle(item.window, &content);
        if (!kept) {
            lost("while the block read was being proven: " + prover_.lost_why());
            co_return Step::reconnect;
        }
        if (prover_.proof().state() == hi6::BlockProof::State::disproven) {
            arrange();
            co_return Step::abandon;
        }
        if (content.empty()) {
            co_return unsettled(item);  // the last read of it failed: the next sweep will tell
        }
        std::copy(content.begin(), content.end(), buffer_.begin());
        reply.words = content.size() / 4;
        reply.answered = time_.now();
        if (hangs_on_proof(item, reply)) {
            co_return unsettled(item);
        }
        arrange_status();
    }
    restless_.settled(item.window.area);
    take_in(item, reply);
    co_return Step::next;
}

// No value rather than perhaps a wrong one; it is asked again with the next sweep. But data that
// never hold still are not left unread for ever.
Lane::Step Lane::unsettled(const ReadItem& item) {
    const hi6::Area& area = item.window.area;
    answered();
    if (!restless_.unsettled(area, time_.now())) {
        return Step::next;
    }
    if (config_->block_read != config::BlockMode::on && hi6::has_single_read(area)) {
        restless_.give_up(area);
        arrange();
        return Step::abandon;
    }
    table_.mark(item.image, item.bytes, Quality::bad_data, moment().wall_ms);
    link_.online();
    update_status();
    say_news();
    return Step::next;
}

asio::awaitable<hi6::Reply> Lane::request(const ReadItem& item) {
    if (item.block) {
        buffer_.resize(std::size_t{item.window.words} * 4);
        return polls_.read_block(item.window, buffer_, deadline());
    }
    return polls_.read_single(item.single, deadline());
}

// A controller that need not be read for a while is asked whether it is still there.
asio::awaitable<Lane::Step> Lane::idle_probe() {
    const bool answers = co_await identify();
    co_return answers ? Step::next : Step::reconnect;
}

// The low-rate check while the proof is pending.
asio::awaitable<Lane::Step> Lane::ask_again() {
    next_proof_ = time_.now() + kPendingProofRetry;
    harmless_.clear();
    std::vector<hi6::Area> areas = proving_areas();
    const bool kept = co_await prover_.prove(std::move(areas));
    if (!kept) {
        lost("while the block read was being proven: " + prover_.lost_why());
        co_return Step::reconnect;
    }
    if (prover_.proof().state() == hi6::BlockProof::State::pending) {
        co_return Step::next;
    }
    arrange();
    co_return Step::abandon;
}

// Asks for the refused blocks again, beside the plan: nothing changes and nothing is said while
// they stay refused.
asio::awaitable<Lane::Step> Lane::retry_blocks() {
    retry_blocks_at_ = time_.now() + kRefusedRetry;
    const std::map<hi6::Area, hi6::BlockRead> refused = no_block_;
    bool served = false;
    for (const auto& [area, window] : refused) {
        buffer_.resize(std::size_t{window.words} * 4);
        const hi6::Reply reply = co_await polls_.read_block(window, buffer_, deadline());
        if (link_gone(reply.outcome)) {
            lost(reply.detail);
            co_return Step::reconnect;
        }
        answered();
        if (reply.outcome == Outcome::ok) {
            no_block_.erase(area);
            served = true;
        }
    }
    if (!served) {
        co_return Step::next;
    }
    arrange();
    co_return Step::abandon;
}

// Since when an answer has been missing; max(): none is.
Steady::time_point Lane::silent_since() const {
    return std::min(client_.busy_since(), trouble_since_);
}

asio::awaitable<void> Lane::housekeeping() {
    for (;;) {
        const bool missing = silent_since() != Steady::time_point::max() && link_.is_online();
        keeper_until_ = std::min({table_.next_deadline(), commands_.next_expiry(),
                                  (missing ? silent_since() : time_.now()) + kSilence});
        co_await keeper_->wait_until(keeper_until_);
        const Moment now = moment();
        commands_.expire(now.steady);
        table_.expire(now, link_.failing() ? Quality::bad_data : Quality::unreachable);
        table_.run_timers(now);
        if (now.steady >= say_refused_at_) {
            say_refused_at_ = now.steady + kRefusedAgain;
            states_.say_refused_again();
            status_.say_refused_again();
        }
        if (link_.is_online() && silent_since() != Steady::time_point::max() &&
            now.steady >= silent_since() + kSilence) {
            go_offline(trouble_since_ != Steady::time_point::max() ? trouble_ : "no answer");
        }
        say_news();
    }
}

// ---- commands

void Lane::submit(command::Command command) {
    commands_.submit(std::move(command), time_.now());
    mind_deadlines();
}

void Lane::mind_deadlines() {
    if (commands_.next_expiry() < keeper_until_) {
        keeper_->wake();
    }
}

// What a command has read back is a read like any other.
void Lane::seen(const hi6::Address& address, const hi6::Reply& reply) {
    const Moment at{reply.answered, moment().wall_ms};
    const auto [first, last] = read_back_.equal_range(address);
    for (auto it = first; it != last; ++it) {
        metrics_.changes(table_.note(it->second, reply.raw, at));
    }
    say_news();
}

// The read-back of what no single read covers.
asio::awaitable<hi6::Reply> Lane::read_raw(hi6::Address address, Steady::time_point until) {
    if (area_mode(address.area) != AreaMode::block) {
        hi6::Reply none;
        none.outcome = Outcome::refused;
        none.detail = to_string(address) + ": the block read is not in use";
        co_return none;
    }
    const auto before = prover_.proof().state();
    const CommandsFirst::ForCommand part(polls_);
    const hi6::Reply reply = co_await prover_.read_address(address, until);
    if (before == hi6::BlockProof::State::pending) {
        harmless_.clear();
        proof_moved_ = proof_moved_ || prover_.proof().state() != before;
    }
    if (reply.outcome == Outcome::ok) {
        seen(address, reply);
    }
    co_return reply;
}

void Lane::publish_all() {
    table_.publish_all(moment());
    status_.publish_again();
    news_();
}

void Lane::farewell() {
    client_.close();
    go_offline("the gateway has been stopped");
}

Moment Lane::moment() const {
    return {time_.now(), unix_ms(time_.wall())};
}

}  // namespace hi6gw::poll
