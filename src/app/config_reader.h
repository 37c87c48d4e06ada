#pragma once
// Reads the configuration again, on a thread of its own: a large file takes a while, and so may its
// disk. Thread: the event loop's.

#include "base/mailbox.h"
#include "base/time.h"
#include "base/worker.h"
#include "config/loader.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <filesystem>
#include <memory>

namespace hi6gw::app {

class ConfigReader {
  public:
    static constexpr std::chrono::seconds kPatience{30};

    // `time` outlives this.
    ConfigReader(const boost::asio::any_io_executor& executor, Time& time,
                 std::filesystem::path file);
    ConfigReader(const ConfigReader&) = delete;
    ConfigReader& operator=(const ConfigReader&) = delete;
    ~ConfigReader() { box_->close(); }

    // One at a time. What does not come within kPatience is a problem, too.
    boost::asio::awaitable<config::Loaded> read();
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    struct Answer {
        std::unique_ptr<config::Loaded> loaded;
        unsigned turn = 0;
        void clear() { loaded.reset(); }
    };

    Time& time_;
    std::filesystem::path file_;
    std::unique_ptr<Alarm> alarm_;
    std::unique_ptr<config::Loaded> loaded_;
    unsigned turn_ = 0;
    std::shared_ptr<Mailbox<Answer>> box_;
    std::unique_ptr<Worker> worker_;  // while there is something to read
};

}  // namespace hi6gw::app
