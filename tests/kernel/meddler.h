#pragma once
/// Somebody else with privilege who changes a cluster's network, and what an audit says of it.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/netlink.h>

#include "netns/namespace.h"
#include "netns/netlink/socket.h"
#include "src/fabric/fabric.h"

namespace tinet::testing {

class Meddler {
 public:
  [[nodiscard]] netlink::Socket open(int namespace_fd, int protocol) {
    return thread_.open_netlink(Namespace(UniqueFd(::fcntl(namespace_fd, F_DUPFD_CLOEXEC, 0))),
                                protocol);
  }

  /// Sends what `put` appends, by rtnetlink.
  template <typename Put>
  void change(int namespace_fd, Put&& put) {
    netlink::Socket socket = open(namespace_fd, NETLINK_ROUTE);
    netlink::Request request;
    put(request);
    socket.execute(request);
  }

 private:
  NamespaceThread thread_;
};

inline bool mentions(const std::vector<Drift>& drift, const std::string& text, bool repaired) {
  return std::any_of(drift.begin(), drift.end(), [&](const Drift& one) {
    return one.what.find(text) != std::string::npos && one.repaired == repaired;
  });
}

inline std::string all_of(const std::vector<Drift>& drift) {
  std::string text;
  for (const Drift& one : drift) {
    text += one.what + (one.repaired ? " (repaired)\n" : "\n");
  }
  return text;
}

}  // namespace tinet::testing
