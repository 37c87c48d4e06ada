#include "config/topic_check.h"

#include "mqtt/topics.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <tuple>

namespace hi6gw::config {

namespace {

// Indices of an array, hence unscoped.
// NOLINTBEGIN(readability-identifier-naming): constants, as elsewhere
enum Kind : std::uint8_t { kState, kEvent, kSet, kResult, kStatus, kGap, kGateway, kKinds };
// NOLINTEND(readability-identifier-naming)

struct Template {
    std::string_view key;
    std::string Topics::* text;
    std::vector<std::string> placeholders;
};

const std::array<Template, kKinds>& templates() {
    static const std::array<Template, kKinds> all = {{
        {"state", &Topics::state, {"prefix", "gateway", "controller", "signal"}},
        {"event", &Topics::event, {"prefix", "gateway", "controller", "signal"}},
        {"set", &Topics::set, {"prefix", "gateway", "controller", "signal", "client"}},
        {"result", &Topics::result, {"prefix", "gateway", "controller", "signal", "client"}},
        {"status", &Topics::status, {"prefix", "gateway", "controller"}},
        {"gap", &Topics::gap, {"prefix", "gateway", "controller"}},
        {"gateway", &Topics::gateway, {"prefix", "gateway"}},
    }};
    return all;
}

// A topic of one signal (or controller, or the gateway). `level`: with this level replaced by +, to
// be compared with the filters of `set`; kWhole: as it is.
struct Use {
    static constexpr std::uint32_t kWhole = ~0U;
    std::size_t hash = 0;
    std::uint32_t controller = 0;
    std::uint32_t signal = 0;
    std::uint32_t level = kWhole;
    Kind kind = kState;
};

std::uint32_t level_of_client(const std::string& filter) {
    const auto plus = filter.find('+');
    return plus == std::string::npos
               ? Use::kWhole
               : static_cast<std::uint32_t>(std::count(
                     filter.begin(), filter.begin() + static_cast<std::ptrdiff_t>(plus), '/'));
}

std::string with_level_open(std::string topic, std::uint32_t level) {
    std::size_t begin = 0;
    for (; level > 0; --level) {
        const auto slash = topic.find('/', begin);
        if (slash == std::string::npos) {
            return topic;
        }
        begin = slash + 1;
    }
    return topic.replace(begin, std::min(topic.find('/', begin), topic.size()) - begin, "+");
}

class TopicCheck {
  public:
    TopicCheck(Report& report, const Config& config, const Place& root, const Section* section,
               const std::vector<std::vector<Origin>>& origins)
        : report_(report), config_(config), root_(root), section_(section), origins_(origins) {}

    void run() {
        if (parse()) {
            collect();
            compare();
        }
    }

  private:
    [[nodiscard]] const Place* given(Kind kind) const {
        return section_ != nullptr ? section_->find(templates()[kind].key) : nullptr;
    }
    bool parse();
    void collect();
    void compare();
    void add(const Use& use);
    [[nodiscard]] std::string topic(const Use& use) const;
    [[nodiscard]] std::string owner(const Use& use) const;
    void complain(const Use& use, const Use* other, const std::string& what);

