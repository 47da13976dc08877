#pragma once
/// The YAML half of render_config(); see overlay.h.

#include <string>
#include <vector>

#include "src/topology/overlay.h"

namespace tinet::detail {

[[nodiscard]] std::string render_yaml(const std::vector<Setting>& settings,
                                      const std::vector<std::string>& owned, const UserConfig* user,
                                      const std::string& flag);

/// @throws Error Usage when `key` is, holds or lies below a key in `owned`
void refuse_owned(const std::vector<std::string>& key, const std::vector<std::string>& owned,
                  const SourcePlace& place, const std::string& flag);

}  // namespace tinet::detail
