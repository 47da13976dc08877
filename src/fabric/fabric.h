#pragma once
/// The cluster's network as the supervisor sees it: endpoints that can talk, faults that change
/// what links do, counters that say what happened. Concrete fabrics (netns_fabric.h, and
/// proxy_fabric.h of src/relays) are picked by src/cli alone. Everything is called from the
/// supervisor's one thread; calls block for the kernel's own time (a commit of 1000 links: a few
/// milliseconds). A userspace wire that is frozen holds a call that needs it up for five seconds
/// once, then for half a second; a kernel whose sets are busy forgetting what expired, for two.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "src/base/unique_fd.h"
#include "src/model/address.h"
#include "src/model/fault.h"

namespace tinet {

/// One instance (or the client) as the network knows it.
struct FabricEndpoint {
  std::string name;
  Ipv4 address;
  std::optional<Ipv6> address6;
  /// The machine itself (--host-link): no namespace of its own, but one veth in the one that the
  /// process runs in, which goes with the fabric.
  bool is_host = false;
  /// Of its services, and where its programs listen on them: `address`, but for fabrics that put
  /// relays there.
  std::vector<std::uint16_t> ports{};
  Ipv4 listen_address{};
};

struct FabricPlan {
  Subnet subnet;
  Ipv4 gateway;
  std::vector<FabricEndpoint> endpoints;  ///< position = Endpoint number
  /// Longest time between two retransmissions of TCP in the endpoints, 1000..120000; where a kernel
  /// has no such setting, the fabric is Unavailable.
  std::optional<std::int64_t> tcp_rto_max_ms{};
};

/// Packets counted by the kernel for one fault (sum over its links) or one link. A packet counts
/// once for each thing that happened to it.
struct PacketCounts {
  std::uint64_t dropped = 0;        ///< by a cut, a loss, a limit, a queue that was full, a release
  std::uint64_t bytes_dropped = 0;  ///< of those that rules dropped; queues count packets only
  std::uint64_t rejected = 0;       ///< answered by a refusal
  std::uint64_t passed = 0;         ///< could have been lost by chance, and were not
  std::uint64_t delayed = 0;        ///< sent on to a class of the port or to the wire
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;
  /// Kept by a hold, delivered ones included; those that it dropped count as dropped only. Backend
  /// "proxy", whose counts are of connections and pieces of data: how often a connection was
  /// stopped that had something to pass on, or kept from being made.
  std::uint64_t held = 0;
  friend bool operator==(const PacketCounts&, const PacketCounts&) = default;
  PacketCounts& operator+=(const PacketCounts& more);
  /// Packets that a fault did something to or looked at.
  [[nodiscard]] std::uint64_t matched() const {
    return dropped + rejected + passed + delayed + duplicated + corrupted + held;
  }
};

/// State of one link after composition.
struct LinkState {
  Link link;
  Effect effect;
  PacketCounts packets;  ///< since the cluster started
};

/// The states as a list, each with its link. Pure.
[[nodiscard]] std::vector<LinkState> in_order(std::map<Link, LinkState> states);

/// What an apply() did; `committed` is false when nothing had to change.
struct ApplyReport {
  bool committed = false;
  bool atomic = true;  ///< one transaction decided for every link
  std::size_t links_changed = 0;
  std::vector<std::string> notes;  ///< e.g. why a part could not be in the transaction
  /// A flapping fault needs another apply() by then.
  std::optional<MonoTime> refresh_at;
};

/// The packet that why() is asked about; members that are not set mean any.
struct PacketWords {
  Protocol protocol = Protocol::Any;
  std::optional<std::uint16_t> to_port;
};

/// The clauses of an effect that can concern such a packet. Pure.
[[nodiscard]] Effect seen_by(const Effect& effect, const PacketWords& packet);

/// An effect as packets of these words suffer it: clauses that mean none of them are left out, and
/// those that mean all of them lose their condition. Pure.
[[nodiscard]] Effect narrowed(const Effect& effect, const PacketWords& packet);

/// The clauses that decide: where everything is cut, nothing else matters. Pure.
[[nodiscard]] Effect deciding(Effect effect);

/// Why a packet from A to B gets or does not get through.
struct LinkExplanation {
  Link link;
  Effect effect;                   ///< of the packets that were asked about
  std::string mechanism;           ///< "nftables", "netem", "htb", "wire" or several of them with
                                   ///< "+" between; "none" when nothing decides
  std::vector<std::string> rules;  ///< deciding element and rules, as nft(8) would print them
  std::vector<std::string> notes;  ///< e.g. that a cut on the way back swallows refusals
};

/// What a kick did.
struct KickReport {
  std::size_t destroyed = 0;  ///< TCP sockets that waited to send again
};

/// What became of held packets. Relays do not count packets: what they held goes on, see
/// PacketCounts::held.
struct ReleaseReport {
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
};

/// Difference between the intent and what was read back from the kernel.
struct Drift {
  std::string what;  ///< e.g. "counter a0.0.1 is missing"
  bool repaired = false;
  std::optional<Endpoint> endpoint{};  ///< whose links it concerns; nullopt: maybe everybody's
};

class Fabric {
 public:
  Fabric() = default;
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;
  Fabric(Fabric&&) = delete;
  Fabric& operator=(Fabric&&) = delete;
  /// Removes everything it made.
  virtual ~Fabric() = default;

