#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>

#include <array>
#include <cstdlib>
#include <string>

namespace hi6gw::log {
namespace {

constexpr std::size_t kQueueLines = 8192;
bool json_lines = false;  // set once by configure(), before the loop and its lines

// systemd sets JOURNAL_STREAM for what it starts with its output connected to the journal.
bool under_journald() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): called before there is a second thread
    return std::getenv("JOURNAL_STREAM") != nullptr;
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

}  // namespace

Result<void> configure(std::string_view level, Format format) {
    const auto parsed = spdlog::level::from_str(std::string(level));
    if (parsed == spdlog::level::off && level != "off") {
        return Fault{"unknown log level '" + std::string(level) + "'"};
    }
    spdlog::sink_ptr sink;
    if (format == Format::automatic && under_journald()) {
        sink = std::make_shared<spdlog::sinks::systemd_sink_mt>("hi6gw");
    } else {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    spdlog::init_thread_pool(kQueueLines, 1);
    auto logger = std::make_shared<spdlog::async_logger>(
        "hi6gw", sink, spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
    json_lines = format == Format::json;
    if (json_lines) {
        logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                            spdlog::pattern_time_type::utc);
    } else {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    }
    logger->set_level(parsed);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    return {};
}

void shutdown() {
    spdlog::shutdown();
}

void Logger::emit(spdlog::level::level_enum level, const std::string& text) const {
    std::string line;
    if (json_lines) {
        line += R"("who":")";
        append_escaped(line, prefix_);
        line += R"(","message":")";
        append_escaped(line, text);
        line += '"';
    } else {
        line = '[' + prefix_ + "] " + text;
    }
    spdlog::log(level, "{}", line);
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
