#pragma once
// YAML text to a tree of nodes that know where they stand. Takes any bytes, with bounded memory and
// stack. The one place that includes yaml-cpp and catches its exceptions; it knows nothing of keys.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::config {

inline constexpr std::size_t kMaxFileBytes = std::size_t{16} * 1024 * 1024;
inline constexpr std::size_t kMaxNodes = 1'000'000;  // aliases count as what they stand for
inline constexpr std::size_t kMaxDepth = 32;         // the deepest key of a configuration is at 6

// Never repeats text of the file: it may be a password that lacks its quotes.
struct YamlFault {
    int line = 0;  // 1-based; 0: the file as a whole
    int column = 0;
    std::string text;
};

class YamlTree {
  public:
    enum class Kind : std::uint8_t { null, scalar, sequence, map };
    struct Node {
        Kind kind = Kind::null;
        int line = 0;  // 1-based
        int column = 0;
        std::string text;                   // scalar: its value, quotes and escapes resolved
        std::vector<const Node*> children;  // map: key, value, key, value, ...
        std::size_t weight = 1;             // nodes in this subtree, aliases written out
    };

    // Exactly one document of UTF-8 without control characters.
    [[nodiscard]] std::optional<YamlFault> parse(std::string_view bytes);
    [[nodiscard]] const Node& root() const { return *root_; }  // after a successful parse

  private:
    friend class TreeBuilder;
    std::deque<Node> nodes_;
    const Node* root_ = nullptr;
};

}  // namespace hi6gw::config
