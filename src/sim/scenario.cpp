#include "sim/scenario.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <utility>

namespace hi6gw::sim {
namespace {

constexpr int kMostMissedTicks = 1000;
// Nothing reacts faster than this: two reactions that chase each other do not keep the loop busy.
constexpr std::chrono::nanoseconds kScan = std::chrono::milliseconds(1);

constexpr std::array<std::string_view, 16> kKeys = {
    "every",  "at",     "set",  "value", "counter",   "by",     "from",  "to",
    "toggle", "random", "sine", "mean",  "amplitude", "period", "pulse", "width"};
constexpr std::array<std::string_view, 5> kReactionKeys = {"when", "is", "set", "value", "after"};

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
        {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}, {"", 0}}};
    double number = 0;
    const auto* const end = text.data() + text.size();
    const auto [unit_at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || !(number >= 0) || number > 1e6) {
        return std::nullopt;
    }
    const std::string_view unit(unit_at, std::size_t(end - unit_at));
    for (const auto& [name, factor] : kUnits) {
        if (unit == name && (factor > 0 || number == 0)) {
            return std::chrono::nanoseconds(std::llround(number * factor));
        }
    }
    return std::nullopt;
}

// Reads one entry of the file; throws YAML::RepresentationException with the place.
struct Scenario::Reader {
    const Memory& memory;

    [[noreturn]] static void fail(const YAML::Node& node, const std::string& what) {
        throw YAML::RepresentationException(node.Mark(), what);
    }
    template <std::size_t N>
    static void check_keys(const YAML::Node& entry, const std::array<std::string_view, N>& known) {
        for (const auto& member : entry) {
            const auto key = member.first.as<std::string>();
            if (std::find(known.begin(), known.end(), key) == known.end()) {
                fail(member.first,
                     fmt::format("unknown key {}; known: {}", key, fmt::join(known, " ")));
            }
        }
    }
    static double number(const YAML::Node& entry, const char* key, double absent) {
        if (!entry[key]) {
            return absent;
        }
        const auto value = entry[key].as<double>();
        if (!std::isfinite(value)) {
            fail(entry[key], fmt::format("{}: a finite number", key));
        }
        return value;
    }
    static Duration duration(const YAML::Node& entry, const char* key, Duration absent) {
        if (!entry[key]) {
            return absent;
        }
        const auto value = parse_duration(entry[key].as<std::string>());
        if (!value) {
            fail(entry[key], fmt::format("{}: a duration such as 250ms, 5s, 2min", key));
        }
        return *value;
    }
    [[nodiscard]] Place place(const YAML::Node& entry, const char* key) const {
        const auto name = entry[key].as<std::string>();
        const auto found = memory.place(name, IndexUnit::byte);
        if (!found) {
            fail(entry[key], fmt::format("{}: no such relay: {}", key, name));
        }
        return *found;
    }
    static std::optional<std::uint32_t> bits(const YAML::Node& entry, const char* key, View view) {
        if (!entry[key]) {
            return std::nullopt;
        }
        const auto value = encode(view, entry[key].as<double>());
        if (!value) {
            fail(entry[key], fmt::format("{}: out of the range of the relay", key));
        }
        return value;
    }

    [[nodiscard]] Step step(const YAML::Node& entry) const {
        constexpr std::array<std::pair<const char*, Kind>, 6> kKinds = {{{"set", Kind::set},
                                                                         {"counter", Kind::counter},
                                                                         {"toggle", Kind::toggle},
                                                                         {"random", Kind::random},
                                                                         {"sine", Kind::sine},
                                                                         {"pulse", Kind::pulse}}};
        check_keys(entry, kKeys);
        Step step;
        const auto* const kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& each) {
            return bool(entry[each.first]);
        });
        if (kind == kKinds.end()) {
            fail(entry, "what is to happen? one of set counter toggle random sine pulse, or when");
        }
        step.kind = kind->second;
        step.place = place(entry, kind->first);
        const bool bit = step.place.view == View::bit;
        step.every = duration(entry, "every", Duration::zero());
        step.due = duration(entry, "at", step.every);
        if (step.every < kScan && (entry["every"] || !entry["at"])) {
            fail(entry, "every: a duration from 1ms (or at: a duration, to happen once)");
        }
        step.value = number(entry, step.kind == Kind::counter ? "by" : "value", 1);
        step.low = number(entry, "from", 0);
        step.high = number(entry, "to", bit ? 1 : 100);
        step.mean = number(entry, "mean", 0);
        step.amplitude = number(entry, "amplitude", 1);
        step.period = duration(entry, step.kind == Kind::sine ? "period" : "width",
                               std::chrono::seconds(step.kind == Kind::sine ? 60 : 1));
        if (step.low > step.high || step.period == Duration::zero()) {
            fail(entry, "from may not be above to; period and width may not be 0");
        }
        return step;
    }

    [[nodiscard]] Reaction reaction(const YAML::Node& entry) const {
        check_keys(entry, kReactionKeys);
        Reaction reaction;
        reaction.source = place(entry, "when");
        reaction.after = std::max(duration(entry, "after", kScan), kScan);
        reaction.last = memory.bits(reaction.source);
        reaction.is = bits(entry, "is", reaction.source.view);
        if (!entry["set"]) {
            fail(entry, "set: missing, the relay that reacts");
        }
        reaction.target = place(entry, "set");
        reaction.value = bits(entry, "value", reaction.target.view);
        if (!reaction.value && reaction.target.view != reaction.source.view) {
            fail(entry, "without value the target follows the source: both need the same type");
        }
        return reaction;
    }
};

