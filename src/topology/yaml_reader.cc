#include "src/topology/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"

namespace tinet::detail {

YAML::Node load_yaml(std::string_view text, const std::string& file) {
  try {
    const auto documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      fail_at({file, 0}, "holds more than one YAML document", "remove the '---' lines");
    }
    return documents.empty() ? YAML::Node() : documents.front();
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 0 : error.mark.line + 1;
    fail_at({file, line}, "not valid YAML: " + error.msg);
  }
}

void fail_at(const SourcePlace& place, const std::string& message, const std::string& hint) {
  throw_usage(to_string(place) + ": " + message, hint);
}

SourcePlace place_of(const YAML::Node& node, const std::string& file) {
  const auto mark = node.Mark();
  return {file, mark.is_null() ? 0 : mark.line + 1};
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (const auto near = nearest(word, known); !near.empty()) {
    return "did you mean '" + near + "'?";
  }
  return known.empty() ? std::string{} : "known here: " + join(known, ", ");
}

const char* YamlValue::kind() const {
  switch (node_.Type()) {
    case YAML::NodeType::Scalar:
      return "a single value";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a mapping";
    default:
      return "nothing";
  }
}

void YamlValue::fail(const std::string& message, const std::string& hint) const {
  fail_at(place(), "'" + path_ + "' " + message, hint);
}

std::string YamlValue::text() const {
  if (!node_.IsScalar()) {
    fail(std::string("must be text, but is ") + kind());
  }
  auto text = node_.Scalar();
  // A NUL would end the text early where it becomes an argument, a path or a variable.
  if (text.find('\0') != std::string::npos) {
    fail("holds a NUL character");
  }
  return text;
}

std::int64_t YamlValue::integer(std::int64_t least, std::int64_t most) const {
  const auto word = text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || value < least || value > most) {
    fail("must be a number from " + std::to_string(least) + " to " + std::to_string(most) +
         ", but is '" + word + "'");
  }
  return value;
}

bool YamlValue::boolean() const {
  const auto word = text();
  if (word != "true" && word != "false") {
    fail("must be true or false, but is '" + word + "'");
  }
  return word == "true";
}

std::int64_t YamlValue::duration_ms() const {
  const auto duration = parse_duration(text(), to_string(place()) + ": '" + path_ + "'");
  const auto ms = std::chrono::duration_cast<Milliseconds>(duration).count();
  if (ms < 1) {
    fail("must be at least 1ms, but is '" + text() + "'");
  }
  return ms;
}

Template YamlValue::as_template() const {
  return Template(text(), place());
}

void YamlValue::each_element(const std::function<void(const YamlValue&)>& use) const {
  if (!node_.IsSequence()) {
    fail(std::string("must be a list, but is ") + kind());
  }
  std::size_t index = 0;
  for (const YAML::Node& element : node_) {
    use(YamlValue(element, path_ + "[" + std::to_string(index++) + "]", *file_));
  }
}

void YamlValue::each_pair(
    const std::function<void(const std::string& key, const YamlValue&)>& use) const {
  if (!node_.IsMap()) {
    fail(std::string("must be a mapping, but is ") + kind());
  }
  std::set<std::string> seen;
  for (const auto& pair : node_) {
    const auto place = place_of(pair.first, *file_);
    if (!pair.first.IsScalar()) {
      fail_at(place, "a key of '" + path_ + "' must be text");
    }
    const auto key = pair.first.Scalar();
    if (!seen.insert(key).second) {
      fail_at(place, "duplicate key '" + key + "'");
    }
    use(key, YamlValue(pair.second, path_.empty() ? key : path_ + "." + key, *file_));
  }
}

std::vector<std::string> YamlValue::texts() const {
  if (is_scalar()) {
    return {text()};
  }
  std::vector<std::string> all;
  each_element([&](const YamlValue& element) { all.push_back(element.text()); });
  return all;
}

YamlMap::YamlMap(const YamlValue& value) : value_(value) {
  value.each_pair([&](const std::string& key, const YamlValue& entry) {
    entries_.push_back({key, entry, entry.place()});
  });
}

std::optional<YamlValue> YamlMap::get(const std::string& key) {
  known_.push_back(key);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? std::nullopt : std::optional(found->value);
}

YamlValue YamlMap::require(const std::string& key) {
  auto value = get(key);
  if (!value) {
    const auto& path = value_.path();
    // Its misspelling is what the user has to correct.
    for (const auto& entry : entries_) {
      if (std::find(known_.begin(), known_.end(), entry.key) == known_.end() &&
          !nearest(entry.key, {key}).empty()) {
        fail_unknown(entry, {key});
      }
    }
    fail_at(value_.place(), (path.empty() ? "" : "'" + path + "': ") + "missing key '" + key + "'");
  }
  return *value;
}

void YamlMap::finish() const {
  for (const auto& entry : entries_) {
    if (std::find(known_.begin(), known_.end(), entry.key) == known_.end()) {
      fail_unknown(entry, known_);
    }
  }
}

void YamlMap::fail_unknown(const Entry& entry, const std::vector<std::string>& candidates) const {
  const auto& path = value_.path();
  fail_at(entry.place,
          "unknown key '" + entry.key + "'" + (path.empty() ? "" : " in '" + path + "'"),
          suggestion(entry.key, candidates));
}

}  // namespace tinet::detail
