#include "src/relays/process_sockets.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <unistd.h>

#include "src/base/error.h"
#include "src/process/process_table.h"

namespace tinet::relays {

namespace {

/// Every process in the families of the roots, with its root.
std::map<pid_t, pid_t> families(const std::set<pid_t>& roots) {
  const std::vector<ProcessEntry> table = read_processes();
  std::map<pid_t, pid_t> root_of;
  for (const pid_t root : roots) {
    for (const ProcessEntry& entry : descendants(table, {root})) {
      root_of[entry.pid] = root;
    }
  }
  return root_of;
}

}  // namespace

ProcessSockets::Look ProcessSockets::look_into(pid_t pid, std::uint32_t inode) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd/";
  const std::string wanted = "socket:[" + std::to_string(inode) + "]";
  const auto holds = [&](int fd) {
    char target[64];
    const ssize_t size = ::readlink((folder + std::to_string(fd)).c_str(), target, sizeof target);
    return size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == wanted;
  };
  const auto hint = last_found_at_.find(pid);
  const int from = hint == last_found_at_.end() ? 0 : hint->second;
  for (const int fd : {from + 1, from + 2, from}) {
    if (hint != last_found_at_.end() && holds(fd)) {
      hint->second = fd;
      return Look::Found;
    }
  }
  std::vector<int> descriptors;
  try {
    descriptors = numbers_in(folder);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::Unavailable ? Look::Unreadable : Look::Gone;
  }
  std::sort(descriptors.begin(), descriptors.end());
  // What was opened last is most often what is asked for, and new ones follow the one found last.
  const auto middle = std::upper_bound(descriptors.begin(), descriptors.end(), from);
  std::rotate(descriptors.begin(), middle, descriptors.end());
  for (const int fd : descriptors) {
    if (holds(fd)) {
      last_found_at_[pid] = fd;
      return Look::Found;
    }
  }
  return Look::Missing;
}

SocketHolder ProcessSockets::look_into_known(std::uint32_t inode, const std::set<pid_t>& roots) {
  SocketHolder holder;
  for (const auto& [pid, root] : root_of_) {
    if (!roots.contains(root)) {
      continue;
    }
    const Look look = look_into(pid, inode);
    if (look == Look::Found) {
      return {root, false};
    }
    holder.unreadable = holder.unreadable || look == Look::Unreadable;
  }
  return holder;
}

SocketHolder ProcessSockets::find(std::uint32_t inode, const std::set<pid_t>& roots) {
  if (const SocketHolder known = look_into_known(inode, roots); known.root) {
    return known;
  }
  root_of_ = families(roots);
  std::erase_if(last_found_at_, [&](const auto& entry) { return !root_of_.contains(entry.first); });
  return look_into_known(inode, roots);
}

}  // namespace tinet::relays
