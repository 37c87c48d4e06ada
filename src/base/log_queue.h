#pragma once
// A sink that never makes anybody wait: lines go through a bounded queue to a thread of its own,
// which writes them to the real sink. When the queue is full the oldest are dropped and counted.
// spdlog's own asynchronous logger does the same, but waits for ever at its end when what it writes
// to takes nothing: a pipe that nobody reads, a log daemon that hangs (fault H14).

#include <spdlog/sinks/sink.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace hi6gw::log {

class LogQueue final : public spdlog::sinks::sink {
  public:
    // `lost_line`: what is written, as a line, after that many have been dropped.
    using LostLine = std::function<std::string(std::uint64_t lost)>;

    LogQueue(spdlog::sink_ptr to, std::size_t capacity, LostLine lost_line);
    LogQueue(const LogQueue&) = delete;
    LogQueue& operator=(const LogQueue&) = delete;
    ~LogQueue() override;  // close() without patience

    // Any thread.
    void log(const spdlog::details::log_msg& message) override;
    void flush() override {}
    // Before the first line.
    void set_pattern(const std::string& pattern) override;
    void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override;

    // Since the start.
    [[nodiscard]] std::uint64_t dropped() const;
    // Waits until what is queued has been written, but not longer than this: a thread that hangs is
    // left to itself, with what it needs. Lines that come later are dropped.
    void close(std::chrono::milliseconds patience);

  private:
    struct State;
    static void write(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace hi6gw::log
