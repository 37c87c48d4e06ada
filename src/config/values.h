#pragma once
// Scalars of the configuration to typed values. Each reader takes a place, and either returns the
// value or reports what is wrong and what is allowed. Problems quote the file's own text, never
// what ${NAME} stands for.

#include "base/result.h"
#include "config/loader.h"
#include "config/report.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace hi6gw::config {

using Milliseconds = std::chrono::milliseconds;

struct DurationRange {
    Milliseconds min;
    Milliseconds max;
    bool may_be_off = false;  // 0 is allowed too, and means off
};

struct SizeRange {  // bytes
    std::int64_t min;
    std::int64_t max;
};

struct Endpoint {
    std::string host;  // IPv6 without its brackets
    std::uint16_t port = 0;
    std::string scheme;
};
struct Scheme {
    std::string_view name;
    std::uint16_t default_port;
};
inline constexpr Scheme kControllerSchemes[] = {{"http", 8888}};
// A URL that names a host and nothing behind it. The fault never shows the text: it may hold a
// password.
[[nodiscard]] Result<Endpoint> parse_url(std::string_view text, std::span<const Scheme> schemes);

class Values {
  public:
    Values(Report& report, const Environment& environment)
        : report_(report), environment_(environment) {}

    [[nodiscard]] Report& report() { return report_; }

    // Any bytes, for a password: ${NAME} replaced, $${ is a literal ${.
    std::optional<std::string> bytes(const Place& place);
    // UTF-8 without NUL.
    std::optional<std::string> text(const Place& place);
    // [A-Za-z0-9_-]+
    std::optional<std::string> identifier(const Place& place);
    std::optional<std::string> host(const Place& place);  // name or IP address, without a port
    std::optional<bool> boolean(const Place& place);
    std::optional<std::int64_t> integer(const Place& place, std::int64_t min, std::int64_t max);
    std::optional<double> number(const Place& place);
    std::optional<Milliseconds> duration(const Place& place, const DurationRange& range);
    std::optional<std::int64_t> size(const Place& place, const SizeRange& range);  // bytes
    std::optional<double> percentage(const Place& place);                          // 0 < x <= 1
    std::optional<Endpoint> url(const Place& place, std::span<const Scheme> schemes);
    std::optional<Endpoint> listen(const Place& place);  // IP address and port

    template <class E, std::size_t N>
    std::optional<E> choice(const Place& place, const std::pair<std::string_view, E> (&words)[N]) {
        const auto given = text(place);
        if (!given) {
            return std::nullopt;
        }
        std::string_view names[N];
        for (std::size_t at = 0; at < N; ++at) {
            names[at] = words[at].first;
            if (*given == names[at]) {
                return words[at].second;
            }
        }
        report_.error(place, quoted(place) + " is unknown" + suggestion(place.node->text, names) +
                                 "; allowed: " + joined(names));
        return std::nullopt;
    }

    // The text as it stands in the file.
    [[nodiscard]] static std::string quoted(const Place& place);
    // Whether what a parser says of the value could show what a variable holds.
    [[nodiscard]] static bool has_variable(const Place& place);

  private:
    std::optional<std::string> variable(const Place& place, std::string_view name);

    Report& report_;
    const Environment& environment_;
};

[[nodiscard]] bool is_identifier(std::string_view text);
[[nodiscard]] std::string to_string(Milliseconds duration);  // "250ms", "2min": the largest unit
[[nodiscard]] std::string size_text(std::int64_t bytes);     // "256MiB", likewise
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace hi6gw::config
