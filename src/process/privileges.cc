#include "src/process/privileges.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// User 0 gains nothing by exec, and none of it can be undone. SECBIT_NO_SETUID_FIXUP stays off:
/// that fixup is what takes the capabilities away when root becomes the user. SECBIT_KEEP_CAPS is
/// not locked: with every set empty there is nothing to keep, and programs like ping ask for it.
constexpr unsigned long kSecureBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                      SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                      SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

bool effective_capability(unsigned capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  const auto result = ::syscall(SYS_capget, &header, data);
  if (const int error = errno; result != 0) {
    throw_errno(error, "cannot read this process's capabilities");
  }
  return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

/// In a user namespace of an ordinary user, setgroups(2) is switched off for good.
bool groups_are_fixed() {
  std::ifstream file("/proc/self/setgroups");
  std::string word;
  return file >> word && word == "deny";
}

int errno_if(bool failed) noexcept {
  return failed ? errno : 0;
}

int empty_bounding_set() noexcept {
  for (unsigned long capability = 0;; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      const int error = errno;
      return error == EINVAL && capability > 0 ? 0 : error;  // past the kernel's last one
    }
  }
}

int change_ids(const PrivilegePlan& plan) noexcept {
  // Plain system calls: the C library's functions talk to threads that a forked child lacks.
  if (plan.change_groups && ::syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) != 0) {
    return errno;
  }
  if (plan.change_ids && (::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0 ||
                          ::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0)) {
    return errno;
  }
  return 0;
}

int empty_capability_sets() noexcept {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  return errno_if(::syscall(SYS_capset, &header, none) != 0);
}

}  // namespace

PrivilegePlan plan_privileges(const std::optional<UserIds>& user) {
  PrivilegePlan plan;
  plan.has_setpcap = effective_capability(CAP_SETPCAP);
  if (!user) {
    return plan;
  }
  const UserIds now = current_user();
  plan.uid = user->uid;
  plan.gid = user->gid;
  plan.groups = user->groups;
  plan.change_ids = user->uid != now.uid || user->gid != now.gid || ::getuid() != now.uid ||
                    ::getgid() != now.gid;
  plan.change_groups = user->groups != now.groups && (plan.change_ids || !groups_are_fixed()) &&
                       effective_capability(CAP_SETGID);
  return plan;
}

int apply_privileges(const PrivilegePlan& plan) noexcept {
  if (plan.has_setpcap) {
    if (const int error = empty_bounding_set(); error != 0) {
      return error;
    }
    const int present = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    const unsigned long kept = present < 0 ? 0UL : static_cast<unsigned long>(present);
    if (::prctl(PR_SET_SECUREBITS, kept | kSecureBits, 0, 0, 0) != 0) {
      return errno;
    }
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return errno;
  }
  if (const int error = change_ids(plan); error != 0) {
    return error;
  }
  if (const int error = empty_capability_sets(); error != 0) {
    return error;
  }
  return errno_if(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0);
}

}  // namespace tinet
