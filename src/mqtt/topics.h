#pragma once
// Topic names from the configured templates. Pure. MQTT 5.0 section 4.7: no wildcards in names, at
// most 65535 bytes of UTF-8, `$` reserved at the start.

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::mqtt {

inline constexpr std::size_t kMaxTopicBytes = 65535;  // MQTT 5.0 section 1.5.4

// UTF-8 as MQTT wants it (section 1.5.4): well-formed, shortest form, no surrogates.
[[nodiscard]] bool is_utf8(std::string_view text);
// Length of the part before the first byte that is not UTF-8.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text);
// True when a C0 or C1 control character or DEL is in this well-formed UTF-8.
[[nodiscard]] bool has_control_character(std::string_view utf8);

// What keeps this text from being a topic name to publish to; nullopt: nothing.
[[nodiscard]] std::optional<std::string> topic_fault(std::string_view topic);

// A template such as "{prefix}/{controller}/state/{signal}", parsed once.
class TopicTemplate {
  public:
    // `allowed`: the placeholders this topic may use. Errors: unknown or unclosed placeholder,
    // {signal} or {client} twice, {client} beside other text in its level, and what topic_fault()
    // finds in the text.
    [[nodiscard]] static Result<TopicTemplate> parse(std::string_view text,
                                                     const std::vector<std::string>& allowed);

    struct Values {
        std::string_view prefix, gateway, controller, signal, client;
    };
    [[nodiscard]] std::string expand(const Values& values) const;
    // The two ends around {signal} with all else filled in: a signal's topic is before + name +
    // after, which a publisher can build without a look-up. A template without {signal}: all in
    // `before`.
    struct Ends {
        std::string before, after;
    };
    [[nodiscard]] Ends ends(const Values& values) const;
    // As a subscription filter: {client} becomes +; {signal} is filled in from the values.
    [[nodiscard]] std::string filter(const Values& values) const;
    [[nodiscard]] bool uses(std::string_view placeholder) const;

  private:
    struct Part {
        bool placeholder = false;
        std::string text;  // literal, or the placeholder's name
    };
    [[nodiscard]] std::optional<Fault> fault() const;

    std::vector<Part> parts_;
};

}  // namespace hi6gw::mqtt
