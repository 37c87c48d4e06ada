#include "base/log.h"

#include "base/log_queue.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <sys/stat.h>
#include <sys/syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace hi6gw::log {
namespace {

constexpr std::size_t kQueueLines = 8192;
// Of the shutdown. What is queued is a few lines, unless nobody reads them.
constexpr std::chrono::milliseconds kPatience{100};
bool json_lines = false;          // set once by configure(), before the loop and its lines,
std::shared_ptr<LogQueue> queue;  // and so is this

// Not by way of the C library's stream: a thread that hangs in it would hold up the end of
// the process.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    // `journal`: the other end has the time itself, and takes the level as sd-daemon(3) writes it.
    explicit StderrSink(bool journal) : journal_(journal) {}

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        if (journal_) {
            fmt::format_to(std::back_inserter(line), "<{}>{}\n", priority(message.level),
                           std::string_view(message.payload.data(), message.payload.size()));
        } else {
            formatter_->format(message, line);
        }
        for (std::string_view rest(line.data(), line.size()); !rest.empty();) {
            const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
            if (written < 0 && errno != EINTR) {
                return;  // nobody to tell
            }
            rest.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
        }
    }
    void flush_() override {}
    static int priority(spdlog::level::level_enum level) {
        switch (level) {
            case spdlog::level::critical:
                return LOG_CRIT;
            case spdlog::level::err:
                return LOG_ERR;
            case spdlog::level::warn:
                return LOG_WARNING;
            case spdlog::level::info:
                return LOG_INFO;
            default:
                return LOG_DEBUG;
        }
    }

    const bool journal_;
};

// systemd sets JOURNAL_STREAM, device:inode, for what it starts with its output connected to the
// journal; whoever redirects that hands the variable on all the same.
bool under_journald() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): called before there is a second thread
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat where{};
    return stream != nullptr && ::fstat(STDERR_FILENO, &where) == 0 &&
           stream == fmt::format("{}:{}", where.st_dev, where.st_ino);
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out += c;
        }
    }
}

std::string line_of(const std::string& who, const std::string& text) {
    std::string line;
    if (json_lines) {
        line += R"("who":")";
        append_escaped(line, who);
        line += R"(","message":")";
        append_escaped(line, text);
        line += '"';
    } else {
        line = '[' + who + "] " + text;
    }
    return line;
}

}  // namespace

Result<void> configure(std::string_view level, Format format) {
    const auto parsed = spdlog::level::from_str(std::string(level));
    if (parsed == spdlog::level::off && level != "off") {
        return Fault{"unknown log level '" + std::string(level) + "'"};
    }
    const auto sink = std::make_shared<StderrSink>(format == Format::automatic && under_journald());
    json_lines = format == Format::json;
    queue = std::make_shared<LogQueue>(sink, kQueueLines, [](std::uint64_t lost) {
        return line_of("log", fmt::format("{} lines were dropped: nobody took them", lost));
    });
    auto logger = std::make_shared<spdlog::logger>("hi6gw", queue);
    if (json_lines) {
        logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                            spdlog::pattern_time_type::utc);
    } else {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    }
    logger->set_level(parsed);
    spdlog::set_default_logger(std::move(logger));
    return {};
}

void set_level(std::string_view level) {
    spdlog::default_logger()->set_level(spdlog::level::from_str(std::string(level)));
}

void shutdown() {
    if (queue) {
        queue->close(kPatience);
    }
    spdlog::shutdown();
}

std::uint64_t dropped() {
    return queue ? queue->dropped() : 0;
}

void Logger::emit(spdlog::level::level_enum level, const std::string& text) const {
    spdlog::log(level, "{}", line_of(prefix_, text));
}

void Logger::record(std::string_view what, std::span<const Field> fields) const {
    if (!spdlog::should_log(spdlog::level::info)) {
        return;
    }
    std::string line;
    if (json_lines) {
        line = R"("who":")";
        append_escaped(line, prefix_);
        line.append(R"(","message":")").append(what).append("\"");
    } else {
        line.append("[").append(prefix_).append("] ").append(what);
    }
    for (const Field& field : fields) {
        line += json_lines ? ",\"" : " ";
        line.append(field.name).append(json_lines ? "\":" : "=");
        if (field.text) {
            line += '"';
            append_escaped(line, field.value);
            line += '"';
        } else {
            line += field.value;
        }
    }
    spdlog::info("{}", line);
}

std::string printable(std::string_view bytes, std::size_t limit) {
    std::string out;
    for (const char c : bytes.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        }
    }
    if (bytes.size() > limit) {
        out += "...";
    }
    return out;
}

}  // namespace hi6gw::log
