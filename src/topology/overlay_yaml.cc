#include "src/topology/overlay_yaml.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "src/base/text.h"
#include "src/topology/yaml_reader.h"

namespace tinet::detail {
namespace {

/// Aliases can make YAML endless.
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxNodes = 10'000;

/// A mapping being merged: either a subtree or a leaf from one of the two sides.
struct Tree {
  struct Child {
    std::string key;
    std::unique_ptr<Tree> tree;
  };
  std::vector<Child> children;       ///< in order of first appearance
  std::optional<YAML::Node> user;    ///< a leaf or list of the user's file
  const Setting* setting = nullptr;  ///< a leaf of the topology

  Tree& at(const std::string& key) {
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](const Child& child) { return child.key == key; });
    if (found != children.end()) {
      return *found->tree;
    }
    return *children.emplace_back(Child{key, std::make_unique<Tree>()}).tree;
  }
};

/// What one merge needs everywhere.
struct Overlay {
  const std::vector<std::string>& owned;
  const std::string& flag;
  std::size_t nodes = 0;
};

void lay_over(Tree& tree, const YamlValue& value, std::vector<std::string> path, Overlay& overlay) {
  value.each_pair([&](const std::string& key, const YamlValue& entry) {
    auto here = path;
    here.push_back(key);
    if (here.size() > kMaxDepth || ++overlay.nodes > kMaxNodes) {
      entry.fail("nests too deep or is too large");
    }
    Tree& child = tree.at(key);
    if (entry.is_map() && entry.node().size() > 0) {
      child.setting = nullptr;
      child.user.reset();
      lay_over(child, entry, here, overlay);
      return;
    }
    refuse_owned(here, overlay.owned, entry.place(), overlay.flag);
    child = Tree{};
    child.user = entry.node();
  });
}

void emit_text(YAML::Emitter& out, const std::string& text, bool quoted) {
  if (quoted) {
    out << YAML::DoubleQuoted;
  }
  out << text;
}

/// Written by hand because YAML::Emitter forgets which scalars of a node were quoted, and "1" is
/// not 1.
void emit_node(YAML::Emitter& out, const YAML::Node& node, std::size_t depth, Overlay& overlay,
               const std::string& file) {
  if (depth > kMaxDepth || ++overlay.nodes > kMaxNodes) {
    fail_at(place_of(node, file), "nests too deep or is too large");
  }
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      emit_text(out, node.Scalar(), node.Tag() == "!");
      break;
    case YAML::NodeType::Sequence:
      out << YAML::BeginSeq;
      for (const auto& element : node) {
        emit_node(out, element, depth + 1, overlay, file);
      }
      out << YAML::EndSeq;
      break;
    case YAML::NodeType::Map:
      out << YAML::BeginMap;
      for (const auto& pair : node) {
        out << YAML::Key << pair.first.Scalar() << YAML::Value;
        emit_node(out, pair.second, depth + 1, overlay, file);
      }
      out << YAML::EndMap;
      break;
    default:
      out << YAML::Null;
  }
}

void emit_setting(YAML::Emitter& out, const Setting& setting) {
  if (!setting.is_list) {
    emit_text(out, setting.value, setting.is_text);
    return;
  }
  out << YAML::BeginSeq;
  for (const auto& element : setting.elements) {
    emit_text(out, element, true);
  }
  out << YAML::EndSeq;
}

void emit_tree(YAML::Emitter& out, const Tree& tree, Overlay& overlay, const std::string& file) {
  if (tree.user) {
    emit_node(out, *tree.user, 0, overlay, file);
    return;
  }
  if (tree.setting != nullptr) {
    emit_setting(out, *tree.setting);
    return;
  }
  out << YAML::BeginMap;
  for (const auto& child : tree.children) {
    out << YAML::Key << child.key << YAML::Value;
    emit_tree(out, *child.tree, overlay, file);
  }
  out << YAML::EndMap;
}

}  // namespace

std::string render_yaml(const std::vector<Setting>& settings, const std::vector<std::string>& owned,
                        const UserConfig* user, const std::string& flag) {
  Tree tree;
  for (const auto& setting : settings) {
    Tree* at = &tree;
    for (const auto& key : setting.key) {
      at = &at->at(key);
    }
    *at = Tree{};
    at->setting = &setting;
  }
  const std::string file = user == nullptr ? std::string{} : user->path;
  Overlay overlay{owned, flag};
  if (user != nullptr) {
    const auto root = load_yaml(user->content, file);
    if (root.IsDefined() && !root.IsNull()) {
      lay_over(tree, YamlValue(root, "", file), {}, overlay);
    }
  }
  if (tree.children.empty()) {
    return {};
  }
  YAML::Emitter out;
  emit_tree(out, tree, overlay, file);
  return std::string(out.c_str()) + "\n";
}

}  // namespace tinet::detail
