// config/README.md and the loader say the same.

#include "config/keys.h"
#include "support.h"
#include "support/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace hi6gw::config {
namespace {

using test::Files;

struct Row {
    std::string key;
    std::string default_value;  // empty: not a literal
    bool in_defaults = false;
};

std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> out;
    std::size_t begin = 2;
    for (auto end = line.find(" |", begin); end != std::string::npos;
         end = line.find(" |", begin)) {
        out.push_back(line.substr(begin, end - begin));
        begin = std::min(end + 3, line.size());
    }
    return out;
}

// A cell that is nothing but `code`.
std::string literal(const std::string& cell) {
    const bool code =
        cell.size() > 2 && cell.front() == '`' && cell.find('`', 1) == cell.size() - 1;
    return code ? cell.substr(1, cell.size() - 2) : std::string{};
}

std::vector<Row> documented() {
    std::ifstream file(std::filesystem::path(SOURCE_DIR) / "config/README.md");
    std::vector<Row> rows;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| `")) {
            const auto cell = cells(line);
            EXPECT_GE(cell.size(), 6U) << line;
            rows.push_back({literal(cell.at(0)), literal(cell.at(2)),
                            cell.size() == 7 && cell.at(5) == "yes"});
        }
    }
    return rows;
}

std::string path(const Key& key) {
    return std::string(key.section) + (key.section.empty() ? "" : ".") + std::string(key.name);
}

TEST(Readme, DocumentsExactlyTheKeysOfTheLoader) {
    std::multiset<std::string> in_readme;
    for (const auto& row : documented()) {
        in_readme.insert(row.key);
        if (row.in_defaults) {
            in_readme.insert("defaults." + row.key.substr(row.key.rfind('.') + 1));
        }
    }
    std::multiset<std::string> in_loader;
    for (const auto& key : keys()) {
        in_loader.insert(path(key));
    }
    EXPECT_EQ(in_readme, in_loader);
}

// A file that sets one key.
std::string yaml_with(std::string key, const std::string& value) {
    const std::string quoted = "'" + value + "'";
    std::string above;
    std::string controller;
    std::string signal;
    const auto tail = key.substr(key.rfind('.') + 1) + ": " + quoted;
    if (key.starts_with("controllers[].signals[].")) {
        signal = ", " + tail;
    } else if (key.starts_with("controllers[].")) {
        controller = ", " + tail;
    } else {
        above = key.substr(0, key.find('.')) + ": {" + tail + "}\n";
    }
    return above + "controllers: [{name: r1, url: 'http://10.0.0.1'" + controller +
           ", signals: [{name: a, address: mw20" + signal + "}]}]\n";
}

TEST(Readme, StatesTheDefaultsOfTheLoader) {
    Files files;
    const auto expected = files.load(
        "controllers: [{name: r1, url: 'http://10.0.0.1', signals: [{name: a, address: "
        "mw20}]}]");
    ASSERT_TRUE(expected.config);
    std::size_t compared = 0;
    for (const auto& row : documented()) {
        if (row.default_value.empty()) {
            continue;
        }
        ++compared;
        const auto loaded = files.load(yaml_with(row.key, row.default_value));
        EXPECT_THAT(files.shown(loaded.problems), testing::IsEmpty()) << row.key;
        EXPECT_TRUE(loaded.config == expected.config) << row.key << ": " << row.default_value;
        if (row.in_defaults) {
            const auto key = "defaults." + row.key.substr(row.key.rfind('.') + 1);
            const auto by_default = files.load(yaml_with(key, row.default_value));
            EXPECT_TRUE(by_default.config == expected.config) << key << ": " << row.default_value;
        }
    }
    EXPECT_GE(compared, 25U);
}

// What the example shows commented out is the default too, so uncommenting changes nothing.
TEST(Readme, TheExampleShowsDefaultsInItsComments) {
    const auto example = std::filesystem::path(SOURCE_DIR) / "config/hi6gw.yaml";
    std::ifstream file(example);
    std::string yaml;
    bool head = true;  // prose, up to the first section
    for (std::string line; std::getline(file, line);) {
        const auto hash = line.find("# ");
        const bool commented = hash != std::string::npos && line.find_first_not_of(' ') == hash &&
                               line.find(": ", hash) != std::string::npos;
        head = head && !line.starts_with("gateway:");
        const bool section = line == "# topics:";
        const bool none = line.find("default: none") != std::string::npos;
        if (section || (commented && !head && !none)) {
            line.erase(hash, 2);
        }
        yaml += line + "\n";
    }
    const Files files;
    const auto before = load(example, files.environment());
    const auto after = load_text(yaml, example, files.environment());
    EXPECT_THAT(files.shown(after.problems), testing::IsEmpty()) << yaml;
    EXPECT_TRUE(after.config == before.config) << yaml;
    EXPECT_NE(yaml.find("\n  prefix: hi6\n"), std::string::npos) << yaml;
    EXPECT_NE(yaml.find("\n    max_load: 50%\n"), std::string::npos) << yaml;
}

}  // namespace
}  // namespace hi6gw::config
