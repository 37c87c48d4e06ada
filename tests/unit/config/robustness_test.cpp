// Any bytes: no crash, every problem has a place, and errors and a configuration exclude each
// other.

#include "support.h"
#include "support/paths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>

namespace hi6gw::config {
namespace {

Environment nothing() {
    return {[](const std::string&) -> std::optional<std::string> { return std::nullopt; }, "host"};
}

// True when it loads.
bool judge(const std::string& yaml) {
    const auto loaded = load_text(yaml, "/nonexistent/c.yaml", nothing());
    const bool failed = std::any_of(loaded.problems.begin(), loaded.problems.end(),
                                    [](const Problem& problem) { return !problem.warning; });
    EXPECT_NE(failed, loaded.config.has_value()) << yaml;
    const auto lines = std::count(yaml.begin(), yaml.end(), '\n') + 1;
    for (const auto& problem : loaded.problems) {
        const auto text = to_string(problem);
        EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20;
        })) << text;
        EXPECT_LE(problem.line, lines) << text;
        EXPECT_FALSE(problem.text.empty()) << yaml;
    }
    return !failed;
}

std::string good_file() {
    std::ifstream file(std::filesystem::path(SOURCE_DIR) / "tests/data/config/everything.yaml");
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Robustness, AnyBytes) {
    std::mt19937 random(1);
    const std::string alphabet = "{}[]:,-#&*!|>'\"%@ \n\t\r?ab01.~<\\$\x01\x7f\x80\xc3\xa9\xff";
    for (int round = 0; round < 20'000; ++round) {
        std::string yaml(random() % 60, ' ');
        std::generate(yaml.begin(), yaml.end(),
                      [&] { return alphabet[random() % alphabet.size()]; });
        judge(yaml);
    }
}

TEST(Robustness, AGoodFileWithMistakes) {
    const auto good = good_file();
    ASSERT_TRUE(judge(good));
    std::mt19937 random(2);
    int loaded = 0;
    constexpr int kRounds = 2'000;
    for (int round = 0; round < kRounds; ++round) {
        auto yaml = good;
        for (auto edits = 1 + random() % 3; edits > 0; --edits) {
            const auto at = random() % yaml.size();
            const auto size = std::min<std::size_t>(random() % 12, yaml.size() - at);
            switch (random() % 4) {
                case 0:
                    yaml.erase(at, size);
                    break;
                case 1:
                    yaml.insert(at, yaml.substr(random() % yaml.size(), size));
                    break;
                case 2:
                    yaml[at] = static_cast<char>(random());
                    break;
                default:
                    yaml[at] = "{}[]:,-#&*!'\"\n 0"[random() % 16];
            }
        }
        loaded += judge(yaml) ? 1 : 0;
    }
    EXPECT_GT(loaded, 0);
    EXPECT_LT(loaded, kRounds);
}

TEST(Robustness, EveryPrefixOfAGoodFile) {
    const auto good = good_file();
    for (std::size_t size = 0; size < good.size(); ++size) {
        judge(good.substr(0, size));
    }
}

}  // namespace
}  // namespace hi6gw::config
