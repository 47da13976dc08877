#include "src/topology/expression.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {
namespace {

constexpr std::string_view kOperators[] = {"==", "!=", ">=", "<=", ">", "<"};

bool is_operator(std::string_view word) {
  return std::find(std::begin(kOperators), std::end(kOperators), word) != std::end(kOperators);
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

/// Splits at blanks; 'quoted text' is one word and keeps its quotes.
std::vector<std::string> words_of(std::string_view text, const SourcePlace& place) {
  std::vector<std::string> words;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\n') {
      ++i;
      continue;
    }
    const bool quoted = text[i] == '\'';
    const auto end = quoted ? text.find('\'', i + 1) : text.find_first_of(" \t\n", i);
    if (quoted && end == std::string_view::npos) {
      throw_usage(to_string(place) + ": unfinished quote in '" + std::string(text) + "'");
    }
    const auto stop =
        std::min(end == std::string_view::npos ? end : end + (quoted ? 1 : 0), text.size());
    words.emplace_back(text.substr(i, stop - i));
    i = stop;
  }
  return words;
}

Operand operand(const std::string& word) {
  if (word.size() >= 2 && word.front() == '\'') {
    return {word.substr(1, word.size() - 2), false};
  }
  return {word, !integer(word)};
}

[[noreturn]] void malformed(std::string_view text, const SourcePlace& place,
                            const std::string& example) {
  throw_usage(to_string(place) + ": cannot understand '" + std::string(text) + "'",
              "write e.g. '" + example + "'");
}

std::optional<Condition> condition_of(const std::vector<std::string>& words,
                                      const SourcePlace& place) {
  if (words.size() == 1 && !is_operator(words[0])) {
    return Condition{operand(words[0]), "", {}, place};
  }
  if (words.size() == 3 && is_operator(words[1]) && !is_operator(words[0]) &&
      !is_operator(words[2])) {
    return Condition{operand(words[0]), words[1], operand(words[2]), place};
  }
  return std::nullopt;
}

std::string value_of(const Operand& operand, const TemplateScope& scope) {
  return operand.is_name ? scope.value(operand.text) : operand.text;
}

template <typename Value>
bool compare(const std::string& op, const Value& left, const Value& right) {
  if (op == ">=") {
    return left >= right;
  }
  if (op == "<=") {
    return left <= right;
  }
  return op == ">" ? left > right : left < right;
}

}  // namespace

Condition parse_condition(std::string_view text, const SourcePlace& place) {
  if (auto condition = condition_of(words_of(text, place), place)) {
    return *condition;
  }
  malformed(text, place, "count.tikv >= 3");
}

VarSpec parse_var(std::string_view text, const SourcePlace& place) {
  const auto words = words_of(text, place);
  if (words.size() == 1 && !is_operator(words[0])) {
    return {operand(words[0]), std::nullopt, {}, place};
  }
  if (words.size() >= 5 && words[1] == "if" && words[words.size() - 2] == "else") {
    if (auto when = condition_of({words.begin() + 2, words.end() - 2}, place)) {
      return {operand(words[0]), std::move(when), operand(words.back()), place};
    }
  }
  malformed(text, place, "3 if count.tikv >= 3 else 1");
}

bool holds(const Condition& condition, const TemplateScope& scope) {
  const auto left = value_of(condition.left, scope);
  if (condition.op.empty()) {
    return !left.empty() && left != "0";
  }
  const auto right = value_of(condition.right, scope);
  const auto left_number = integer(left);
  const auto right_number = integer(right);
  const bool numbers = left_number && right_number;
  if (condition.op == "==" || condition.op == "!=") {
    const bool equal = numbers ? *left_number == *right_number : left == right;
    return equal == (condition.op == "==");
  }
  return numbers && compare(condition.op, *left_number, *right_number);
}

std::string evaluate(const VarSpec& var, const TemplateScope& scope) {
  const bool first = !var.when || holds(*var.when, scope);
  return value_of(first ? var.then : var.otherwise, scope);
}

std::vector<std::string> names_in(const Condition& condition) {
  std::vector<std::string> names;
  for (const auto* side : {&condition.left, &condition.right}) {
    if (side->is_name) {
      names.push_back(side->text);
    }
  }
  return names;
}

std::vector<std::string> names_in(const VarSpec& var) {
  auto names = var.when ? names_in(*var.when) : std::vector<std::string>{};
  for (const auto* side : {&var.then, &var.otherwise}) {
    if (side->is_name) {
      names.push_back(side->text);
    }
  }
  return names;
}

}  // namespace tinet
