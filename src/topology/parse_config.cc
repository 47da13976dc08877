#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/topology/parse_component.h"

namespace tinet::detail {
namespace {

/// Aliases can make YAML endless; no program's configuration nests deeper than this.
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxSettings = 2000;

/// Quoted YAML scalars are text, and so are plain ones that are neither numbers nor booleans. A
/// template that yields a number says so with the tag !!int, !!float or !!bool.
bool is_text(const YAML::Node& node) {
  const auto& tag = node.Tag();
  if (tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" ||
      tag == "tag:yaml.org,2002:bool") {
    return false;
  }
  const auto& text = node.Scalar();
  const bool number = !text.empty() && text.find_first_not_of("0123456789+-.") == std::string::npos;
  return tag == "!" || !(number || text == "true" || text == "false");
}

void parse_settings(const YamlValue& value, const std::optional<Condition>& when,
                    const std::vector<std::string>& prefix, std::vector<SettingSpec>& settings) {
  value.each_pair([&](const std::string& key, const YamlValue& entry) {
    auto path = prefix;
    path.push_back(key);
    if (path.size() > kMaxDepth || settings.size() >= kMaxSettings) {
      entry.fail("nests too deep or has too many settings");
    }
    if (entry.is_map()) {
      parse_settings(entry, when, path, settings);
      return;
    }
    SettingSpec setting;
    setting.when = when;
    setting.key = std::move(path);
    if (entry.is_list()) {
      setting.is_list = true;
      setting.is_text = true;
      entry.each_element(
          [&](const YamlValue& element) { setting.elements.push_back(element.as_template()); });
    } else {
      setting.value = entry.as_template();
      setting.is_text = is_text(entry.node());
    }
    settings.push_back(std::move(setting));
  });
}

void parse_conditional_settings(const YamlValue& value, std::vector<SettingSpec>& settings) {
  value.each_element([&](const YamlValue& group) {
    YamlMap map(group);
    const auto when = map.require("when");
    parse_settings(map.require("settings"), parse_condition(when.text(), when.place()), {},
                   settings);
    map.finish();
  });
}

ConfigFormat parse_format(const YamlValue& value) {
  const auto word = value.text();
  if (word == "toml") {
    return ConfigFormat::Toml;
  }
  if (word == "yaml") {
    return ConfigFormat::Yaml;
  }
  if (word == "text") {
    return ConfigFormat::Text;
  }
  value.fail("is not a format: '" + word + "'", suggestion(word, {"toml", "yaml", "text"}));
}

}  // namespace

ConfigSpec parse_config(const YamlValue& value) {
  ConfigSpec config;
  YamlMap map(value);
  config.file = map.require("file").text();
  config.format = parse_format(map.require("format"));
  if (const auto settings = map.get("settings")) {
    parse_settings(*settings, std::nullopt, {}, config.settings);
  }
  if (const auto conditional = map.get("settings_when")) {
    parse_conditional_settings(*conditional, config.settings);
  }
  const auto text = map.get("text");
  if (text) {
    config.text = text->as_template();
  }
  if (const auto owned = map.get("owned")) {
    config.owned = owned->texts();
  }
  if (const auto as_flags = map.get("as_flags")) {
    config.as_flags = as_flags->boolean();
  }
  if (const auto file_args = map.get("file_args")) {
    file_args->each_element(
        [&](const YamlValue& arg) { config.file_args.push_back(arg.as_template()); });
  }
  map.finish();
  if ((config.format == ConfigFormat::Text) != text.has_value()) {
    value.fail("needs 'text' with format text, and 'settings' with the other formats");
  }
  if (config.format == ConfigFormat::Text && !config.settings.empty()) {
    value.fail("cannot have 'settings' with format text");
  }
  if (config.as_flags == config.file_args.empty()) {
    value.fail("needs 'as_flags: true' and 'file_args' together");
  }
  return config;
}

}  // namespace tinet::detail
