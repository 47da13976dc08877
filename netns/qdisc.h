#pragma once
/// Queueing disciplines of an interface: an HTB tree whose classes shape what a rule's meta
/// priority sends there, each with a leaf that queues. What no class is chosen for passes unshaped.
/// The put_ functions only append a message to a Request. Everything here needs CAP_NET_ADMIN in
/// the user namespace that owns the network namespace.
/// @see tc-htb(8), Linux include/uapi/linux/pkt_sched.h

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netns/inet.h"
#include "netns/netem.h"
#include "netns/netlink/message.h"
#include "netns/netlink/socket.h"

namespace tinet {

/// The root's handle is 1:, and its classes are 1:minor.
inline constexpr std::uint16_t kHtbMajor = 1;

/// What `meta priority` must be for a packet to go to that class.
[[nodiscard]] constexpr std::uint32_t class_id(std::uint16_t minor) noexcept {
  return std::uint32_t{kHtbMajor} << 16U | minor;
}

/// Makes HTB the interface's root, `default 0`: packets of no class pass at once. While the root of
/// an interface that is up is exchanged, for a grace period of RCU (some 100 us), the kernel drops
/// every packet sent there: dev_deactivate() in net/sched/sch_generic.c. Refused with EEXIST when
/// somebody else's root is there already, with EEXIST too when it is ours.
void put_htb_root(netlink::Request& request, IfIndex link);
/// Removes the root with all classes and leaves; what they hold is lost.
void put_delete_root(netlink::Request& request, IfIndex link);

struct HtbClassSpec {
  IfIndex link{};
  std::uint16_t minor = 0;    ///< 1..0xffff
  std::uint64_t rate = 0;     ///< bytes per second, on the wire with the Ethernet header
  std::uint64_t ceil = 0;     ///< bytes per second; 0: as `rate`
  std::uint32_t burst = 0;    ///< bytes that may be ahead of the rate; 0: 4 ms and a frame
  std::uint32_t quantum = 0;  ///< bytes per turn among classes; 0: 100 ms, 1514..60000
};
/// Makes the class, or changes it in place: what it holds stays. A class without a leaf queues as
/// many packets as the interface's txqueuelen says (1000 for a veth).
void put_htb_class(netlink::Request& request, const HtbClassSpec& spec);
/// Removes the class and its leaf; what they hold is lost. ENOENT when there is none.
void put_delete_htb_class(netlink::Request& request, IfIndex link, std::uint16_t minor);

/// Makes a first-in-first-out queue of at most `limit` packets the leaf of a class. A leaf of the
/// same kind is changed in place and keeps what it holds, another kind is replaced.
void put_pfifo_leaf(netlink::Request& request, IfIndex link, std::uint16_t minor,
                    std::uint32_t limit);
/// As put_pfifo_leaf(), with a netem. Refused with ENOENT where the kernel has no netem.
void put_netem_leaf(netlink::Request& request, IfIndex link, std::uint16_t minor,
                    const NetemSpec& spec);

struct QueueStats {
  std::uint64_t bytes = 0;    ///< sent
  std::uint64_t packets = 0;  ///< sent
  std::uint32_t dropped = 0;
  std::uint32_t queued_packets = 0;
  std::uint32_t queued_bytes = 0;
};

struct QdiscInfo {
  IfIndex link{};
  std::uint32_t handle = 0;
  std::uint32_t parent = 0;              ///< class_id() of a leaf; 0xffffffff of a root
  std::string kind{};                    ///< "htb", "pfifo", "netem", "noqueue", ...
  std::optional<std::uint32_t> limit{};  ///< packets, of pfifo and netem
  std::optional<NetemSpec> netem{};      ///< its table is not told
  QueueStats stats{};
};
/// Queueing disciplines of every interface of the socket's namespace. @throws Error
[[nodiscard]] std::vector<QdiscInfo> list_qdiscs(netlink::Socket& socket);
/// Queueing disciplines of one interface. A leaf that a class made for itself is not among them.
/// @throws Error
[[nodiscard]] std::vector<QdiscInfo> list_qdiscs(netlink::Socket& socket, IfIndex link);

struct HtbClassInfo {
  IfIndex link{};
  std::uint16_t minor = 0;
  std::uint64_t rate = 0;
  std::uint64_t ceil = 0;
  std::uint32_t quantum = 0;
  QueueStats stats{};
};
/// HTB classes of one interface, in no particular order. @throws Error
[[nodiscard]] std::vector<HtbClassInfo> list_htb_classes(netlink::Socket& socket, IfIndex link);

}  // namespace tinet
