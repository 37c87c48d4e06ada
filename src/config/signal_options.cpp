// The keys of a signal that make its options: reading, and what fits which type.

#include "config/keys.h"
#include "config/signals.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <type_traits>

namespace hi6gw::config {

using domain::SignalOptions;
using hi6::Width;
using namespace std::chrono_literals;

namespace {

constexpr DurationRange kPoll{1ms, 1h};
constexpr DurationRange kInterval{1ms, 24h, true};

struct RawRange {
    std::int64_t min;
    std::int64_t max;
};

// Of bits and integers.
RawRange raw_range(Width width, bool is_unsigned) {
    if (width == Width::bit) {
        return {0, 1};
    }
    const int bits = width == Width::byte ? 8 : width == Width::word ? 16 : 32;
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    return is_unsigned ? RawRange{0, 2 * half - 1} : RawRange{-half, half - 1};
}

// Least and greatest published value.
std::pair<double, double> reach(const SignalOptions& options, Width width) {
    const auto raw = raw_range(width, options.is_unsigned);
    double low = static_cast<double>(raw.min);
    double high = static_cast<double>(raw.max);
    if (width == Width::real) {
        low = double{std::numeric_limits<float>::lowest()};
        high = double{std::numeric_limits<float>::max()};
    }
    return std::minmax(
        {low * options.scale + options.offset, high * options.scale + options.offset});
}

std::string plain(double value) {
    return fmt::format("{}", value);
}

}  // namespace

void SignalReader::read_defaults(const Place& place) {
    const Section section(values_.report(), place, kDefaultsSection);
    defaults_ = read_options(section, {});
    check_order(section, defaults_);
}

SignalOptions SignalReader::read_options(const Section& section, SignalOptions options) {
    static constexpr std::pair<std::string_view, bool> kAccess[] = {{"r", false}, {"rw", true}};
    // Takes over what `read` makes of a key that is given and right.
    const auto take = [&](std::string_view key, auto& field, const auto& read) {
        if (const auto* place = section.find(key)) {
            if (auto value = read(*place)) {
                // Some fields are optional themselves.
                // NOLINTNEXTLINE(bugprone-optional-value-conversion)
                field = static_cast<std::remove_reference_t<decltype(field)>>(*std::move(value));
                return true;
            }
        }
        return false;
    };
    const auto boolean = [&](const Place& place) { return values_.boolean(place); };
    const auto number = [&](const Place& place) { return values_.number(place); };
    const auto text = [&](const Place& place) { return values_.text(place); };
    const auto interval = [&](const Place& place) { return values_.duration(place, kInterval); };

    take("access", options.writable, [&](const Place& at) { return values_.choice(at, kAccess); });
    take("poll", options.poll, [&](const Place& at) { return values_.duration(at, kPoll); });
    take("min_interval", options.min_interval, interval);
    take("max_interval", options.max_interval, interval);
    take("invert", options.invert, boolean);
    take("unsigned", options.is_unsigned, boolean);
    take("retain", options.retain, boolean);
    take("events", options.events, boolean);
    take("verify", options.verify, boolean);
    take("qos", options.qos, [&](const Place& at) { return values_.integer(at, 0, 2); });
    const bool scale = take("scale", options.scale, number);
    const bool offset = take("offset", options.offset, number);
    options.scaled = options.scaled || scale || offset;
    if (scale && options.scale == 0.0) {
        values_.report().error(*section.find("scale"), "0 is not allowed; any other number is");
        options.scale = 1.0;
    }
    if (take("deadband", options.deadband, number) && options.deadband < 0.0) {
        values_.report().error(*section.find("deadband"), "must be 0 or more");
    }
    take("min", options.min, number);
    take("max", options.max, number);
    take("unit", options.unit, text);
    take("feedback", options.feedback, text);
    take("description", options.description, text);
    if (const auto* place = section.find("values")) {
        read_values(*place, options);
    }
    return options;
}

void SignalReader::read_values(const Place& place, SignalOptions& options) {
    auto& report = values_.report();
    options.texts.clear();
    const auto& node = *place.node;
    if (node.kind != YamlTree::Kind::map || node.children.empty()) {
        report.error(place, "must be numbers with their texts, as in {0: open, 1: closed}");
        return;
    }
    std::set<std::int64_t> numbers;
    std::set<std::string> texts;
    for (std::size_t at = 0; at + 1 < node.children.size(); at += 2) {
        const auto* key = node.children[at];
        const Place member{place.file, node.children[at + 1], &place, key->text, 0};
        const auto raw =
            key->kind == YamlTree::Kind::scalar ? parse_integer(key->text) : std::nullopt;
        if (!raw) {
            report.error({place.file, key, &place, key->text, 0}, "must be a whole number");
            continue;
        }
        if (!numbers.insert(*raw).second) {
            report.error({place.file, key, &place, key->text, 0}, "duplicate number");
        }
        if (auto text = values_.text(member)) {
            if (text->empty() || !texts.insert(*text).second) {
                report.error(member, text->empty() ? "must not be empty"
                                                   : "this text already stands for another number");
            }
            options.texts.emplace_back(*raw, *std::move(text));
        }
    }
    std::sort(options.texts.begin(), options.texts.end());
}

void SignalReader::check_order(const Section& section, const SignalOptions& options) {
    const auto either = [&](std::string_view low, std::string_view high) {
        const auto* place = section.find(low);
        return place != nullptr ? place : section.find(high);
    };
    if (const auto* place = either("min_interval", "max_interval");
        place != nullptr && options.max_interval.count() > 0 &&
        options.min_interval > options.max_interval) {
        values_.report().error(*place, "min_interval " + to_string(options.min_interval) +
                                           " is longer than max_interval " +
                                           to_string(options.max_interval));
    }
    if (const auto* place = either("min", "max");
        place != nullptr && options.min && options.max && *options.min > *options.max) {
        values_.report().error(
            *place, "min " + plain(*options.min) + " is above max " + plain(*options.max));
    }
}

// What the entry itself says must fit the type; what it has from `defaults` is dropped where it
// does not.
void SignalReader::fit_to_type(const Section& section, SignalOptions& options,
                               const hi6::Address& address) {
    const SignalOptions none;
    const bool bit = address.width == Width::bit;
    const bool real = address.width == Width::real;
    const auto only = [&](bool fits, std::string_view key, auto SignalOptions::* field,
                          std::string_view what) {
        if (fits || options.*field == none.*field) {
            return;
        }
        options.*field = none.*field;
        if (const auto* place = section.find(key)) {
            values_.report().error(*place, std::string(what));
        }
    };
    only(bit, "invert", &SignalOptions::invert, "only a bit can be inverted");
    only(!bit && !real, "unsigned", &SignalOptions::is_unsigned,
         "only b, w and l addresses can be unsigned");
    only(!bit, "scale", &SignalOptions::scale, "a bit has no scale");
    only(!bit, "offset", &SignalOptions::offset, "a bit has no offset");
    only(!bit, "deadband", &SignalOptions::deadband, "a bit has no deadband");
    only(!bit, "min", &SignalOptions::min, "a bit has no range");
    only(!bit, "max", &SignalOptions::max, "a bit has no range");
    only(!real, "values", &SignalOptions::texts, "an f address has no texts for its values");
    only(hi6::is_writable(address.area), "access", &SignalOptions::writable,
         "rw is not possible: " + hi6::to_string(address.area) +
             " is not written by this gateway; do, m, r and k are");
    options.scaled = options.scaled && !bit;
}

void SignalReader::check_ranges(const Section& section, const SignalOptions& options,
                                const hi6::Address& address) {
    auto& report = values_.report();
    if (address.width != Width::real) {
        const auto raw = raw_range(address.width, options.is_unsigned);
        const auto outside = std::find_if(
            options.texts.begin(), options.texts.end(),
            [&](const auto& text) { return text.first < raw.min || text.first > raw.max; });
        if (const auto* place = section.find("values");
            place != nullptr && outside != options.texts.end()) {
            report.error(*place, std::to_string(outside->first) +
                                     " is not a value of this address; " + std::to_string(raw.min) +
                                     " to " + std::to_string(raw.max) + " are");
        }
    }
    if (address.width == Width::bit) {
        return;
    }
    const auto [low, high] = reach(options, address.width);
    const auto within = [&](std::string_view key, const std::optional<double>& limit) {
        const auto* place = section.find(key);
        if (place != nullptr && limit && (*limit < low || *limit > high)) {
            report.error(*place, plain(*limit) + " is out of reach; this address has " +
                                     plain(low) + " to " + plain(high));
        }
    };
    within("min", options.min);
    within("max", options.max);
}

std::size_t SignalReader::Hash::operator()(const Shared& options) const {
    std::size_t hash = std::hash<std::string>{}(options->description);
    const auto mix = [&](std::size_t more) { hash = hash * 1'000'003U ^ more; };
    mix(std::hash<std::string>{}(options->unit));
    mix(std::hash<std::string>{}(options->feedback));
    mix(std::hash<std::int64_t>{}(options->poll.count()));
    mix(std::hash<double>{}(options->scale));
    mix(std::hash<double>{}(options->offset));
    mix(std::hash<double>{}(options->min.value_or(0.5)));
    mix(std::hash<double>{}(options->max.value_or(0.5)));
    mix(options->texts.empty() ? 0U : std::hash<std::string>{}(options->texts.front().second));
    return hash;
}

std::shared_ptr<const SignalOptions> SignalReader::intern(SignalOptions options) {
    return *interned_.insert(std::make_shared<const SignalOptions>(std::move(options))).first;
}

}  // namespace hi6gw::config
