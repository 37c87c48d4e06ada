#pragma once
// Topic names from the configured templates. Pure. MQTT 5.0 section 4.7: no wildcards in names, at
// most 65535 bytes of UTF-8, `$` reserved at the start.

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::mqtt {

// A template such as "{prefix}/{controller}/state/{signal}", parsed once.
class TopicTemplate {
  public:
    // `allowed`: the placeholders this topic may use. Errors: unknown or unclosed placeholder,
    // wildcard, empty result.
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
    std::vector<Part> parts_;
};

}  // namespace hi6gw::mqtt
