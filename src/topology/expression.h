#pragma once
/// The small expressions of topology files: conditions ("count.tikv >= 3", "zone") and computed
/// values ("3 if count.tikv >= 3 else 1"). Operands are template names, integers or 'quoted text'.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/topology/template.h"

namespace tinet {

/// An operand is a name (looked up in a scope) or a literal.
struct Operand {
  std::string text;
  bool is_name = false;
};

struct Condition {
  Operand left;
  std::string op;  ///< "" (left is neither empty nor 0), "==", "!=", ">=", "<=", ">", "<"
  Operand right;
  SourcePlace place;
};

/// A computed value: `then`, or `otherwise` when there is a condition that does not hold.
struct VarSpec {
  Operand then;
  std::optional<Condition> when;
  Operand otherwise;
  SourcePlace place;
};

/// @throws Error Usage with the place
[[nodiscard]] Condition parse_condition(std::string_view text, const SourcePlace& place);
/// @throws Error Usage with the place
[[nodiscard]] VarSpec parse_var(std::string_view text, const SourcePlace& place);

/// Numbers are compared as numbers when both sides are integers, as text otherwise; an order
/// between texts never holds.
[[nodiscard]] bool holds(const Condition& condition, const TemplateScope& scope);
[[nodiscard]] std::string evaluate(const VarSpec& var, const TemplateScope& scope);

/// The names that are looked up.
[[nodiscard]] std::vector<std::string> names_in(const Condition& condition);
[[nodiscard]] std::vector<std::string> names_in(const VarSpec& var);

}  // namespace tinet
