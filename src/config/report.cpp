#include "config/report.h"

#include "config/keys.h"
#include "hi6/quote.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace hi6gw::config {

namespace {

constexpr std::size_t kMaxProblems = 10'000;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Letter case of `a` does not count; `b` is lower case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (lower(a[i - 1]) == b[j - 1] ? 0U : 1U);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
        }
    }
    return row.back();
}

std::vector<std::string_view> names_of(std::string_view section) {
    std::vector<std::string_view> names;
    for (const auto& key : keys()) {
        if (key.section == section) {
            names.push_back(key.name);
        }
    }
    return names;
}

// A key as a problem may show it: on one line, and without what follows a colon, because to YAML
// `password:secret` without a space is one key.
std::string shown_key(std::string_view key) {
    const bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    return plain ? std::string(key) : hi6::quoted(key);
}

}  // namespace

std::string to_string(const Problem& problem) {
    std::string out = problem.file + ":";
    if (problem.line > 0) {
        out += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ":";
    }
    if (!problem.key.empty()) {
        out += " " + problem.key + ":";
    }
    return out + (problem.warning ? " warning: " : " ") + problem.text;
}

std::string suggestion(std::string_view given, std::span<const std::string_view> candidates) {
    if (given.size() > 40) {
        return {};
    }
    std::size_t best = (given.size() < 4 ? 1U : given.size() < 6 ? 2U : 3U) + 1;
    std::string_view nearest;
    for (const auto& candidate : candidates) {
        const auto distance = edit_distance(given, candidate);
        if (distance < best && distance < candidate.size()) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest.empty() ? std::string{} : " (did you mean " + std::string(nearest) + "?)";
}

std::string joined(std::span<const std::string_view> words) {
    std::string out;
    for (const auto& word : words) {
        out += (out.empty() ? "" : ", ") + std::string(word);
    }
    return out;
}

std::string Place::path() const {
    std::string out = parent != nullptr ? parent->path() : std::string{};
    if (key.data() != nullptr) {
        return out + (out.empty() ? "" : ".") + shown_key(key);
    }
    return parent != nullptr ? out + "[" + std::to_string(index) + "]" : out;
}

std::string Place::position() const {
    return *file + ":" + std::to_string(node->line) + ":" + std::to_string(node->column);
}

void Report::add(const Place& place, std::string text, bool warning) {
    push({*place.file, place.node->line, place.node->column, place.path(), std::move(text),
          warning});
}

void Report::file_error(const std::string& file, int line, int column, std::string text) {
    push({file, line, column, {}, std::move(text), false});
}

void Report::push(Problem problem) {
    errors_ += problem.warning ? 0U : 1U;
    if (std::find(files_.begin(), files_.end(), problem.file) == files_.end()) {
        files_.push_back(problem.file);
    }
    if (problems_.size() < kMaxProblems) {
        problems_.push_back(std::move(problem));
    } else if (problems_.size() == kMaxProblems) {
        problems_.push_back({problem.file,
                             problem.line,
                             problem.column,
                             {},
                             "too many problems; what follows is not shown",
                             false});
    }
}

std::vector<Problem> Report::sorted() && {
    const auto order = [this](const Problem& problem) {
        return std::find(files_.begin(), files_.end(), problem.file) - files_.begin();
    };
    std::stable_sort(problems_.begin(), problems_.end(), [&](const Problem& a, const Problem& b) {
        return std::tuple(order(a), a.line, a.column) < std::tuple(order(b), b.line, b.column);
    });
    const auto same = [](const Problem& a, const Problem& b) {
        return std::tie(a.file, a.line, a.column, a.key, a.text) ==
               std::tie(b.file, b.line, b.column, b.key, b.text);
    };
    problems_.erase(std::unique(problems_.begin(), problems_.end(), same), problems_.end());
    return std::move(problems_);
}

Section::Section(Report& report, const Place& place, std::string_view name) : place_(place) {
    const auto& node = *place.node;
    if (node.kind == YamlTree::Kind::null) {
        return;
    }
    const auto allowed = names_of(name);
    if (node.kind != YamlTree::Kind::map) {
        report.error(place, "must hold keys with values; allowed: " + joined(allowed));
        return;
    }
    for (std::size_t at = 0; at + 1 < node.children.size(); at += 2) {
        add(report, allowed, *node.children[at], *node.children[at + 1]);
    }
}

void Section::add(Report& report, std::span<const std::string_view> allowed,
                  const YamlTree::Node& key, const YamlTree::Node& value) {
    if (key.kind != YamlTree::Kind::scalar) {
        report.error({place_.file, &key, place_.parent, place_.key, place_.index},
                     "a key must be plain text; allowed: " + joined(allowed));
        return;
    }
    const std::string_view name = key.text;
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
        report.error({place_.file, &key, &place_, name.substr(0, name.find_first_of(":= ")), 0},
                     "unknown key" + suggestion(name, allowed) + "; allowed: " + joined(allowed));
        return;
    }
    if (const auto* earlier = find(name)) {
        report.error({place_.file, &key, &place_, name, 0},
                     "duplicate key; the first one is at " + earlier->position());
        return;
    }
    members_.push_back({place_.file, &value, &place_, name, 0});
}

const Place* Section::find(std::string_view key) const {
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const Place& member) { return member.key == key; });
    return found != members_.end() ? &*found : nullptr;
}

}  // namespace hi6gw::config
