#pragma once
/// The YAML files of builtin/, as the build put them into the binary (builtin.cmake).

#include <string_view>
#include <vector>

namespace tinet::detail {

struct BuiltinText {
  std::string_view name;  ///< file name without .yaml
  std::string_view text;
};

[[nodiscard]] const std::vector<BuiltinText>& builtin_texts();

}  // namespace tinet::detail
