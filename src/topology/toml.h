#pragma once
/// As much TOML as laying one configuration over another needs: which keys a file sets, with each
/// value as the text that it is. Inline tables are taken apart into their keys; arrays, strings and
/// dates are passed on as written; arrays of tables ([[x]]) are kept as whole blocks.

#include <string>
#include <string_view>
#include <vector>

namespace tinet::detail {

struct TomlEntry {
  std::vector<std::string> key;  ///< {"storage", "block-cache", "capacity"}
  std::string value;             ///< TOML text, e.g. "\"128MB\""
  int line = 0;
};

/// [[path]] with all that belongs to it.
struct TomlBlock {
  std::vector<std::string> path;
  std::string text;
  int line = 0;
};

struct TomlDocument {
  std::vector<TomlEntry> entries;
  std::vector<TomlBlock> blocks;
};

/// @param file names the text in errors
/// @throws Error Usage "FILE:LINE: ..." for malformed text, a key or table that is given twice, and
///         a key that is both a value and a table
[[nodiscard]] TomlDocument parse_toml(std::string_view text, const std::string& file);

/// Keys of the root first, then each table once.
[[nodiscard]] std::string format_toml(const TomlDocument& document);

/// "text" as a TOML basic string, with its quotes.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace tinet::detail
