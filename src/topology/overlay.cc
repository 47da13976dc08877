#include "src/topology/overlay.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/overlay_yaml.h"
#include "src/topology/toml.h"

namespace tinet {
namespace {

using Path = std::vector<std::string>;

/// pd-server and tidb-server match keys without regard to case, so the comparison does too.
std::string lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

bool begins_with(const Path& path, const Path& prefix) {
  return path.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), path.begin(),
                    [](const auto& a, const auto& b) { return lower(a) == lower(b); });
}

std::string toml_value(const Setting& setting) {
  if (!setting.is_list) {
    return setting.is_text ? detail::toml_string(setting.value) : setting.value;
  }
  std::vector<std::string> elements;
  for (const auto& element : setting.elements) {
    elements.push_back(detail::toml_string(element));
  }
  return "[" + join(elements, ", ") + "]";
}

/// The user's key takes the place of a setting with the same key, or of those that it covers.
void lay_over(std::vector<detail::TomlEntry>& entries, const detail::TomlEntry& user) {
  const auto same = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.key.size() == user.key.size() && begins_with(entry.key, user.key);
  });
  if (same != entries.end()) {
    *same = user;
    return;
  }
  std::erase_if(entries, [&](const auto& entry) {
    return begins_with(entry.key, user.key) || begins_with(user.key, entry.key);
  });
  entries.push_back(user);
}

std::string render_toml(const std::vector<Setting>& settings, const std::vector<std::string>& owned,
                        const UserConfig* user, const std::string& flag) {
  detail::TomlDocument document;
  for (const auto& setting : settings) {
    lay_over(document.entries, {setting.key, toml_value(setting), 0});
  }
  if (user == nullptr) {
    return detail::format_toml(document);
  }
  auto theirs = detail::parse_toml(user->content, user->path);
  for (const auto& entry : theirs.entries) {
    detail::refuse_owned(entry.key, owned, {user->path, entry.line}, flag);
    lay_over(document.entries, entry);
  }
  for (const auto& block : theirs.blocks) {
    detail::refuse_owned(block.path, owned, {user->path, block.line}, flag);
    std::erase_if(document.entries,
                  [&](const auto& entry) { return begins_with(entry.key, block.path); });
  }
  document.blocks = std::move(theirs.blocks);
  return detail::format_toml(document);
}

}  // namespace

namespace detail {

void refuse_owned(const Path& key, const std::vector<std::string>& owned, const SourcePlace& place,
                  const std::string& flag) {
  for (const auto& word : owned) {
    const auto path = split(word, '.');
    if (begins_with(key, path) || begins_with(path, key)) {
      throw_usage(
          to_string(place) + ": " + flag + " sets '" + join(key, ".") + "', which tinet decides",
          "remove the key: addresses and paths of an instance belong to tinet");
    }
  }
}

}  // namespace detail

std::string render_config(ConfigFormat format, const std::vector<Setting>& settings,
                          const std::vector<std::string>& owned, const UserConfig* user,
                          const std::string& flag) {
  TINET_ASSERT(format != ConfigFormat::Text);
  return format == ConfigFormat::Toml ? render_toml(settings, owned, user, flag)
                                      : detail::render_yaml(settings, owned, user, flag);
}

}  // namespace tinet
