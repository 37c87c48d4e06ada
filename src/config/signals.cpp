#include "config/signals.h"

#include "config/keys.h"
#include "mqtt/topics.h"

#include <algorithm>

namespace hi6gw::config {

namespace {

constexpr std::string_view kVariable = "{i}";

bool uses_variable(std::string_view text) {
    return text.find(kVariable) != std::string_view::npos;
}

std::string replaced(std::string_view text, std::int64_t i) {
    std::string out;
    for (auto at = text.find(kVariable); at != std::string_view::npos; at = text.find(kVariable)) {
        out.append(text.substr(0, at)).append(std::to_string(i));
        text.remove_prefix(at + kVariable.size());
    }
    return out.append(text);
}

std::string name_fault(std::string_view name) {
    if (name.empty()) {
        return "must not be empty";
    }
    if (name.find_first_of("+#$") != std::string_view::npos || mqtt::has_control_character(name)) {
        return "+ # $ and control characters are not allowed in a name";
    }
    if (name.front() == '/' || name.back() == '/' || name.find("//") != std::string_view::npos) {
        return "/ separates levels, and none of them may be empty";
    }
    return name.size() > 1024 ? "must not be longer than 1024 bytes" : "";
}

std::string position(const Origin& origin) {
    return *origin.file + ":" + std::to_string(origin.line) + ":" + std::to_string(origin.column);
}

}  // namespace

// One entry while it is read; what goes wrong for many i is counted and said once.
struct SignalReader::Entry {
    struct Tally {
        std::string first;
        std::size_t count = 0;
        // `text` makes the words; only the first ones are kept.
        template <class Text>
        void add(const Text& text) {
            if (count++ == 0) {
                first = text();
            }
        }
    };
    Entry(Report& report, const Place& place) : section(report, place, kSignalSection) {}

