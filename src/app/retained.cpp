#include "app/retained.h"

#include "app/retained_list.h"
#include "store/file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace hi6gw::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kTryAgain = 1min;
// A shutdown has its time; what is not written by then is deleted once more by the next start.
constexpr auto kDiskPatience = 50ms;

}  // namespace

// What the worker says of the file.
struct Retained::Outcome {
    RetainedList list;  // without its text
    std::string unreadable;
    std::string trouble;
    std::shared_ptr<const config::Config> config;
    std::size_t deleted = 0;  // how many of `deleted_` it has taken out
};

Retained::Retained(const boost::asio::any_io_executor& executor, Time& time,
                   std::shared_ptr<store::StateDir> directory)
    : time_(time),
      directory_(std::move(directory)),
      box_(std::make_shared<Mailbox<Answer>>(
          executor, [this](Answer& answer) { answered(*answer.outcome); })),
      alarm_(time.alarm()),
      disk_(kDiskPatience) {}

// Never throws: neither a start nor the worker is to end for want of memory here.
Retained::Outcome Retained::update(store::StateDir& directory, const config::Config& config,
                                   std::vector<std::uint64_t> deleted, std::size_t most) {
    Outcome out;
    out.deleted = deleted.size();
    try {
        const std::filesystem::path path = directory.path() / "topics";
        auto before = store::read_file(path, kLongest);
        if (!before) {
            out.unreadable = "cannot read " + path.string() + ": " + before.error().what;
        }
        const std::string old = before && *before ? std::move(**before) : std::string();
        out.list = retained_list(old, config, std::move(deleted), most);
        const std::string text = std::move(out.list.text);
        if (before && text == old) {
            return out;
        }
        if (text.size() > kLongest) {
            out.trouble = path.string() + ": more topics than there is room for";
        } else if (const auto acquired = directory.acquire(); !acquired) {
            out.trouble = acquired.error().what;
        } else if (const auto file = store::replace_file(path, text); !file) {
            out.trouble = file.error().what;
        }
    } catch (const std::exception& error) {
        out.trouble = error.what();
    }
    return out;
}

void Retained::begin(std::shared_ptr<const config::Config> config) {
    config_ = std::move(config);
    broker_ = broker_name(*config_);
    const Outcome outcome = update(*directory_, *config_, {}, kAtOnce);
    const RetainedList& list = outcome.list;
    if (!outcome.unreadable.empty()) {
        log_.warn("{}; topics that are not configured any more stay at the broker",
                  outcome.unreadable);
    }
    if (list.foreign) {
        log_.warn("{} is not understood, and written anew",
                  (directory_->path() / "topics").string());
    }
    if (!list.elsewhere.empty()) {
        log_.info("what {} retains of us stays there, until that is the broker again",
                  fmt::join(list.elsewhere, ", "));
    }
    if (list.left_over > 0) {
        log_.info("{} retained topics have no owner any more: they are deleted at the broker",
                  list.left_over);
    }
    take(outcome);
    sweeper_.sweep(list.first, {});
}

boost::asio::awaitable<void> Retained::announce(std::shared_ptr<const Reload> plan) {
    config_ = plan->config;
    announced_ = true;
    write(Then::nothing);
    const Steady::time_point deadline = time_.now() + kPatience;
    while (busy_ && time_.now() < deadline) {
        co_await alarm_->wait_until(deadline);
    }
}

void Retained::in_force(const Reload& plan) {
    announced_ = false;
    const bool by_the_file = plan.unused.size() > kAtOnce && trouble_.empty();
    sweeper_.sweep(by_the_file ? std::vector<std::string>() : plan.unused, plan.used);
    left_over_ += plan.unused.size();
}

void Retained::connected() {
    if (broker_ == broker_name(*config_)) {
        return;
    }
    broker_ = broker_name(*config_);
    sweeper_.clear();
    deleted_.clear();
    left_over_ = 1;  // perhaps: the next watch() has a look
}

void Retained::watch() {
    for (const std::uint64_t hash : sweeper_.take_deleted()) {
        deleted_.push_back(hash);
    }
    const bool swept = left_over_ > 0 && sweeper_.waiting() == 0;
    if (!busy_ && !announced_ && (swept || (!trouble_.empty() && time_.now() >= next_try_))) {
        write(Then::more);
    }
}

void Retained::write(Then then) {
    again_ = busy_;
    if (std::exchange(busy_, true)) {
        return;
    }
    const std::size_t most = then == Then::more ? kAtOnce : 0;
    // What was deleted at one broker is still at another.
    const bool same = broker_ == broker_name(*config_);
    auto deleted = same ? deleted_ : std::vector<std::uint64_t>();
    disk_.post(
        [box = box_, directory = directory_, config = config_, deleted = std::move(deleted), most] {
            auto outcome = std::make_shared<Outcome>(update(*directory, *config, deleted, most));
            outcome->config = config;
            box->put([&outcome](Answer& answer) { answer.outcome = std::move(outcome); });
        });
}

void Retained::answered(const Outcome& outcome) {
    busy_ = false;
    take(outcome);
    // Else a later configuration may fill them.
    if (outcome.config == config_ && !announced_) {
        sweeper_.sweep(outcome.list.first, {});
    }
    if (again_) {
        write(Then::nothing);
    }
    alarm_->wake();
}

// Transitions of trouble only are said.
void Retained::take(const Outcome& outcome) {
    next_try_ = time_.now() + kTryAgain;
    if (trouble_.empty() && !outcome.trouble.empty()) {
        log_.info("{}; what another configuration drops at a restart will stay at the broker",
                  outcome.trouble);
    }
    trouble_ = outcome.trouble;
    left_over_ = outcome.list.left_over;
    if (trouble_.empty()) {
        const std::size_t gone = std::min(outcome.deleted, deleted_.size());
        deleted_.erase(deleted_.begin(), deleted_.begin() + static_cast<std::ptrdiff_t>(gone));
    }
}

}  // namespace hi6gw::app
