#pragma once
/// Why an unprivileged user namespace does not work here, in words that name the way out. Pure.

#include <string>

namespace tinet {

/// Texts of sysctls; empty where the kernel does not have them.
struct UserNamespaceSettings {
  std::string unprivileged_clone{};  ///< kernel.unprivileged_userns_clone (Debian, Ubuntu)
  std::string apparmor_restrict{};   ///< kernel.apparmor_restrict_unprivileged_userns (Ubuntu)
  std::string max_user{};            ///< user.max_user_namespaces
  std::string max_net{};             ///< user.max_net_namespaces
};

/// Reads them. Needs no privilege.
[[nodiscard]] UserNamespaceSettings read_user_namespace_settings();

/// "kernel.unprivileged_userns_clone = 0, user.max_user_namespaces = 94000"; those that exist.
[[nodiscard]] std::string describe(const UserNamespaceSettings& settings);

/// @param created whether the namespace itself was made and a later step in it failed
/// @param error errno of the first step that failed
[[nodiscard]] std::string user_namespace_hint(bool created, int error,
                                              const UserNamespaceSettings& settings);

}  // namespace tinet
