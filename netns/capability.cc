#include "netns/capability.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tinet {
namespace {

constexpr unsigned kCapabilityMax = 64;

// Sets of the calling thread, as version 3 of the interface splits them.
using CapabilityData = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

__user_cap_header_struct own_header() noexcept {
  return {_LINUX_CAPABILITY_VERSION_3, 0};
}

int saved_errno(long result) noexcept {
  return result < 0 ? errno : 0;
}

int clear_ambient() noexcept {
  const int error = saved_errno(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  return error == EINVAL ? 0 : error;  // before Linux 4.3 there are none
}

int clear_bounding() noexcept {
  for (unsigned capability = 0; capability < kCapabilityMax; ++capability) {
    const int there = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (there < 0) {
      return 0;  // past the last one that this kernel knows
    }
    if (there == 0) {
      continue;
    }
    if (const int error = saved_errno(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)); error != 0) {
      return error == EPERM ? 0 : error;
    }
  }
  return 0;
}

// The C library's functions would change all threads of a process by signals; in the child of a
// fork there is one thread, and the system call itself is all that is wanted.
int set_groups(const TargetUser& user) noexcept {
  return user.set_groups ? saved_errno(::syscall(SYS_setgroups, user.group_count, user.groups)) : 0;
}

int set_gid(const TargetUser& user) noexcept {
  return saved_errno(::syscall(SYS_setresgid, user.gid, user.gid, user.gid));
}

int set_uid(const TargetUser& user) noexcept {
  return saved_errno(::syscall(SYS_setresuid, user.uid, user.uid, user.uid));
}

int clear_capabilities() noexcept {
  auto header = own_header();
  const CapabilityData nothing{};
  return saved_errno(::syscall(SYS_capset, &header, nothing.data()));
}

int set_no_new_privileges() noexcept {
  return saved_errno(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

}  // namespace

DropFailure drop_privileges(const TargetUser& user) noexcept {
  if (const int error = clear_ambient(); error != 0) {
    return {DropStep::Ambient, error};
  }
  if (const int error = clear_bounding(); error != 0) {
    return {DropStep::Bounding, error};
  }
  // Groups before the ids, whose change may take away the right to change them.
  if (const int error = set_groups(user); error != 0) {
    return {DropStep::Groups, error};
  }
  if (const int error = set_gid(user); error != 0) {
    return {DropStep::Gid, error};
  }
  if (const int error = set_uid(user); error != 0) {
    return {DropStep::Uid, error};
  }
  if (const int error = clear_capabilities(); error != 0) {
    return {DropStep::Capabilities, error};
  }
  if (const int error = set_no_new_privileges(); error != 0) {
    return {DropStep::NoNewPrivileges, error};
  }
  return {};
}

const char* describe(DropStep step) noexcept {
  switch (step) {
    case DropStep::None:
      return "drop privileges";
    case DropStep::Ambient:
      return "clear the ambient capabilities";
    case DropStep::Bounding:
      return "clear the capability bounding set";
    case DropStep::Groups:
      return "set the supplementary groups";
    case DropStep::Gid:
      return "set the group id";
    case DropStep::Uid:
      return "set the user id";
    case DropStep::Capabilities:
      return "clear the capabilities";
    case DropStep::NoNewPrivileges:
      return "set no_new_privs";
  }
  return "drop privileges";
}

std::optional<Capabilities> capabilities_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  Capabilities sets;
  std::size_t found = 0;
  for (std::string name, value; status >> name;) {
    std::getline(status >> std::ws, value);
    const auto take = [&](std::uint64_t& set) {
      set = std::stoull(value, nullptr, 16);
      ++found;
    };
    if (name == "CapInh:") {
      take(sets.inheritable);
    } else if (name == "CapPrm:") {
      take(sets.permitted);
    } else if (name == "CapEff:") {
      take(sets.effective);
    } else if (name == "CapBnd:") {
      take(sets.bounding);
    } else if (name == "CapAmb:") {
      take(sets.ambient);
    } else if (name == "NoNewPrivs:") {
      sets.no_new_privileges = value == "1";
    }
  }
  constexpr std::size_t kSets = 5;
  return found == kSets ? std::optional(sets) : std::nullopt;
}

bool has_capability(unsigned capability) {
  auto header = own_header();
  CapabilityData data{};
  constexpr unsigned kBitsPerWord = 32;
  if (capability >= data.size() * kBitsPerWord || ::syscall(SYS_capget, &header, data.data()) < 0) {
    return false;
  }
  return ((data[capability / kBitsPerWord].effective >> (capability % kBitsPerWord)) & 1U) != 0;
}

}  // namespace tinet
