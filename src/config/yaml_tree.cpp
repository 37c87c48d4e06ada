#include "config/yaml_tree.h"

#include "mqtt/topics.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace hi6gw::config {

namespace {

struct Refused {  // thrown through yaml-cpp by the builder, caught in parse()
    YAML::Mark mark;
    const char* text = "";
};

YamlFault fault_at(const YAML::Mark& mark, std::string text) {
    if (mark.is_null()) {
        return {0, 0, std::move(text)};
    }
    return {mark.line + 1, mark.column + 1, std::move(text)};
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f;
}

// Before yaml-cpp sees it, because that takes byte 4 for the end of the file and passes invalid
// UTF-8 on.
std::optional<YamlFault> check_text(std::string_view bytes) {
    const auto control = std::find_if(bytes.begin(), bytes.end(), is_control) - bytes.begin();
    const auto good = std::min(mqtt::utf8_prefix(bytes), static_cast<std::size_t>(control));
    if (good == bytes.size()) {
        return std::nullopt;
    }
    const auto before = bytes.substr(0, good);
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return YamlFault{static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                     static_cast<int>(good - line_start) + 1,
                     is_control(bytes[good]) ? "a control character; only text is allowed"
                                             : "not valid UTF-8; save the file in that encoding"};
}

}  // namespace

class TreeBuilder : public YAML::EventHandler {
  public:
    explicit TreeBuilder(YamlTree& tree) : tree_(tree) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (tree_.root_ != nullptr) {
            throw Refused{mark, "a second document; only one is allowed in a file"};
        }
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        attach(make(mark, YamlTree::Kind::null, anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto* node = anchor < anchors_.size() ? anchors_[anchor] : nullptr;
        if (node == nullptr) {
            throw Refused{mark, "an alias inside of what it stands for"};
        }
        count(mark, node->weight);
        attach(node);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tag(mark, tag);
        auto* node = make(mark, YamlTree::Kind::scalar, anchor);
        node->text = value;
        attach(node);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        start(mark, tag, YamlTree::Kind::sequence, anchor);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        start(mark, tag, YamlTree::Kind::map, anchor);
    }
    void OnMapEnd() override { end(); }

  private:
    struct Open {
        YamlTree::Node* node;
        YAML::anchor_t anchor;
    };

    static void check_tag(const YAML::Mark& mark, const std::string& tag) {
        // "?" and "!" are what yaml-cpp calls plain and quoted text.
        if (!tag.empty() && tag != "?" && tag != "!" && !tag.starts_with("tag:yaml.org,2002:")) {
            throw Refused{mark, "tags are not supported; text that starts with ! needs quotes"};
        }
    }
    void count(const YAML::Mark& mark, std::size_t nodes) {
        total_ += nodes;
        if (total_ > kMaxNodes) {
            throw Refused{mark, "the file has more than 1000000 items (aliases written out)"};
        }
    }
    YamlTree::Node* make(const YAML::Mark& mark, YamlTree::Kind kind, YAML::anchor_t anchor) {
        count(mark, 1);
        auto* node = &tree_.nodes_.emplace_back();
        node->kind = kind;
        node->line = mark.line + 1;
        node->column = mark.column + 1;
        if (kind == YamlTree::Kind::null || kind == YamlTree::Kind::scalar) {
            remember(anchor, node);
        }
        return node;
    }
    void start(const YAML::Mark& mark, const std::string& tag, YamlTree::Kind kind,
               YAML::anchor_t anchor) {
        check_tag(mark, tag);
        if (open_.size() >= kMaxDepth) {
            throw Refused{mark, "nested too deep; at most 32 levels are allowed"};
        }
        open_.push_back({make(mark, kind, anchor), anchor});
    }
    void end() {
        const auto done = open_.back();
        open_.pop_back();
        remember(done.anchor, done.node);
        attach(done.node);
    }
    void attach(const YamlTree::Node* node) {
        if (open_.empty()) {
            tree_.root_ = node;
        } else {
            open_.back().node->children.push_back(node);
            open_.back().node->weight += node->weight;
        }
    }
    // Only complete nodes: an alias can then never make a cycle.
    void remember(YAML::anchor_t anchor, const YamlTree::Node* node) {
        if (anchor != YAML::NullAnchor) {
            anchors_.resize(std::max<std::size_t>(anchors_.size(), anchor + 1));
            anchors_[anchor] = node;
        }
    }

    YamlTree& tree_;
    std::vector<Open> open_;
    std::vector<const YamlTree::Node*> anchors_;
    std::size_t total_ = 0;
};

std::optional<YamlFault> YamlTree::parse(std::string_view bytes) {
    if (bytes.size() > kMaxFileBytes) {
        return YamlFault{0, 0, "larger than 16 MiB"};
    }
    if (auto fault = check_text(bytes)) {
        return fault;
    }
    std::istringstream stream{std::string(bytes)};
    TreeBuilder builder(*this);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Refused& refused) {
        return fault_at(refused.mark, refused.text);
    } catch (const YAML::DeepRecursion& deep) {
        return fault_at(deep.mark, "nested too deep; at most 32 levels are allowed");
    } catch (const YAML::Exception& error) {
        // What follows the colon of a message is text of the file.
        const bool alias = error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR);
        return fault_at(error.mark,
                        alias ? "an alias without its anchor; text that starts with * "
                                "needs quotes"
                              : "not valid YAML: " + error.msg.substr(0, error.msg.find(':')));
    } catch (const std::exception& error) {
        return YamlFault{0, 0, std::string("not valid YAML: ") + error.what()};
    }
    if (root_ == nullptr) {
        return YamlFault{0, 0, "is empty"};
    }
    return std::nullopt;
}

}  // namespace hi6gw::config
