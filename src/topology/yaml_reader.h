#pragma once
/// Strict reading of YAML nodes: every error names file and line. Only for the .cc files that
/// parse; this header pulls in yaml-cpp.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "src/topology/template.h"

namespace tinet::detail {

/// @throws Error Usage for text that is not one YAML document, with the place
[[nodiscard]] YAML::Node load_yaml(std::string_view text, const std::string& file);

/// "FILE:LINE: MESSAGE" as Error Usage.
[[noreturn]] void fail_at(const SourcePlace& place, const std::string& message,
                          const std::string& hint = {});

[[nodiscard]] SourcePlace place_of(const YAML::Node& node, const std::string& file);

/// Hint for a name that is none of `known`: "did you mean 'x'?", or the list of them.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& known);

/// A node with the path of keys that led to it, for errors: "components.node.stop.grace".
class YamlValue {
 public:
  YamlValue(const YAML::Node& node, std::string path, const std::string& file)
      : node_(node), path_(std::move(path)), file_(&file) {}

  [[nodiscard]] const YAML::Node& node() const { return node_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] SourcePlace place() const { return place_of(node_, *file_); }
  [[noreturn]] void fail(const std::string& message, const std::string& hint = {}) const;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::int64_t integer(std::int64_t least, std::int64_t most) const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t duration_ms() const;
  [[nodiscard]] Template as_template() const;
  [[nodiscard]] bool is_scalar() const { return node_.IsScalar(); }
  [[nodiscard]] bool is_list() const { return node_.IsSequence(); }
  [[nodiscard]] bool is_map() const { return node_.IsMap(); }

  /// Calls `use` for each element of a sequence.
  void each_element(const std::function<void(const YamlValue&)>& use) const;
  /// Calls `use` for each pair of a mapping, in the file's order; duplicate keys are refused.
  void each_pair(const std::function<void(const std::string& key, const YamlValue&)>& use) const;
  /// A sequence of scalars, or one scalar as a sequence of one.
  [[nodiscard]] std::vector<std::string> texts() const;

 private:
  [[nodiscard]] const char* kind() const;

  YAML::Node node_;
  std::string path_;
  const std::string* file_;
};

/// A mapping whose keys are fixed. Ask for each key, then call finish(), which refuses the others.
class YamlMap {
 public:
  explicit YamlMap(const YamlValue& value);

  [[nodiscard]] std::optional<YamlValue> get(const std::string& key);
  /// @throws Error Usage when the key is missing
  [[nodiscard]] YamlValue require(const std::string& key);
  void finish() const;

 private:
  struct Entry {
    std::string key;
    YamlValue value;
    SourcePlace place;
  };
  [[noreturn]] void fail_unknown(const Entry& entry,
                                 const std::vector<std::string>& candidates) const;

  YamlValue value_;
  std::vector<Entry> entries_;
  std::vector<std::string> known_;
};

}  // namespace tinet::detail