    Report& report_;
    const Config& config_;
    const Place& root_;
    const Section* section_;
    const std::vector<std::vector<Origin>>& origins_;
    std::vector<mqtt::TopicTemplate> parsed_;
    std::vector<Use> uses_;
    std::set<std::uint32_t> open_levels_;
    std::set<std::pair<Kind, Kind>> said_;
};

bool TopicCheck::parse() {
    bool good = true;
    for (std::uint8_t kind = 0; kind < kKinds; ++kind) {
        const auto& info = templates()[kind];
        auto made = mqtt::TopicTemplate::parse(config_.topics.*info.text, info.placeholders);
        if (!made) {
            const auto* place = given(static_cast<Kind>(kind));
            report_.error(place != nullptr ? *place : root_,
                          place != nullptr && Values::has_variable(*place)
                              ? "the variable makes no valid topic template"
                              : made.error().what);
            good = false;
            continue;
        }
        parsed_.push_back(*std::move(made));
    }
    if (good && parsed_[kResult].uses("client") && !parsed_[kSet].uses("client")) {
        report_.error(*given(kResult), "{client} comes from the set topic, which has none");
        good = false;
    }
    return good;
}

std::string TopicCheck::topic(const Use& use) const {
    mqtt::TopicTemplate::Values values{config_.topics.prefix, config_.gateway.id, {}, {}, "+"};
    if (use.kind != kGateway) {
        const auto& controller = config_.controllers[use.controller];
        values.controller = controller.name;
        if (use.kind < kStatus) {
            values.signal = controller.signals[use.signal].name;
        }
    }
    auto out = parsed_[use.kind].expand(values);
    return use.level == Use::kWhole ? out : with_level_open(std::move(out), use.level);
}

void TopicCheck::add(const Use& use) {
    auto text = topic(use);
    if (use.level == Use::kWhole) {
        auto name = text;
        std::replace(name.begin(), name.end(), '+', 'x');  // of {client}
        if (const auto fault = mqtt::topic_fault(name)) {
            complain(use, nullptr, "the topic of " + owner(use) + " " + *fault);
            return;
        }
        if (use.kind == kSet && level_of_client(text) != Use::kWhole) {
            open_levels_.insert(level_of_client(text));
        }
    }
    auto whole = use;
    whole.level = Use::kWhole;
    if (use.level != Use::kWhole && text == topic(whole)) {
        return;  // it has no such level
    }
    uses_.push_back(use);
    uses_.back().hash = std::hash<std::string>{}(text);
}

void TopicCheck::collect() {
    for (std::uint32_t c = 0; c < config_.controllers.size(); ++c) {
        add({0, c, 0, Use::kWhole, kStatus});
        if (has_events(config_.controllers[c])) {
            add({0, c, 0, Use::kWhole, kGap});
        }
        for (std::uint32_t s = 0; s < config_.controllers[c].signals.size(); ++s) {
            for (const auto kind : {kState, kEvent, kSet, kResult}) {
                add({0, c, s, Use::kWhole, kind});
            }
        }
    }
    add({0, 0, 0, Use::kWhole, kGateway});
    const auto whole = uses_.size();
    for (const auto level : open_levels_) {
        for (std::size_t at = 0; at < whole; ++at) {
            if (uses_[at].kind != kSet) {
                auto open = uses_[at];
                open.level = level;
                add(open);
            }
        }
    }
}

// Equal topics have equal hashes: sorted by them, only neighbours need to be spelt out. Whole ones
// come first; two that are both open in a level may well be equal.
void TopicCheck::compare() {
    const auto key = [](const Use& use) {
        return std::tuple(use.hash, use.level != Use::kWhole, use.kind, use.controller, use.signal);
    };
    std::sort(uses_.begin(), uses_.end(),
              [&](const Use& a, const Use& b) { return key(a) < key(b); });
    for (std::size_t first = 0, last = 0; first < uses_.size(); first = last) {
        while (last < uses_.size() && uses_[last].hash == uses_[first].hash) {
            ++last;
        }
        for (std::size_t at = first + 1; at < last; ++at) {
            const auto& a = uses_[first];
            const auto& b = uses_[at];
            if (a.level == Use::kWhole && topic(a) == topic(b)) {
                complain(b, &a, {});
            }
        }
    }
}

std::string TopicCheck::owner(const Use& use) const {
    std::string key(templates()[use.kind].key);
    if (use.kind == kGateway) {
        return key;
    }
    const auto& controller = config_.controllers[use.controller];
    return key + " of " + controller.name +
           (use.kind >= kStatus ? "" : " '" + controller.signals[use.signal].name + "'");
}

// Once per pair of kinds: a template that lacks {signal} makes all signals collide.
void TopicCheck::complain(const Use& use, const Use* other, const std::string& what) {
    if (!said_.insert({use.kind, other != nullptr ? other->kind : kKinds}).second) {
        return;
    }
    const auto text = other == nullptr ? what
                                       : "the topic '" + topic(use) + "' is that of " +
                                             owner(*other) + " and that of " + owner(use);
    const auto* place = given(use.kind);
    if (place == nullptr && other != nullptr) {
        place = given(other->kind);
    }
    if (place == nullptr && section_ != nullptr) {
        place = section_->find("prefix");
    }
    const auto& signal = other != nullptr && use.kind >= kStatus ? *other : use;
    if (place != nullptr) {
        report_.error(*place, text);
    } else if (signal.kind < kStatus) {
        const auto& origin = origins_[signal.controller][signal.signal];
        report_.error({*origin.file, origin.line, origin.column, "topics", text, false});
    } else {
        report_.error(root_, text);
    }
}

}  // namespace

void check_topics(Report& report, const Config& config, const Place& root, const Section* section,
                  const std::vector<std::vector<Origin>>& origins) {
    TopicCheck(report, config, root, section, origins).run();
}

}  // namespace hi6gw::config
