#include "src/topology/template.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {
namespace {

[[noreturn]] void fail(const SourcePlace& place, const std::string& what, const std::string& hint) {
  throw_usage(to_string(place) + ": " + what, hint);
}

/// Position after the brace that closes the hole which starts at `begin`; braces inside double
/// quotes do not count.
std::size_t end_of_hole(std::string_view text, std::size_t begin) {
  bool quoted = false;
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '}' && !quoted) {
      return i + 1;
    } else if (text[i] == '{' && !quoted) {
      return std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

/// Takes a "quoted" piece off the front of `rest`.
bool take_quoted(std::string_view& rest, std::string& piece) {
  rest = trim(rest);
  if (rest.empty() || rest.front() != '"') {
    return false;
  }
  const auto end = rest.find('"', 1);
  if (end == std::string_view::npos) {
    return false;
  }
  piece = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string to_string(const SourcePlace& place) {
  return place.line > 0 ? place.file + ":" + std::to_string(place.line) : place.file;
}

Template::Template(std::string text, SourcePlace place)
    : text_(std::move(text)), place_(std::move(place)) {
  const std::string_view all = text_;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) {
      parts_.emplace_back(Literal{std::exchange(literal, {})});
    }
  };
  for (std::size_t i = 0; i < all.size();) {
    const char c = all[i];
    if ((c == '{' || c == '}') && i + 1 < all.size() && all[i + 1] == c) {
      literal += c;
      i += 2;
    } else if (c == '}') {
      fail(place_, "stray '}' in '" + text_ + "'", "write '}}' for a literal brace");
    } else if (c == '{') {
      const auto end = end_of_hole(all, i);
      if (end == std::string_view::npos) {
        fail(place_, "unfinished '{' in '" + text_ + "'", "write '{{' for a literal brace");
      }
      flush();
      parts_.push_back(parse_hole(all.substr(i + 1, end - i - 2)));
      i = end;
    } else {
      literal += c;
      ++i;
    }
  }
  flush();
}

Template::Part Template::parse_hole(std::string_view inside) const {
  const auto body = trim(inside);
  if (body != "join" && !body.starts_with("join ")) {
    return Name{std::string(body)};
  }
  auto rest = trim(body.substr(4));
  Join join;
  const auto blank = rest.find(' ');
  join.component = rest.substr(0, blank);
  rest.remove_prefix(std::min(blank, rest.size()));
  std::string item;
  if (join.component.empty() || !take_quoted(rest, join.separator) || !take_quoted(rest, item) ||
      !trim(rest).empty()) {
    fail(place_, "malformed join in '" + text_ + "'",
         "write e.g. {join pd \",\" \"{name}=http://{ip}:{port.peer}\"}");
  }
  join.item.emplace_back(std::move(item), place_);
  return join;
}

std::vector<Template::Hole> Template::holes() const {
  std::vector<Hole> found;
  for (const auto& part : parts_) {
    if (const auto* name = std::get_if<Name>(&part)) {
      found.push_back({name->name, {}});
    } else if (const auto* join = std::get_if<Join>(&part)) {
      for (auto hole : join->item.front().holes()) {
        hole.join = join->component;
        found.push_back(std::move(hole));
      }
    }
  }
  return found;
}

std::set<std::string> Template::joined() const {
  std::set<std::string> components;
  for (const auto& part : parts_) {
    if (const auto* join = std::get_if<Join>(&part)) {
      components.insert(join->component);
    }
  }
  return components;
}

std::string Template::expand(const TemplateScope& scope) const {
  std::string out;
  for (const auto& part : parts_) {
    if (const auto* literal = std::get_if<Literal>(&part)) {
      out += literal->text;
    } else if (const auto* name = std::get_if<Name>(&part)) {
      out += scope.value(name->name);
    } else if (const auto* join = std::get_if<Join>(&part)) {
      bool first = true;
      scope.for_each(join->component, [&](const TemplateScope& other) {
        if (!std::exchange(first, false)) {
          out += join->separator;
        }
        out += join->item.front().expand(other);
      });
    }
  }
  return out;
}

}  // namespace tinet
