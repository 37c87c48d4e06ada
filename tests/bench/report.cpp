#include "report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <optional>
#include <sstream>
#include <utility>

namespace hi6gw::bench {
namespace {

// Three significant digits are more than a shared machine can promise.
std::string figure(double value) {
    std::ostringstream out;
    const double size = std::abs(value);
    out << std::fixed << std::setprecision(size >= 100 ? 0 : (size >= 10 ? 1 : 2)) << value;
    return out.str();
}

// "<= 1.3", "0.9", "5 in theory"; nullopt: no number, or nothing to be a share of.
std::optional<double> number_of(const std::string& goal) {
    const auto at = goal.find_first_of("0123456789");
    double value = 0;
    if (at != std::string::npos) {
        std::from_chars(goal.data() + at, goal.data() + goal.size(), value);
    }
    return value > 0 ? std::optional(value) : std::nullopt;
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
    return out;
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

std::string Report::plot() const {
    constexpr int kLine = 18;
    constexpr double kGoal = 700;  // where the goals stand, and twice that far the figure ends
    constexpr double kLeft = 480;
    const auto x_of = [&](double share) { return kLeft + std::min(share, 2.0) * (kGoal - kLeft); };
    std::ostringstream rows;
    int y = kLine;
    const auto text = [&](double x, const std::string& words, const char* more) {
        rows << "<text x='" << x << "' y='" << y << "'" << more << ">" << escaped(words)
             << "</text>\n";
    };
    for (const Section& section : sections_) {
        bool titled = false;
        for (const Row& row : section.rows) {
            const std::optional<double> goal = number_of(row.goal);
            if (!goal) {
                continue;
            }
            if (!std::exchange(titled, true)) {
                y += kLine;
                text(8, section.title, " font-weight='bold'");
                y += kLine;
            }
            const auto [least, most] = std::ranges::minmax(row.rounds);
            const double median = percentile(row.rounds, 0.5);
            text(16, row.what + " (" + row.goal + ")", "");
            rows << "<rect x='" << kLeft << "' y='" << y - 10 << "' height='10' fill='#7aa6d0' "
                 << "width='" << std::max(0.0, x_of(median / *goal) - kLeft) << "'/>\n"
                 << "<line x1='" << x_of(std::max(0.0, least / *goal)) << "' x2='"
                 << x_of(std::max(0.0, most / *goal)) << "' y1='" << y - 5 << "' y2='" << y - 5
                 << "' stroke='black'/>\n";
            text(x_of(2) + 8, figure(median) + ' ' + row.unit, "");
            y += kLine;
        }
    }
    std::ostringstream out;
    out << "<svg xmlns='http://www.w3.org/2000/svg' width='1040' height='" << y + kLine
        << "' font-family='sans-serif' font-size='11'>\n"
        << "<rect width='100%' height='100%' fill='white'/>\n"
        << "<line x1='" << kGoal << "' x2='" << kGoal << "' y1='8' y2='" << y
        << "' stroke='#c33'/><text x='" << kGoal + 4 << "' y='16' fill='#c33'>goal</text>\n"
        << rows.str() << "</svg>\n";
    return out.str();
}

}  // namespace hi6gw::bench
