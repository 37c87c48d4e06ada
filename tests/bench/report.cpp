#include "report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace hi6gw::bench {
namespace {

// Three significant digits are more than a shared machine can promise.
std::string figure(double value) {
    std::ostringstream out;
    const double size = std::abs(value);
    out << std::fixed << std::setprecision(size >= 100 ? 0 : (size >= 10 ? 1 : 2)) << value;
    return out.str();
}

}  // namespace

double percentile(std::vector<double> values, double p) {
    if (values.empty()) {
        return 0;
    }
    std::ranges::sort(values);
    const double at = p * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

void Report::section(const std::string& title) {
    const auto found = std::ranges::find(sections_, title, &Section::title);
    present_ = static_cast<std::size_t>(found - sections_.begin());
    if (found == sections_.end()) {
        sections_.push_back({title, {}, {}});
    }
}

void Report::add(const std::string& what, const std::string& unit, double value,
                 const std::string& goal) {
    auto& rows = sections_.at(present_).rows;
    auto found = std::ranges::find(rows, what, &Row::what);
    if (found == rows.end()) {
        found = rows.insert(rows.end(), {what, unit, goal, {}});
    }
    found->rounds.push_back(value);
}

void Report::note(const std::string& text) {
    auto& notes = sections_.at(present_).notes;
    if (std::ranges::find(notes, text) == notes.end()) {
        notes.push_back(text);
    }
}

std::string Report::table() const {
    std::ostringstream out;
    for (const Section& section : sections_) {
        out << "\n## " << section.title
            << "\n\n| what | median of rounds | least .. most | goal |\n"
            << "|---|---|---|---|\n";
        for (const Row& row : section.rows) {
            const auto [least, most] = std::ranges::minmax(row.rounds);
            out << "| " << row.what << " | " << figure(percentile(row.rounds, 0.5)) << ' '
                << row.unit << " | " << figure(least) << " .. " << figure(most) << " | " << row.goal
                << " |\n";
        }
        for (const std::string& note : section.notes) {
            out << '\n' << note << '\n';
        }
    }
    return out.str();
}

}  // namespace hi6gw::bench
