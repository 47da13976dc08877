#include <algorithm>
#include <map>
#include <set>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/template.h"
#include "src/topology/toml.h"

namespace tinet::detail {
namespace {

using Path = std::vector<std::string>;

constexpr int kMaxDepth = 32;

/// Reads from a position in the text; every error names the line.
class TomlReader {
 public:
  TomlReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  TomlDocument run() {
    Path table;
    for (skip_blank_lines(); !at_end(); skip_blank_lines()) {
      if (peek("[[")) {
        read_block();
        table.clear();
        continue;
      }
      if (peek("[")) {
        table = read_header("[", "]");
        if (!tables_.insert(table).second) {
          fail("table '" + join(table, ".") + "' is given twice");
        }
      } else {
        read_pair(table, 0);
      }
      end_line();
    }
    check_values_and_tables();
    return std::move(document_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { fail(message, line_); }
  [[noreturn]] void fail(const std::string& message, int line) const {
    throw_usage(to_string(SourcePlace{file_, line}) + ": " + message);
  }

  [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
  [[nodiscard]] char current() const { return at_end() ? '\0' : text_[position_]; }
  [[nodiscard]] bool peek(std::string_view word) const {
    return text_.substr(std::min(position_, text_.size())).starts_with(word);
  }
  void advance(std::size_t count = 1) {
    for (; count > 0 && !at_end(); --count) {
      line_ += text_[position_++] == '\n' ? 1 : 0;
    }
  }
  void skip_blanks() {
    while (current() == ' ' || current() == '\t' || current() == '\r') {
      advance();
    }
  }
  void skip_comment() {
    if (current() == '#') {
      while (!at_end() && current() != '\n') {
        advance();
      }
    }
  }
  void skip_blank_lines() {
    for (;;) {
      skip_blanks();
      skip_comment();
      if (current() != '\n') {
        return;
      }
      advance();
    }
  }
  void end_line() {
    skip_blanks();
    skip_comment();
    if (!at_end() && current() != '\n') {
      fail("unexpected text after a value: '" + rest_of_line() + "'");
    }
  }
  [[nodiscard]] std::string rest_of_line() const {
    return std::string(text_.substr(position_, text_.find('\n', position_) - position_));
  }

  std::string read_key_part() {
    skip_blanks();
    const char quote = current();
    std::string part;
    if (quote == '"' || quote == '\'') {
      advance();
      while (!at_end() && current() != quote && current() != '\n') {
        // Escapes in keys occur in no program's configuration; a wrong guess would hide a key.
        if (current() == '\\' && quote == '"') {
          fail("escapes in keys are not supported");
        }
        part += current();
        advance();
      }
      if (current() != quote) {
        fail("unfinished quote in a key");
      }
      advance();
      return part;
    }
    constexpr std::string_view kBare =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    while (!at_end() && kBare.find(current()) != std::string_view::npos) {
      part += current();
      advance();
    }
    if (part.empty()) {
      fail("a key is missing at '" + rest_of_line() + "'");
    }
    return part;
  }

  Path read_key() {
    Path key = {read_key_part()};
    for (skip_blanks(); current() == '.'; skip_blanks()) {
      advance();
      key.push_back(read_key_part());
      if (key.size() > kMaxDepth) {
        fail("a key nests too deep");
      }
    }
    return key;
  }

  Path read_header(std::string_view open, std::string_view close) {
    advance(open.size());
    auto path = read_key();
    if (!peek(close)) {
      fail("'" + std::string(close) + "' is missing after '" + join(path, ".") + "'");
    }
    advance(close.size());
    return path;
  }

  void read_pair(const Path& table, int depth) {
    const int line = line_;
    auto key = table;
    const auto rest = read_key();
    key.insert(key.end(), rest.begin(), rest.end());
    if (current() != '=') {
      fail("'=' is missing after '" + join(rest, ".") + "'");
    }
    advance();
    skip_blanks();
    if (current() == '{' && depth < kMaxDepth) {
      read_inline_table(key, depth);
      return;
    }
    const auto begin = position_;
    skip_value(0);
    const auto value = trim(text_.substr(begin, position_ - begin));
    add({std::move(key), std::string(value), line});
  }

  void add(TomlEntry entry) {
    if (!keys_.emplace(entry.key, entry.line).second) {
      fail("key '" + join(entry.key, ".") + "' is given twice", entry.line);
    }
    document_.entries.push_back(std::move(entry));
  }

  void read_inline_table(const Path& key, int depth) {
    const int line = line_;
    advance();
    skip_blanks();
    if (current() == '}') {
      advance();
      add({key, "{}", line});
      return;
    }
    for (;;) {
      read_pair(key, depth + 1);
      skip_blanks();
      if (current() == ',') {
        advance();
      } else if (current() == '}') {
        advance();
        return;
      } else {
        fail("',' or '}' is missing in an inline table");
      }
    }
  }

  /// Moves past one value.
  void skip_value(int depth) {
    const char c = current();
    if (depth > kMaxDepth) {
      fail("a value nests too deep");
    }
    if (peek("\"\"\"") || peek("'''")) {
      skip_multiline(text_.substr(position_, 3));
    } else if (c == '"' || c == '\'') {
      skip_string(c);
    } else if (c == '[') {
      skip_array(depth);
    } else if (c == '{') {
      skip_braces(depth);
    } else {
      skip_plain();
    }
  }

  void skip_string(char quote) {
    advance();
    while (!at_end() && current() != quote && current() != '\n') {
      advance(current() == '\\' && quote == '"' ? 2 : 1);
    }
    if (current() != quote) {
      fail("unfinished string");
    }
    advance();
  }

  void skip_multiline(std::string_view quotes) {
    advance(3);
    while (!at_end() && !peek(quotes)) {
      advance(current() == '\\' && quotes[0] == '"' ? 2 : 1);
    }
    if (at_end()) {
      fail("unfinished string");
    }
    advance(3);
    // Up to two more quotes belong to the string.
    for (int extra = 0; extra < 2 && current() == quotes[0]; ++extra) {
      advance();
    }
  }

  void skip_array(int depth) {
    advance();
    for (skip_blank_lines(); current() != ']'; skip_blank_lines()) {
      skip_value(depth + 1);
      skip_blank_lines();
      if (current() == ',') {
        advance();
      } else if (current() != ']') {
        fail("',' or ']' is missing in an array");
      }
    }
    advance();
  }

  /// An inline table inside an array.
  void skip_braces(int depth) {
    advance();
    for (skip_blanks(); current() != '}'; skip_blanks()) {
      static_cast<void>(read_key());
      if (current() != '=') {
        fail("'=' is missing in an inline table");
      }
      advance();
      skip_blanks();
      skip_value(depth + 1);
      skip_blanks();
      if (current() == ',') {
        advance();
      } else if (current() != '}') {
        fail("',' or '}' is missing in an inline table");
      }
    }
    advance();
  }

  void skip_plain() {
    const auto begin = position_;
    while (!at_end() && std::string_view("\n#,]}").find(current()) == std::string_view::npos) {
      advance();
    }
    const auto word = trim(text_.substr(begin, position_ - begin));
    const bool number =
        !word.empty() && std::string_view("0123456789+-").find(word[0]) != std::string_view::npos;
    // A blank may only stand between a date and a time.
    const auto blank = word.find_first_of(" \t");
    const bool one_word = blank == std::string_view::npos || (blank == 10 && word[4] == '-');
    if (!one_word ||
        (!number && word != "true" && word != "false" && word != "inf" && word != "nan")) {
      fail(word.empty() ? "a value is missing" : "'" + std::string(word) + "' is not a value");
    }
  }

  void read_block() {
    const auto begin = position_;
    const int line = line_;
    const auto path = read_header("[[", "]]");
    end_line();
    // The block holds its own pairs and the sub-tables of the same path.
    TomlReader inner(text_, file_);
    inner.position_ = position_;
    inner.line_ = line_;
    for (inner.skip_blank_lines(); !inner.at_end(); inner.skip_blank_lines()) {
      if (inner.peek("[")) {
        const auto header = inner.position_;
        const int header_line = inner.line_;
        const auto next =
            inner.peek("[[") ? inner.read_header("[[", "]]") : inner.read_header("[", "]");
        const bool inside =
            next.size() > path.size() && std::equal(path.begin(), path.end(), next.begin());
        if (!inside) {
          inner.position_ = header;
          inner.line_ = header_line;
          break;
        }
        inner.keys_.clear();
      } else {
        inner.read_pair({}, 0);
      }
      inner.end_line();
    }
    document_.blocks.push_back(
        {path, std::string(trim(text_.substr(begin, inner.position_ - begin))), line});
    position_ = inner.position_;
    line_ = inner.line_;
  }

  /// "a = 1" and "a.b = 2" cannot both be.
  void check_values_and_tables() const {
    for (const auto& [key, line] : keys_) {
      for (Path prefix(key.begin(), key.end() - 1); !prefix.empty(); prefix.pop_back()) {
        if (keys_.contains(prefix)) {
          fail("key '" + join(prefix, ".") + "' is both a value and a table", line);
        }
      }
    }
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t position_ = 0;
  int line_ = 1;
  TomlDocument document_;
  std::map<Path, int> keys_;
  std::set<Path> tables_;
};

}  // namespace

TomlDocument parse_toml(std::string_view text, const std::string& file) {
  return TomlReader(text, file).run();
}

}  // namespace tinet::detail
