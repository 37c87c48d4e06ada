#pragma once
// Where in the documents something stands, and the problems found there. The loader's own; the rest
// of the gateway sees loader.h only.

#include "config/loader.h"
#include "config/yaml_tree.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::config {

// A node and the way to it. Places live on the stack of the walk, parents longer than children; the
// path is only spelt out for a problem.
struct Place {
    const std::string* file = nullptr;
    const YamlTree::Node* node = nullptr;
    const Place* parent = nullptr;
    std::string_view key;  // in a map; in a list it has no data and the index counts
    std::size_t index = 0;

    [[nodiscard]] std::string path() const;
    [[nodiscard]] std::string position() const;  // file:line:column
    [[nodiscard]] Place element(std::size_t at) const {
        return {file, node->children[at], this, {}, at};
    }
    // A key that is not there, shown where its map begins.
    [[nodiscard]] Place missing(std::string_view name) const { return {file, node, this, name}; }
};

// Collects problems; bounded, so that a file of a million mistakes does not exhaust the memory.
class Report {
  public:
    void error(const Place& place, std::string text) { add(place, std::move(text), false); }
    void warning(const Place& place, std::string text) { add(place, std::move(text), true); }
    void error(Problem problem) { push(std::move(problem)); }
    void file_error(const std::string& file, int line, int column, std::string text);

    [[nodiscard]] bool failed() const { return errors_ > 0; }
    [[nodiscard]] std::size_t errors() const { return errors_; }
    // By file (in order of appearance) and position; a problem of a file that two controllers share
    // is said once.
    [[nodiscard]] std::vector<Problem> sorted() &&;

  private:
    void add(const Place& place, std::string text, bool warning);
    void push(Problem problem);

    std::vector<Problem> problems_;
    std::vector<std::string> files_;
    std::size_t errors_ = 0;
};

// The members of a map, checked against the keys of its section: reports what is not a map, unknown
// keys (with a suggestion) and duplicates (the first one counts). Nothing at all is an empty map.
class Section {
  public:
    Section(Report& report, const Place& place, std::string_view name);
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

    // The value of a key; nullptr: not given.
    [[nodiscard]] const Place* find(std::string_view key) const;
    [[nodiscard]] const Place& place() const { return place_; }

  private:
    void add(Report& report, std::span<const std::string_view> allowed, const YamlTree::Node& key,
             const YamlTree::Node& value);

    Place place_;
    std::vector<Place> members_;
};

// " (did you mean x?)" when a candidate is near enough, else empty.
[[nodiscard]] std::string suggestion(std::string_view given,
                                     std::span<const std::string_view> candidates);
// "a, b, c"
[[nodiscard]] std::string joined(std::span<const std::string_view> words);

}  // namespace hi6gw::config