Result<Scenario> Scenario::parse(const std::string& yaml, Memory& memory, std::uint64_t seed) {
    Scenario scenario(memory, seed);
    const Reader reader{memory};
    try {
        const auto root = YAML::Load(yaml);
        if (!root.IsMap() || root.size() != 1 || !root["steps"] || !root["steps"].IsSequence()) {
            return hi6gw::Fault{"a scenario is a map with one key, steps, and a list in it"};
        }
        for (const auto& entry : root["steps"]) {
            if (!entry.IsMap()) {
                Reader::fail(entry, "a step is a map");
            }
            if (entry["when"]) {
                scenario.reactions_.push_back(reader.reaction(entry));
            } else {
                scenario.steps_.push_back(reader.step(entry));
            }
        }
    } catch (const YAML::Exception& error) {
        return hi6gw::Fault{fmt::format("line {}: {}", error.mark.line + 1, error.msg)};
    }
    return scenario;
}

void Scenario::put(const Place& place, double value) {
    if (place.view == View::bit) {
        value = value != 0 ? 1 : 0;
    } else if (place.view != View::real) {
        value = std::round(value);
    }
    // A wave or a counter that leaves the range of its type keeps the last value.
    if (const auto bits = encode(place.view, value)) {
        memory_->set_bits(place, *bits);
    }
}

double Scenario::number_at(const Place& place) const {
    const auto value = memory_->get(place);
    return value.is_real ? double{value.real} : double(value.integer);
}

void Scenario::run(Step& step, Duration now) {
    switch (step.kind) {
        case Kind::set:
            put(step.place, step.value);
            break;
        case Kind::counter: {
            const auto next = number_at(step.place) + step.value;
            const bool outside = next > step.high || next < step.low;
            put(step.place, !outside ? next : step.value < 0 ? step.high : step.low);
            break;
        }
        case Kind::toggle:
            put(step.place, number_at(step.place) == 0 ? 1 : 0);
            break;
        case Kind::random:
            put(step.place, step.place.view == View::real
                                ? std::uniform_real_distribution<>(step.low, step.high)(random_)
                                : double(std::uniform_int_distribution<std::int64_t>(
                                      std::int64_t(step.low), std::int64_t(step.high))(random_)));
            break;
        case Kind::sine: {
            const auto turns = double(now.count()) / double(step.period.count());
            put(step.place, step.mean + step.amplitude * std::sin(2 * std::numbers::pi * turns));
            break;
        }
        case Kind::pulse:
            put(step.place, 1);
            later(now + step.period, step.place, 0);
            break;
    }
}

void Scenario::later(Duration due, const Place& place, std::uint32_t bits) {
    if (pending_.size() == kMostPending) {
        return;
    }
    const auto at =
        std::upper_bound(pending_.begin(), pending_.end(), due,
                         [](Duration when, const Pending& each) { return when < each.due; });
    pending_.insert(at, {due, place, bits});
}

void Scenario::advance(Duration now) {
    for (auto& step : steps_) {
        for (int ticks = 0; !step.done && step.due <= now; ++ticks) {
            if (ticks == kMostMissedTicks) {
                step.due = now + step.every;
                break;
            }
            run(step, step.due);
            step.due += step.every;
            step.done = step.every == Duration::zero();
        }
    }
    while (!pending_.empty() && pending_.front().due <= now) {
        memory_->set_bits(pending_.front().place, pending_.front().bits);
        pending_.pop_front();
    }
    react(now);
}

void Scenario::react(Duration now) {
    for (auto& reaction : reactions_) {
        const auto bits = memory_->bits(reaction.source);
        if (bits == std::exchange(reaction.last, bits) || (reaction.is && bits != *reaction.is)) {
            continue;
        }
        later(now + reaction.after, reaction.target, reaction.value.value_or(bits));
    }
}

std::optional<Scenario::Duration> Scenario::next() const {
    std::optional<Duration> next;
    const auto consider = [&](Duration due) { next = next ? std::min(*next, due) : due; };
    for (const auto& step : steps_) {
        if (!step.done) {
            consider(step.due);
        }
    }
    if (!pending_.empty()) {
        consider(pending_.front().due);
    }
    return next;
}

}  // namespace hi6gw::sim
