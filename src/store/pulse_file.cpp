#include "store/pulse_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

namespace hi6gw::store {

namespace asio = boost::asio;
using command::OpenPulse;

namespace {

constexpr std::size_t kLongest = 4 * 1024 * 1024;  // what is longer was not written by us

}  // namespace

// What the worker knows: the file, and what should be in it.
class PulseFile::Disk {
  public:
    explicit Disk(std::shared_ptr<StateDir> directory)
        : directory_(std::move(directory)), path_(directory_->path() / "pulses") {}

    command::Journal load();
    Result<void> write(const std::vector<Record>& records);

  private:
    Result<void> append(const std::string& lines, bool sync);
    Result<void> rewrite();
    Result<void> keep_aside();
    [[nodiscard]] bool is_deleted() const;

    log::Logger log_{"pulses"};
    std::shared_ptr<StateDir> directory_;
    std::filesystem::path path_;
    Fd file_;  // closed: to be written anew, because its end is not known to be whole
    std::size_t size_ = 0;
    std::size_t compact_at_ = kCompactAt;
    std::uint64_t highest_ = 0;
    std::map<std::uint64_t, OpenPulse> open_;
    bool foreign_ = false;  // what lies there is not all understood
};

command::Journal PulseFile::Disk::load() {
    command::Journal journal;
    const auto text = read_file(path_, kLongest);
    if (!text) {
        foreign_ = true;
        log_.error("cannot read {}: {}; outputs that an earlier run left pulsed are not released",
                   path_.string(), text.error().what);
        return journal;
    }
    if (!*text) {
        return journal;
    }
    journal = command::read_journal(**text);
    // A line is torn when the machine stopped before it was synced: nothing had been posted then.
    const bool torn = !(*text)->empty() && (*text)->back() != '\n';
    foreign_ = journal.skipped > (torn ? 1U : 0U);
    if (foreign_) {
        log_.warn("{}: {} lines are not understood and skipped", path_.string(), journal.skipped);
    } else if (torn) {
        log_.info("{}: the last line is torn and skipped", path_.string());
    }
    for (const OpenPulse& pulse : journal.open) {
        open_.emplace(pulse.number, pulse);
    }
    highest_ = journal.next_number - 1;
    return journal;
}

Result<void> PulseFile::Disk::write(const std::vector<Record>& records) {
    std::string lines;
    bool sync = false;
    for (const Record& record : records) {
        highest_ = std::max(highest_, record.number);
        if (record.begun) {
            open_.emplace(record.number, *record.begun);
            lines += command::begin_line(*record.begun);
            sync = true;
        } else {
            open_.erase(record.number);
            lines += command::end_line(record.number);
        }
    }
    if (const auto acquired = directory_->acquire(); !acquired) {
        return Fault{acquired.error().what};
    }
    const bool grown = size_ + lines.size() > compact_at_;
    return file_.open() && !grown && !is_deleted() ? append(lines, sync) : rewrite();
}

Result<void> PulseFile::Disk::append(const std::string& lines, bool sync) {
    auto written = write_all(file_.get(), lines);
    if (written && sync && ::fdatasync(file_.get()) != 0) {
        written = Fault{error_text(errno)};
    }
    if (!written) {
        file_ = Fd();
        return Fault{path_.string() + ": " + written.error().what};
    }
    size_ += lines.size();
    return {};
}

Result<void> PulseFile::Disk::rewrite() {
    if (const auto kept = keep_aside(); !kept) {
        return kept.error();
    }
    // The end of the highest number says it, so that none is given twice.
    std::string text = highest_ == 0 ? "" : command::end_line(highest_);
    for (const auto& [number, pulse] : open_) {
        text += command::begin_line(pulse);
    }
    auto file = replace_file(path_, text);
    if (!file) {
        file_ = Fd();
        return file.error();
    }
    file_ = std::move(*file);
    size_ = text.size();
    compact_at_ = std::max(kCompactAt, 2 * size_);
    return {};
}

// A second name, so that at no moment there is no journal.
Result<void> PulseFile::Disk::keep_aside() {
    if (!foreign_) {
        return {};
    }
    std::filesystem::path aside = path_;
    aside += ".aside";
    ::unlink(aside.c_str());
    if (::link(path_.c_str(), aside.c_str()) == 0) {
        log_.warn("{} is kept as {}", path_.string(), aside.string());
    } else if (errno != ENOENT) {
        return Fault{"cannot keep " + path_.string() + " aside: " + error_text(errno)};
    }
    foreign_ = false;
    return {};
}

bool PulseFile::Disk::is_deleted() const {
    struct stat found{};
    return ::fstat(file_.get(), &found) != 0 || found.st_nlink == 0;
}

PulseFile::PulseFile(const asio::any_io_executor& executor, Time& time, Worker& worker,
                     std::shared_ptr<StateDir> directory)
    : time_(time),
      worker_(worker),
      disk_(std::make_shared<Disk>(std::move(directory))),
      box_(std::make_shared<Mailbox<Answer>>(executor,
                                             [this](Answer& answer) { answered(answer); })) {
    command::Journal journal = disk_->load();
    left_open_ = std::move(journal.open);
    next_number_ = journal.next_number;
    for (const OpenPulse& pulse : left_open_) {
        begun_.insert(pulse.number);
    }
}

PulseFile::~PulseFile() {
    box_->close();
    if (!pending_.empty()) {
        worker_.post([disk = disk_, records = std::move(pending_)] { (void)disk->write(records); });
    }
}

asio::awaitable<bool> PulseFile::begin(OpenPulse pulse) {
    // A line that could not be read back would be none.
    if (hangs_ || command::read_journal(command::begin_line(pulse)).open.size() != 1) {
        co_return false;
    }
    const auto waiter = std::make_shared<Waiter>();
    waiter->alarm = time_.alarm();
    begun_.insert(pulse.number);
    pending_.push_back({pulse.number, std::move(pulse)});
    asking_.push_back(waiter);
    hand_over();
    Time& time = time_;
    const Steady::time_point deadline = time.now() + kPatience;
    while (!waiter->written && time.now() < deadline) {
        co_await waiter->alarm->wait_until(deadline);
    }
    if (!waiter->written) {
        hangs_ = true;
        say("the disk does not answer");
    }
    co_return waiter->written.value_or(false);
}

void PulseFile::end(std::uint64_t number) noexcept {
    if (begun_.erase(number) > 0) {
        pending_.push_back({number, std::nullopt});
        hand_over();
    }
}

// One batch at a time: what comes while the disk is at work goes together, with one sync.
void PulseFile::hand_over() {
    if (busy_ || pending_.empty()) {
        return;
    }
    busy_ = true;
    asked_ = std::exchange(asking_, {});
    worker_.post([disk = disk_, box = box_, records = std::exchange(pending_, {})] {
        const auto written = disk->write(records);
        box->put([&written](Answer& answer) {
            answer.written = written.has_value();
            answer.why = written ? "" : written.error().what;
        });
    });
}

void PulseFile::answered(const Answer& answer) {
    busy_ = false;
    hangs_ = false;
    say(answer.why);
    for (const auto& waiter : std::exchange(asked_, {})) {
        waiter->written = answer.written;
        waiter->alarm->wake();
    }
    hand_over();
}

// Transitions only.
void PulseFile::say(std::string trouble) {
    if (trouble_.empty() && !trouble.empty()) {
        log_.error("cannot be recorded: {}; none is started until that works", trouble);
    } else if (!trouble_.empty() && trouble.empty()) {
        log_.info("are recorded again");
    }
    trouble_ = std::move(trouble);
}

}  // namespace hi6gw::store
