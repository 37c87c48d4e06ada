#pragma once
// The journal of pulses on the disk (command/pulse_journal.h is its text): DIRECTORY/pulses. Lines
// are appended on the worker; when the file has grown it is replaced by one with the open pulses
// alone. While the disk takes nothing, begin() is false, so that no pulse is started; what could
// not be written is made up for with the next call that can.
//
// Thread: the event loop's, which never waits for the disk here.

#include "base/log.h"
#include "base/mailbox.h"
#include "base/time.h"
#include "base/worker.h"
#include "command/pulse_store.h"
#include "store/state_dir.h"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hi6gw::store {

class PulseFile final : public command::PulseStore {
  public:
    // How long begin() waits: its caller holds a controller's connection meanwhile.
    static constexpr std::chrono::milliseconds kPatience{500};
    static constexpr std::size_t kCompactAt = 64 * 1024;  // bytes of the file

    // Reads what an earlier run left, and may wait for the disk: before the loop runs. `time` and
    // `worker` outlive this; `directory` may be unusable so far, but is not in use.
    PulseFile(const boost::asio::any_io_executor& executor, Time& time, Worker& worker,
              std::shared_ptr<StateDir> directory);
    PulseFile(const PulseFile&) = delete;
    PulseFile& operator=(const PulseFile&) = delete;
    // A begin() still suspended may be destroyed later.
    ~PulseFile() override;

    // What an earlier run began and did not end. Each stays recorded until end().
    [[nodiscard]] const std::vector<command::OpenPulse>& open_pulses() const { return left_open_; }
    // The last attempt to write went through. Pulses are refused while it does not.
    [[nodiscard]] bool working() const { return trouble_.empty(); }

    [[nodiscard]] std::uint64_t next_number() override { return next_number_++; }
    // False at once while the disk hangs; else within kPatience.
    boost::asio::awaitable<bool> begin(command::OpenPulse pulse) override;
    void end(std::uint64_t number) noexcept override;

  private:
    class Disk;
    struct Record {
        std::uint64_t number = 0;
        std::optional<command::OpenPulse> begun;  // or ended
    };
    struct Waiter {
        std::unique_ptr<Alarm> alarm;
        std::optional<bool> written;
    };
    struct Answer {
        bool written = false;
        std::string why;
        void clear() { why.clear(); }
    };

    void hand_over();
    void answered(const Answer& answer);
    void say(std::string trouble);

    log::Logger log_{"pulses"};
    Time& time_;
    Worker& worker_;
    std::shared_ptr<Disk> disk_;  // the worker's alone, after the constructor
    std::shared_ptr<Mailbox<Answer>> box_;
    std::vector<command::OpenPulse> left_open_;
    std::uint64_t next_number_ = 1;
    std::set<std::uint64_t> begun_;                // and not ended
    std::vector<Record> pending_;                  // not handed over yet
    std::vector<std::shared_ptr<Waiter>> asking_;  // for what is pending
    std::vector<std::shared_ptr<Waiter>> asked_;   // for what the worker has
    bool busy_ = false;                            // the worker has something
    bool hangs_ = false;                           // and somebody has waited in vain
    std::string trouble_;
};

}  // namespace hi6gw::store