    Section section;
    std::string name;
    std::string address;
    std::optional<std::vector<std::int64_t>> range;
    domain::SignalOptions options;
    std::shared_ptr<const domain::SignalOptions> shared;  // unless they differ by i
    bool checked = false;                                 // against the type
    Tally bad_addresses;
    Tally duplicates;
    std::vector<std::string> feedback;
};

void SignalReader::read_list(const Place& list, SignalScope& scope) {
    if (list.node->kind != YamlTree::Kind::sequence) {
        values_.report().error(list,
                               "must be a list of signals, as in - {name: x, address: fb2.di3}");
        return;
    }
    for (std::size_t at = 0; at < list.node->children.size() && total_ <= kMaxSignals; ++at) {
        read_entry(list.element(at), scope);
    }
}

void SignalReader::read_entry(const Place& place, SignalScope& scope) {
    Entry entry(values_.report(), place);
    if (place.node->kind != YamlTree::Kind::map) {
        if (place.node->kind == YamlTree::Kind::null) {
            values_.report().error(place, "is empty; name and address are needed");
        }
        return;
    }
    entry.options = read_options(entry.section, defaults_);
    check_order(entry.section, entry.options);
    if (read_templates(entry)) {
        expand(entry, scope);
        report_tallies(entry);
    }
    if (!entry.feedback.empty()) {
        const auto* at = entry.section.find("feedback");
        scope.feedback.push_back(
            {{*at->file, at->node->line, at->node->column, at->path(), {}, false},
             std::move(entry.feedback)});
    }
}

bool SignalReader::read_templates(Entry& entry) {
    auto& report = values_.report();
    bool good = true;
    const auto fail = [&](const Place& place, const std::string& what) {
        report.error(place, what);
        good = false;
    };
    const auto* range = entry.section.find("for");
    if (range != nullptr) {
        entry.range = read_range(*range);
        good = entry.range.has_value();
    }
    for (const auto& [key, target] :
         {std::pair{"name", &entry.name}, {"address", &entry.address}}) {
        const auto* place = entry.section.find(key);
        if (place == nullptr) {
            fail(entry.section.place().missing(key), "is missing");
            continue;
        }
        const auto text = values_.text(*place);
        if (!text) {
            good = false;
            continue;
        }
        *target = *text;
        if ((range != nullptr) != uses_variable(*text)) {
            fail(*place, range != nullptr ? "must contain {i}, because the entry has `for`"
                                          : "{i} needs a range, as in for: 0..63");
        } else if (range != nullptr &&
                   replaced(*text, 0).find_first_of("{}") != std::string::npos) {
            fail(*place, "{i} is the only thing in braces that is replaced");
        } else if (target == &entry.name) {
            if (const auto what = name_fault(replaced(*text, 0)); !what.empty()) {
                fail(*place, what);
            }
        }
    }
    if (range == nullptr && uses_variable(entry.options.feedback)) {
        fail(*entry.section.find("feedback"), "{i} needs a range, as in for: 0..63");
    }
    return good;
}

// "0..63", "7", or a list of these.
std::optional<std::vector<std::int64_t>> SignalReader::read_range(const Place& place) {
    std::vector<std::int64_t> out;
    const auto read = [&](const Place& part) {
        const auto given = values_.text(part);
        if (!given) {
            return false;
        }
        const std::string_view text = *given;
        const auto dots = text.find("..");
        const auto first = parse_integer(text.substr(0, dots));
        const auto last =
            dots == std::string_view::npos ? first : parse_integer(text.substr(dots + 2));
        if (!first || !last || *first < 0 || *last < *first || *last > kMaxForIndex) {
            values_.report().error(part, Values::quoted(part) +
                                             " is not a range; FIRST..LAST from 0 to " +
                                             std::to_string(kMaxForIndex) +
                                             " is, as in 0..63, or a list such as [1, 2, 8..15]");
            return false;
        }
        if (out.size() + static_cast<std::size_t>(*last - *first) > kMaxForIndex) {
            values_.report().error(
                part, "more than " + std::to_string(kMaxForIndex + 1) + " signals in one entry");
            return false;
        }
        for (auto i = *first; i <= *last; ++i) {
            out.push_back(i);
        }
        return true;
    };
    if (place.node->kind != YamlTree::Kind::sequence) {
        return read(place) ? std::optional(std::move(out)) : std::nullopt;
    }
    bool good = !place.node->children.empty();
    if (!good) {
        values_.report().error(place, "must not be empty");
    }
    for (std::size_t at = 0; at < place.node->children.size(); ++at) {
        good = read(place.element(at)) && good;
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
}

void SignalReader::expand(Entry& entry, SignalScope& scope) {
    total_ += entry.range ? entry.range->size() : 1;
    if (total_ > kMaxSignals) {  // good or bad: what is bounded is the work
        values_.report().error(entry.section.place(), "more than 1000000 signals in all");
        return;
    }
    if (!entry.range) {
        add_signal(entry, scope, 0);
        return;
    }
    for (const auto i : *entry.range) {
        add_signal(entry, scope, i);
    }
}

void SignalReader::add_signal(Entry& entry, SignalScope& scope, std::int64_t i) {
    const auto at = [&](const std::string& text) { return entry.range ? replaced(text, i) : text; };
    const auto address = hi6::parse_address(at(entry.address), scope.controller.index_unit);
    if (!address) {
        entry.bad_addresses.add([&] {
            const auto with = entry.range ? "with i = " + std::to_string(i) + ": " : std::string{};
            return with + (Values::has_variable(*entry.section.find("address"))
                               ? "the variable makes no valid address"
                               : address.error().what);
        });
        // Its name counts all the same: it may stand twice, or be somebody's feedback.
        static const auto unknown = std::make_shared<const domain::SignalOptions>();
        enlist(entry, scope, {at(entry.name), {}, unknown});
        return;
    }
    if (!entry.checked) {  // i stands for digits, so type and relay are the same for all
        entry.checked = true;
        fit_to_type(entry.section, entry.options, *address);
        check_ranges(entry.section, entry.options, *address);
        if (scope.controller.block_read == BlockMode::off && !hi6::has_single_read(address->area)) {
            values_.report().error(*entry.section.find("address"),
                                   "can only be read by block reads, and block_read is off");
        }
        const bool differ = entry.range && (uses_variable(entry.options.feedback) ||
                                            uses_variable(entry.options.description));
        entry.shared = differ ? nullptr : intern(entry.options);
    }
    auto options = entry.shared;
    if (!options) {
        auto own = entry.options;
        own.feedback = at(own.feedback);
        own.description = at(own.description);
        options = intern(std::move(own));
    }
    if (!options->feedback.empty()) {
        const bool itself = options->feedback == at(entry.name);
        entry.feedback.push_back(itself ? std::string{} : options->feedback);
    }
    enlist(entry, scope, {at(entry.name), *address, std::move(options)});
}

void SignalReader::enlist(Entry& entry, SignalScope& scope, Signal signal) {
    auto& signals = scope.controller.signals;
    const auto [known, added] =
        scope.by_name.emplace(signal.name, static_cast<std::uint32_t>(signals.size()));
    if (!added) {
        entry.duplicates.add([&, first = known->second] {
            return "duplicate name '" + signal.name + "'; the first one is at " +
                   position(scope.origins[first]);
        });
        return;
    }
    const auto& place = entry.section.place();
    signals.push_back(std::move(signal));
    scope.origins.push_back({place.file, place.node->line, place.node->column});
}

void SignalReader::report_tallies(const Entry& entry) {
    const auto say = [&](const Entry::Tally& tally, std::string_view key) {
        if (tally.count > 0) {
            values_.report().error(
                *entry.section.find(key),
                tally.first +
                    (tally.count > 1 ? " (and " + std::to_string(tally.count - 1) + " more)" : ""));
        }
    };
    say(entry.bad_addresses, "address");
    say(entry.duplicates, "name");
}

void SignalReader::finish(SignalScope& scope) {
    for (auto& [problem, names] : scope.feedback) {
        const auto unknown = std::find_if(names.begin(), names.end(), [&](const auto& name) {
            return scope.by_name.find(name) == scope.by_name.end();
        });
        if (unknown != names.end()) {
            problem.text = unknown->empty()
                               ? "must be another signal than this one"
                               : "there is no signal '" + *unknown + "' in this controller";
            values_.report().error(std::move(problem));
        }
    }
    scope.controller.signals.shrink_to_fit();
}

}  // namespace hi6gw::config
