#pragma once
// What the broker keeps of us. A retained message outlives whoever published it: of a signal that
// is not configured any more it would stand there as good for ever. So the topics that we fill are
// named in the state directory's file `topics` before the first of them is filled, and those that a
// later configuration does not fill are deleted, by a reload or by the next start, whatever ended
// the gateway in between. They stay named until the broker has deleted them; those of another
// broker stay named until that one is ours again.
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
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hi6gw::app {

class Retained {
  public:
    static constexpr std::size_t kLongest = std::size_t{64} * 1024 * 1024;  // of the file, bytes
    // So many are held in memory at once to be deleted; the others stay in the file meanwhile.
    static constexpr std::size_t kAtOnce = 20'000;
    static constexpr std::chrono::milliseconds kPatience{500};  // of announce(), with the disk

    // `time` outlives this.
    Retained(const boost::asio::any_io_executor& executor, Time& time,
             std::shared_ptr<store::StateDir> directory);
    Retained(const Retained&) = delete;
    Retained& operator=(const Retained&) = delete;
    ~Retained() { box_->close(); }

    // Before the loop runs, hence before anything is published: compares with what an earlier run
    // has left. Whatever the file holds, the start goes on.
    void begin(std::shared_ptr<const config::Config> config);
    // A reload: what it will fill is named, unless the disk takes too long;
    boost::asio::awaitable<void> announce(std::shared_ptr<const Reload> plan);
    void in_force(const Reload& plan);  // what nobody fills any more can go;
    void connected();                   // to another broker, perhaps.
    void watch();                       // once a second, and last of all

    [[nodiscard]] mqtt::Source& source() { return sweeper_; }

  private:
    struct Outcome;
    struct Answer {
        std::shared_ptr<Outcome> outcome;
        void clear() { outcome.reset(); }
    };
    enum class Then : std::uint8_t { nothing, more };  // more: what is left over is to be swept

    static Outcome update(store::StateDir& directory, const config::Config& config,
                          std::vector<std::uint64_t> deleted, std::size_t most);
    void write(Then then);
    void answered(const Outcome& outcome);
    void take(const Outcome& outcome);

    log::Logger log_{"gateway"};
    Time& time_;
    std::shared_ptr<store::StateDir> directory_;
    std::shared_ptr<const config::Config> config_;
    std::string broker_;  // that it was connected to last
    Sweeper sweeper_;
    std::vector<std::uint64_t> deleted_;  // and still in the file
    std::size_t left_over_ = 0;           // in the file
    std::shared_ptr<Mailbox<Answer>> box_;
    std::unique_ptr<Alarm> alarm_;  // of announce()
    bool announced_ = false;        // a reload that is not in force
    bool busy_ = false;             // the worker writes
    bool again_ = false;            // what it writes is not the latest
    std::string trouble_;
    Steady::time_point next_try_;
    Worker disk_;  // last: its end lets what is posted finish
};

}  // namespace hi6gw::app
