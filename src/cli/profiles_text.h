#pragma once
/// The content of profiles.yaml, as the build put it into the binary (profiles.cmake).

#include <string_view>

namespace tinet::cli {

[[nodiscard]] std::string_view builtin_profiles();

}  // namespace tinet::cli
