#pragma once
// What the broker keeps of us. A retained message outlives whoever published it: of a signal that
// is not configured any more it would stand there as good for ever. So the topics that we fill are
// named in the state directory's file `topics` before the first of them is filled, and those that a
// later configuration does not fill are deleted, by a reload or by the next start, whatever ended
// the gateway in between. They stay named until the broker has deleted them.
//
// While the file cannot be written the gateway does without, and tries again once a minute.
// Thread: the event loop's; it waits for the disk in begin() only.

#include "app/reload.h"
#include "app/sweeper.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/time.h"
#include "base/worker.h"
#include "config/config.h"
#include "store/state_dir.h"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::app {

class Retained {
  public:
    static constexpr std::size_t kLongest = std::size_t{128} * 1024 * 1024;  // of the file, bytes

    // `time` outlives this. `patience`: with a disk that hangs at the end.
    Retained(const boost::asio::any_io_executor& executor, Time& time,
             std::shared_ptr<store::StateDir> directory, std::chrono::milliseconds patience);
    Retained(const Retained&) = delete;
    Retained& operator=(const Retained&) = delete;
    ~Retained() { box_->close(); }

    // Before the loop runs, hence before anything is published: compares with what an earlier run
    // has left.
    void begin(std::shared_ptr<const config::Config> config);
    // A reload: what it will fill is named; what nobody fills then goes when it is in force.
    void announce(const Reload& plan);
    void in_force(const Reload& plan);
    void watch();  // once a second

    [[nodiscard]] mqtt::Source& source() { return sweeper_; }

  private:
    struct Written {
        std::string trouble;
        void clear() { trouble.clear(); }
    };

    void write();
    void written(std::string trouble);
    [[nodiscard]] std::vector<std::string> left_over() const;

    log::Logger log_{"gateway"};
    Time& time_;
    std::shared_ptr<store::StateDir> directory_;
    std::shared_ptr<const config::Config> config_;
    Sweeper sweeper_;
    std::vector<std::string> coming_;  // announced, not in force
    std::shared_ptr<Mailbox<Written>> box_;
    bool busy_ = false;             // the worker writes
    bool again_ = false;            // what it writes is not the latest
    bool names_leftovers_ = false;  // the file
    std::string trouble_;
    Steady::time_point next_try_;
    Worker disk_;  // last: its end lets what is posted finish
};

}  // namespace hi6gw::app
