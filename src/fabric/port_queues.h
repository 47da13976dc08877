#pragma once
/// Classes of the receivers' ports: one HTB tree at each port that shapes, one class for each link
/// and shape that needs it, a leaf that queues or, where the kernel has it, delays (netem). Packets
/// get there by the priority that their treatment gives them; without one they pass at once, so
/// everything here is idle until the deciding table refers to it.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "netns/netlink/socket.h"
#include "netns/qdisc.h"
#include "src/fabric/difference.h"
#include "src/fabric/drops.h"
#include "src/fabric/fabric.h"

namespace tinet::fabric {

class PortQueues {
 public:
  /// @param socket NETLINK_ROUTE, opened in the switch
  PortQueues(netlink::Socket socket, std::vector<std::string> ports)
      : socket_(std::move(socket)), ports_(std::move(ports)) {}

  /// Whether this kernel has netem: tried at the loopback of the switch, which nothing uses. About
  /// 0.1 ms; a kernel that loads modules does so here.
  [[nodiscard]] bool has_netem();

  /// Makes the root of every port, so that no later change has to: see put_htb_root(). Before
  /// anything talks. A kernel without HTB stays as it is; add() says so when it matters.
  void make_roots();

  /// @throws Error Conflict (a port of netem takes one loss in bursts), Unavailable, Operation
  void add(const std::map<ClassKey, PortClass>& classes);
  /// Classes that nothing leads to any more, and in which packets wait. @throws Error
  [[nodiscard]] std::set<ClassKey> busy(const Installed& installed);
  /// Removes classes that nothing leads to any more. Roots stay.
  void follow(const Installed& installed);

  /// What classes have dropped so far, those that are gone included. @throws Error
  [[nodiscard]] std::vector<Count> drops();

  /// Packets of these links that wait now. @throws Error
  [[nodiscard]] std::uint64_t waiting(const std::set<Link>& links);

  /// Roots, classes and leaves that are missing, or whose rate, kind, limit or netem is another,
  /// are made anew. (A netem does not tell its table of delays.) @throws Error
  void audit(const Installed& installed, std::vector<Drift>& drift);

 private:
  std::set<Endpoint> audit_roots(const std::map<IfIndex, std::vector<QdiscInfo>>& qdiscs,
                                 std::vector<Drift>& drift);
  /// By port and class.
  using Leaves = std::map<std::pair<IfIndex, std::uint32_t>, QueueStats>;
  [[nodiscard]] Leaves read_leaves();
  void note_drops(const Leaves& leaves, const std::map<ClassKey, PortClass>& classes);

  netlink::Socket socket_;
  std::vector<std::string> ports_;
  bool has_htb_ = false;
  DropBook drops_;
  std::map<ClassKey, PortClass> made_;
};

}  // namespace tinet::fabric
