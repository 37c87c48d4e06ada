#pragma once
// Logging for operators: transitions, not repetitions; every line about a controller names it.
// Levels: error = the gateway cannot do a part of its work, warn = degraded or refused, info =
// transitions, debug = single exchanges. Writing never blocks the event loop: lines go through a
// bounded queue to a thread (base/log_queue.h), the oldest are dropped when it is full (fault H14).

#include "base/result.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hi6gw::log {

enum class Format { automatic, text, json };

// Sets the process-wide default logger. `level` is one of trace debug info warn error. Call once,
// before the loop.
Result<void> configure(std::string_view level, Format format);
// Writes what is queued, if that can be done in a moment; call before exit.
void shutdown();
// Lines that nobody took in time, since the start.
[[nodiscard]] std::uint64_t dropped();

// A named value of a structured line. Text is quoted and escaped; what is not text is taken as it
// is: a number, true, false, null.
struct Field {
    std::string_view name;
    std::string value;
    bool text = true;
};

// One speaker: text lines start with "[name] ", JSON lines carry "who":"name".
class Logger {
  public:
    explicit Logger(std::string name) : prefix_(std::move(name)) {}

    template <class... Args>
    void debug(fmt::format_string<Args...> format, Args&&... args) const {
        write(spdlog::level::debug, format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) const {
        write(spdlog::level::info, format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) const {
        write(spdlog::level::warn, format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void error(fmt::format_string<Args...> format, Args&&... args) const {
        write(spdlog::level::err, format, std::forward<Args>(args)...);
    }

    // A line for machines: JSON lines carry each field as a member; in text it is `what name=value
    // name="value"`. Level info.
    void record(std::string_view what, std::span<const Field> fields) const;

  private:
    template <class... Args>
    void write(spdlog::level::level_enum level, fmt::format_string<Args...> format,
               Args&&... args) const {
        if (spdlog::should_log(level)) {
            emit(level, fmt::format(format, std::forward<Args>(args)...));
        }
    }
    void emit(spdlog::level::level_enum level, const std::string& text) const;

    std::string prefix_;
};

// Bytes from outside, made safe for a log line: printable ASCII stays, the rest becomes \xNN; at
// most `limit` bytes.
std::string printable(std::string_view bytes, std::size_t limit = 64);

}  // namespace hi6gw::log
