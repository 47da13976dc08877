#include "src/wire/harden.h"

#include <array>
#include <csignal>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/unique_fd.h"

namespace tinet {
namespace {

constexpr std::uint32_t kNetAdmin = 1U << CAP_NET_ADMIN;
constexpr int kNiceness = -10;
constexpr std::string_view kSessionNiceness = "-10";

using CapabilityWords = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

bool read_capabilities(CapabilityWords& words) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return ::syscall(SYS_capget, &header, words.data()) == 0;
}

bool write_capabilities(const CapabilityWords& words) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return ::syscall(SYS_capset, &header, words.data()) == 0;
}

}  // namespace

// The calls below make a good thing better; none of them failing is a reason not to run.

void die_with_parent() noexcept {
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

void raise_priority() noexcept {
  // Else a sleep may take 50 microseconds longer than asked.
  static_cast<void>(::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0));
  sched_param realtime{};
  realtime.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &realtime) == 0) {
    return;
  }
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kNiceness));
  // Where the kernel shares processors between sessions first, the session has to ask as well.
  const UniqueFd group(::open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC));
  static_cast<void>(!::write(group.get(), kSessionNiceness.data(), kSessionNiceness.size()));
}

void keep_network_capability_only() noexcept {
  static_cast<void>(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  static_cast<void>(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  CapabilityWords now{};
  if (!read_capabilities(now)) {
    return;
  }
  CapabilityWords kept{};
  kept[0].effective = kNetAdmin & now[0].permitted;
  kept[0].permitted = kNetAdmin & now[0].permitted;
  static_cast<void>(write_capabilities(kept));
}

void pass_network_capability_on() noexcept {
  CapabilityWords words{};
  if (!read_capabilities(words) || (words[0].permitted & kNetAdmin) == 0) {
    return;
  }
  words[0].inheritable |= kNetAdmin;
  if (write_capabilities(words)) {
    static_cast<void>(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0));
  }
}

}  // namespace tinet
