#pragma once
// Figures of several rounds, and the table made of them.

#include <map>
#include <string>
#include <vector>

namespace hi6gw::bench {

// The value below which the share `p` (0..1) of the values lies, interpolated; 0 without values.
[[nodiscard]] double percentile(std::vector<double> values, double p);

// Rows in the order in which they were first named; one figure a round.
class Report {
  public:
    void section(const std::string& title);
    // `goal`: what it is held against, as text; may be empty.
    void add(const std::string& what, const std::string& unit, double value,
             const std::string& goal = "");
    // A remark below the present section's table; said once however often it is added.
    void note(const std::string& text);
    // Markdown.
    [[nodiscard]] std::string table() const;
    // SVG: what has a goal, as a share of it.
    [[nodiscard]] std::string plot() const;

  private:
    struct Row {
        std::string what;
        std::string unit;
        std::string goal;
        std::vector<double> rounds;
    };
    struct Section {
        std::string title;
        std::vector<Row> rows;
        std::vector<std::string> notes;
    };
    std::vector<Section> sections_;
    std::size_t present_ = 0;
};

}  // namespace hi6gw::bench
