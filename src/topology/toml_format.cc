#include <algorithm>

#include "src/topology/toml.h"

namespace tinet::detail {
namespace {

std::string key_text(const std::vector<std::string>& key) {
  constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  std::string text;
  for (const auto& part : key) {
    const bool bare = !part.empty() && part.find_first_not_of(kBare) == std::string::npos;
    text += (text.empty() ? "" : ".") + (bare ? part : toml_string(part));
  }
  return text;
}

std::vector<std::string> table_of(const TomlEntry& entry) {
  return {entry.key.begin(), entry.key.end() - 1};
}

}  // namespace

std::string toml_string(std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'u', '0', '0', kHexDigits[byte >> 4U], kHexDigits[byte & 15U]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string format_toml(const TomlDocument& document) {
  std::vector<std::vector<std::string>> tables = {{}};
  for (const auto& entry : document.entries) {
    const auto table = table_of(entry);
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) {
      tables.push_back(table);
    }
  }
  std::string out;
  for (const auto& table : tables) {
    std::string body;
    for (const auto& entry : document.entries) {
      if (table_of(entry) == table) {
        body += key_text({entry.key.back()}) + " = " + entry.value + "\n";
      }
    }
    if (!table.empty()) {
      out += (out.empty() ? "[" : "\n[") + key_text(table) + "]\n";
    }
    out += body;
  }
  for (const auto& block : document.blocks) {
    out += (out.empty() ? "" : "\n") + block.text + "\n";
  }
  return out;
}

}  // namespace tinet::detail
