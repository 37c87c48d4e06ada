#include "store/event_store.h"

#include <algorithm>
#include <utility>

namespace hi6gw::store {

namespace asio = boost::asio;
using outbox::EventWindow;

namespace {

constexpr std::size_t kRefill = EventWindow::kCapacity / 2;  // room for so many: read more
constexpr std::chrono::minutes kLookAtAge{1};

}  // namespace

EventStore::EventStore(const asio::any_io_executor& executor, Time& time, Worker& worker,
                       std::shared_ptr<StateDir> directory, Options options,
                       std::function<void()> news)
    : time_(time),
      worker_(worker),
      options_(options),
      news_(std::move(news)),
      db_(std::make_shared<EventDb>(std::move(directory), options.bounds)),
      box_(std::make_shared<Mailbox<Nothing>>(executor,
                                              [this](Nothing& /*says it all*/) { answered(); })),
      buffer_(options.memory),
      alarm_(time.alarm()),
      flush_alarm_(time.alarm()),
      next_write_(time.now()) {}

EventStore::~EventStore() {
    box_->close();
    if (!buffer_.empty()) {
        flushing_ = true;
        next_write_ = time_.now();
        hand_over();
    }
    worker_.post([db = std::move(db_)]() mutable { db.reset(); });  // closing waits for the disk
}

asio::awaitable<void> EventStore::run() {
    for (;;) {
        if (news_at_ <= time_.now()) {
            news_at_ = Steady::time_point::max();
            news_();
        }
        waits_until_ = next_due();
        if (waits_until_ > time_.now()) {
            co_await alarm_->wait_until(waits_until_);
        } else if (turn_) {
            hangs_ = true;
            say("the disk does not answer");
        } else {
            hand_over();
        }
    }
}

asio::awaitable<void> EventStore::flush(Steady::time_point deadline) {
    if (!turn_ && buffer_.empty() && !has_deletions()) {
        co_return;
    }
    const std::uint64_t wanted = turns_ + 1;  // the next one takes all there is now
    const std::uint64_t failures = totals_.failures;
    flushing_ = true;
    next_write_ = std::min(next_write_, time_.now());
    while (written_turn_ < wanted && totals_.failures == failures && time_.now() < deadline) {
        hurry();
        co_await flush_alarm_->wait_until(deadline);
    }
    flushing_ = false;
}

std::uint32_t EventStore::stream(const std::string& name) {
    const auto found = std::ranges::find(streams_, name, &Stream::name);
    if (found == streams_.end()) {
        streams_.emplace_back().name = name;
        return static_cast<std::uint32_t>(streams_.size() - 1);
    }
    return static_cast<std::uint32_t>(found - streams_.begin());
}

void EventStore::record(std::uint32_t stream, outbox::Event event) {
    const bool first = buffer_.empty();
    buffer_.push(stream, std::move(event));
    ++totals_.recorded;
    if (first) {
        hurry();
    }
}

void EventStore::settled(std::uint32_t stream, std::uint64_t seq, EventWindow::Fate fate) {
    Stream& one = streams_[stream];
    one.window.settled(seq, fate, time_.now());
    if (one.window.arrived() > one.deleted && delete_at_ == Steady::time_point::max()) {
        delete_at_ = time_.now() + kDelete;
        hurry();
    }
    if (one.window.pause_ends() < news_at_) {
        news_at_ = one.window.pause_ends();
        hurry();
    }
    if (one.more && one.window.room() >= kRefill) {
        hurry();
    }
}

// ---- when there is something to do

bool EventStore::has_deletions() const {
    return std::ranges::any_of(
        streams_, [](const Stream& one) { return one.window.arrived() > one.deleted; });
}

bool EventStore::wants_rows() const {
    return readable_ && reading_ && std::ranges::any_of(streams_, [](const Stream& one) {
               return one.more && one.window.room() >= kRefill;
           });
}

Steady::time_point EventStore::write_due() const {
    if (!readable_ || !trouble_.empty() || !buffer_.empty() || flushing_) {
        return next_write_;
    }
    return std::max(next_write_, std::min(delete_at_, look_at_age_));
}

Steady::time_point EventStore::next_due() const {
    if (turn_) {
        return std::min(news_at_, hangs_ ? Steady::time_point::max() : turn_began_ + kPatience);
    }
    return std::min(news_at_, wants_rows() ? Steady::time_point::min() : write_due());
}

void EventStore::hurry() {
    if (next_due() < waits_until_) {
        waits_until_ = Steady::time_point::min();
        alarm_->wake();
    }
}

// ---- turns

void EventStore::hand_over() {
    const Steady::time_point now = time_.now();
    turn_ = std::make_shared<Turn>();
    turn_began_ = now;
    ++turns_;
    EventDb::Order& order = turn_->order;
    order.now_ms = unix_ms(time_.wall());
    order.write = write_due() <= now;
    if (order.write) {
        next_write_ = now + options_.commit;
        events_in_turn_ = buffer_.events();
        order.batch = buffer_.take();
    }
    for (const Stream& one : streams_) {
        order.streams.push_back({one.name, one.window.arrived(), reading_ ? one.window.room() : 0});
    }
    worker_.post([turn = turn_, db = db_, box = box_] {
        turn->done = db->take_turn(turn->order);
        box->put([](Nothing& /*says it all*/) {});
    });
}

void EventStore::answered() {
    const std::shared_ptr<Turn> turn = std::exchange(turn_, nullptr);
    EventDb::Done& done = turn->done;
    hangs_ = false;
    events_in_turn_ = 0;
    if (turn->order.write && !done.written) {
        buffer_.put_back(std::move(turn->order.batch));
    }
    if (!done.trouble.empty()) {
        ++totals_.failures;
        next_write_ = time_.now() + kRetry;
    }
    readable_ = done.readable;
    if (done.written) {
        written_turn_ = turns_;
        ++totals_.commits;
    }
    if (done.written || !done.trouble.empty()) {
        say(std::move(done.trouble));
    }
    take(done);
    hurry();
    flush_alarm_->wake();
}

void EventStore::take(EventDb::Done& done) {
    bool news = false;
    for (std::size_t i = 0; i < done.streams.size(); ++i) {
        Stream& one = streams_[i];
        EventDb::Done::Stream& from = done.streams[i];
        for (outbox::Row& row : from.rows) {
            one.window.append(std::move(row));
            news = true;
        }
        one.more = from.more;
        one.rows = from.waiting;
        one.deleted = std::max(one.deleted, from.deleted_to);
    }
    for (const std::string& name : done.found) {
        streams_[stream(name)].more = true;
    }
    const auto from_now = [this](bool needed, auto after) {
        return needed ? time_.now() + after : Steady::time_point::max();
    };
    if (done.written) {  // turns that only read, one after the other, do not put it off
        delete_at_ = from_now(has_deletions(), kDelete);
        look_at_age_ = Steady::time_point::max();
    }
    if (look_at_age_ == Steady::time_point::max()) {
        look_at_age_ = from_now(std::ranges::any_of(streams_, &Stream::more), kLookAtAge);
    }
    totals_.bytes = done.bytes;
    totals_.dropped_full += done.dropped_full;
    totals_.dropped_old += done.dropped_old;
    totals_.lost += done.lost;
    if (news) {
        news_();
    }
}

EventStore::Totals EventStore::totals() const {
    Totals out = totals_;
    out.waiting = buffer_.events() + events_in_turn_;
    out.dropped_memory = buffer_.dropped();
    for (const Stream& one : streams_) {
        out.waiting += one.rows;
        const EventWindow::Counters& sent = one.window.counters();
        out.sent.sent += sent.sent;
        out.sent.again += sent.again;
        out.sent.given_up += sent.given_up;
        out.sent.unsaid += sent.unsaid;
    }
    return out;
}

// Transitions only.
void EventStore::say(std::string trouble) {
    if (trouble_.empty() && !trouble.empty()) {
        log_.error("cannot be recorded: {}; they wait in memory until that works", trouble);
    } else if (!trouble_.empty() && trouble.empty()) {
        log_.info("are recorded again");
    }
    trouble_ = std::move(trouble);
}

}  // namespace hi6gw::store
