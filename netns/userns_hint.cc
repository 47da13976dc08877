#include "netns/userns_hint.h"

#include <array>
#include <cerrno>
#include <utility>

#include "netns/namespace.h"

namespace tinet {

UserNamespaceSettings read_user_namespace_settings() {
  return {.unprivileged_clone = read_sysctl("kernel/unprivileged_userns_clone"),
          .apparmor_restrict = read_sysctl("kernel/apparmor_restrict_unprivileged_userns"),
          .max_user = read_sysctl("user/max_user_namespaces"),
          .max_net = read_sysctl("user/max_net_namespaces")};
}

std::string describe(const UserNamespaceSettings& settings) {
  const std::array<std::pair<const char*, const std::string*>, 4> all{{
      {"kernel.unprivileged_userns_clone", &settings.unprivileged_clone},
      {"kernel.apparmor_restrict_unprivileged_userns", &settings.apparmor_restrict},
      {"user.max_user_namespaces", &settings.max_user},
      {"user.max_net_namespaces", &settings.max_net},
  }};
  std::string text;
  for (const auto& [name, value] : all) {
    if (!value->empty()) {
      text += (text.empty() ? "" : ", ") + std::string(name) + " = " + *value;
    }
  }
  return text;
}

std::string user_namespace_hint(bool created, int error, const UserNamespaceSettings& settings) {
  const bool denied = error == EPERM || error == EACCES;
  if (!created && denied && settings.unprivileged_clone == "0") {
    return "run 'sysctl kernel.unprivileged_userns_clone=1' as root, or run tinet as root";
  }
  // Ubuntu lets the namespace be made and then denies every capability in it.
  if (denied && settings.apparmor_restrict == "1") {
    return "AppArmor restricts unprivileged user namespaces: give tinet a profile with 'userns,', "
           "or run it as root";
  }
  if (!created && denied) {
    return "a seccomp profile (of a container?) forbids user namespaces: allow unshare(2), or run "
           "tinet as root";
  }
  if (!created && error == ENOSPC) {
    return "raise user.max_user_namespaces and user.max_net_namespaces, or run tinet as root";
  }
  if (!created && error == EUSERS) {
    return "user namespaces are nested too deeply here: run tinet further outside";
  }
  return "run tinet as root";
}

}  // namespace tinet
