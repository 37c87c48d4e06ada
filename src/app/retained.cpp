#include "app/retained.h"

#include "app/retained_list.h"
#include "store/file.h"

#include <optional>
#include <utility>

namespace hi6gw::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kTryAgain = 1min;

std::filesystem::path file_in(const store::StateDir& directory) {
    return directory.path() / "topics";
}

std::string write_file(store::StateDir& directory, const std::string& text) {
    if (const auto acquired = directory.acquire(); !acquired) {
        return acquired.error().what;
    }
    const auto file = store::replace_file(file_in(directory), text);
    return file ? "" : file.error().what;
}

}  // namespace

Retained::Retained(const boost::asio::any_io_executor& executor, Time& time,
                   std::shared_ptr<store::StateDir> directory, std::chrono::milliseconds patience)
    : time_(time),
      directory_(std::move(directory)),
      box_(std::make_shared<Mailbox<Written>>(
          executor, [this](Written& answer) { written(std::move(answer.trouble)); })),
      disk_(patience) {}

void Retained::begin(std::shared_ptr<const config::Config> config) {
    config_ = std::move(config);
    const std::filesystem::path path = file_in(*directory_);
    const auto before = store::read_file(path, kLongest);
    if (!before) {
        log_.warn("cannot read {}: {}; topics that are not configured any more stay at the broker",
                  path.string(), before.error().what);
    } else if (*before && **before == retained_list(*config_, {})) {
        return;
    } else if (*before) {
        LeftOver found = app::left_over(**before, *config_);
        if (found.broker.empty()) {
            log_.warn("{} is not understood, and written anew", path.string());
        } else if (found.elsewhere) {
            log_.warn("the broker was {} before: what it retains of us stays there", found.broker);
        } else if (!found.topics.empty()) {
            log_.info("{} retained topics have no owner any more: they are deleted at the broker",
                      found.topics.size());
            sweeper_.sweep(found.topics, {});
        }
    }
    names_leftovers_ = sweeper_.waiting() > 0;
    written(write_file(*directory_, retained_list(*config_, left_over())));
}

void Retained::announce(const Reload& plan) {
    config_ = plan.config;
    coming_ = plan.unused;
    write();
}

void Retained::in_force(const Reload& plan) {
    coming_.clear();
    sweeper_.sweep(plan.unused, plan.used);
}

void Retained::watch() {
    const bool deleted = names_leftovers_ && coming_.empty() && sweeper_.waiting() == 0;
    if (!busy_ && (deleted || (!trouble_.empty() && time_.now() >= next_try_))) {
        write();
    }
}

std::vector<std::string> Retained::left_over() const {
    std::vector<std::string> out = sweeper_.topics();
    out.insert(out.end(), coming_.begin(), coming_.end());
    return out;
}

void Retained::write() {
    again_ = busy_;
    if (std::exchange(busy_, true)) {
        return;
    }
    std::vector<std::string> left = left_over();
    names_leftovers_ = !left.empty();
    disk_.post([box = box_, directory = directory_, config = config_, left = std::move(left)] {
        std::string trouble = write_file(*directory, retained_list(*config, left));
        box->put([&trouble](Written& answer) { answer.trouble = std::move(trouble); });
    });
}

// Transitions only are said.
void Retained::written(std::string trouble) {
    busy_ = false;
    next_try_ = time_.now() + kTryAgain;
    if (trouble_.empty() && !trouble.empty()) {
        log_.info("{}; what another configuration drops at a restart will stay at the broker",
                  trouble);
    }
    trouble_ = std::move(trouble);
    if (again_) {
        write();
    }
}

}  // namespace hi6gw::app
