#pragma once
/// Which of some processes holds a socket, by what /proc shows of their descriptors.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <sys/types.h>

namespace tinet::relays {

/// What a search came to.
struct SocketHolder {
  std::optional<pid_t> root;  ///< the root in whose family the holder is
  bool unreadable = false;    ///< not found, but a process would not show its descriptors
};

/// Remembers where it found the last one: programs that open many connections have them side by
/// side. Not thread-safe.
/// @see proc_pid_fd(5)
class ProcessSockets {
 public:
  /// Looks in the families of `roots`: they and their descendants.
  [[nodiscard]] SocketHolder find(std::uint32_t inode, const std::set<pid_t>& roots);

 private:
  enum class Look { Found, Missing, Unreadable, Gone };
  [[nodiscard]] Look look_into(pid_t pid, std::uint32_t inode);
  [[nodiscard]] SocketHolder look_into_known(std::uint32_t inode, const std::set<pid_t>& roots);

  std::map<pid_t, pid_t> root_of_;      ///< process -> root, as of the last scan
  std::map<pid_t, int> last_found_at_;  ///< process -> descriptor
};

}  // namespace tinet::relays