  /// "netns", "rootless" or "proxy".
  [[nodiscard]] virtual std::string_view backend() const = 0;

  /// Network namespace of an endpoint, to be entered with setns(2); -1 when the backend has none.
  [[nodiscard]] virtual int namespace_fd(Endpoint endpoint) const = 0;
  /// The switch's namespace (for `state_dir/netns/switch`); -1 when the backend has none.
  [[nodiscard]] virtual int switch_namespace_fd() const = 0;

  /// Runs `start`, which starts a program and returns its pid, so that the program is on the
  /// network as the endpoint from its first packet on. A namespace sees to that by itself; a fabric
  /// without them remembers the process: it must be an unreaped child for as long as it counts.
  /// @throws what `start` throws
  virtual void admit(Endpoint /*endpoint*/, const std::function<pid_t()>& start) {
    static_cast<void>(start());
  }

  /// Whether traffic of this link can be seen at all. Always, with namespaces; relays see the
  /// connections to services.
  [[nodiscard]] virtual bool sees(Link /*link*/) const { return true; }

  /// Whether datagrams between endpoints meet the faults of their links, so that probes may use
  /// them. Where they do not, a connection reaches its service only when an answer comes: a relay
  /// takes every one.
  [[nodiscard]] virtual bool carries_datagrams() const { return true; }

  /// A socket that lives in the endpoint's network, close-on-exec.
  /// @throws Error Operation
  [[nodiscard]] virtual UniqueFd open_socket(Endpoint endpoint, int domain, int type,
                                             int protocol) = 0;

  /// Makes the network do exactly what `active` implies at time `now`, as one transaction of
  /// differences, and reads it back. Strong guarantee: after an exception the former state holds.
  /// @throws Error Conflict when faults cannot be combined (names both, or "more distinct ends than
  ///         layers"), Unavailable when a fault needs what this kernel or backend lacks, Operation
  ///         when the kernel refuses or the read-back differs
  virtual ApplyReport apply(const std::vector<Fault>& active, MonoTime now) = 0;

  /// How this fabric does what a fault asks for: "nftables", "netem", "htb", "wire", "proxy", or
  /// several with "+" between.
  [[nodiscard]] virtual std::string mechanism(const Fault& fault) const = 0;

  /// The TCP connections open now between the ends of these links, as packets of each link show
  /// them; for Connections::Established. @throws Error Unavailable, Operation
  [[nodiscard]] virtual std::vector<Flow> flows(const std::vector<Link>& links) = 0;

  /// Ends the TCP connections of these links that wait for a retransmission, in the namespaces of
  /// their ends only, so that programs connect anew at once.
  /// @throws Error Unavailable when this kernel cannot (SOCK_DESTROY)
  virtual KickReport kick(const std::vector<Link>& links) = 0;

  /// Lets go of what a hold keeps: delivered in order, or dropped. Called before apply() ends the
  /// fault, so that nothing overtakes; when that apply() fails, the fault holds again what comes
  /// then. @throws Error Operation, Unavailable: it cannot drop
  virtual ReleaseReport release(FaultId fault, bool drop) = 0;

  /// What apply() would send, one line per message, without changing anything.
  [[nodiscard]] virtual std::vector<std::string> preview(const std::vector<Fault>& active,
                                                         MonoTime now) = 0;

  /// Every link that has an effect or has ever had one, with live counters, at time `now`.
  [[nodiscard]] virtual std::vector<LinkState> links(MonoTime now) = 0;

  /// Packets that were decided by this fault so far; kept after it ended.
  [[nodiscard]] virtual PacketCounts packets(FaultId fault) = 0;

  /// Packets that all endpoints have sent so far, whatever became of them; nullopt where the
  /// backend does not see them. It grows while anything talks. @throws Error Operation
  [[nodiscard]] virtual std::optional<std::uint64_t> traffic() { return std::nullopt; }

  [[nodiscard]] virtual LinkExplanation why(Link link, const PacketWords& packet, MonoTime now) = 0;

  /// Packets that wait on these links now, delayed or behind a rate: they go on in their time, also
  /// when the fault that made them wait has ended. @throws Error Operation
  [[nodiscard]] virtual std::uint64_t waiting(const std::vector<Link>& /*links*/) { return 0; }

  /// Compares the kernel with the intent and repairs differences.
  [[nodiscard]] virtual std::vector<Drift> audit(MonoTime now) = 0;

  /// Readable when a process has ended that faults need (the userspace wire): an audit replaces it.
  /// -1 when there is none. Belongs to the fabric; may be another after apply() and audit().
  [[nodiscard]] virtual int helper_exit_fd() const { return -1; }
};

}  // namespace tinet
