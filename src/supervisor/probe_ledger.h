#pragma once
/// Packets of tinet's own probes, which the kernel counts like any others, taken out of what is
/// told of faults and links: a fault that only met probes has had no effect.

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"

namespace tinet {

/// What is known of probes. Several faults may have met each of them: it can have passed one, come
/// twice or broken out of another, and be lost in a third.
struct ProbeFates {
  std::uint64_t sent = 0;
  std::uint64_t lost = 0;  ///< of those, no more than this; what else became of them is unknown
  std::uint64_t bytes_lost = 0;  ///< counted from the network header
  std::uint64_t copies = 0;      ///< that arrived
  std::uint64_t corrupted = 0;   ///< that arrived, copies included
  ProbeFates& operator+=(const ProbeFates& more);
};

/// Probes over one link.
struct LinkProbes {
  ProbeFates datagrams;
  ProbeFates segments;  ///< of TCP
};
using SentProbes = std::map<Link, LinkProbes>;

/// Adds `sent` packets of `bytes` each, counted from the network header, of which at least
/// `arrived` came through.
void add_probes(ProbeFates& fates, std::size_t sent, std::size_t arrived, std::size_t bytes);

class ProbeLedger {
 public:
  /// What was counted before probes were sent.
  struct Before {
    std::map<FaultId, PacketCounts> faults;
    std::map<Link, LinkState> links;
  };

  /// @param faults active network faults
  [[nodiscard]] static Before open(Fabric& fabric, const std::vector<Fault>& faults, MonoTime now);
  /// Books what the probes since `before`, and the ICMP errors that answered those that were
  /// refused, can have made of the counts: of each kind no more than can have come to it over links
  /// where a clause of the fault means them, and no more than were counted. A probe is dropped,
  /// refused or passed by a fault once. Packets of the cluster count in full, but where fewer of a
  /// kind were counted than there were probes that another fault may have decided about.
  void close(Fabric& fabric, const Before& before, const SentProbes& sent, MonoTime now);

  /// Counts without those of probes.
  [[nodiscard]] PacketCounts without_probes(FaultId fault, PacketCounts counts) const;
  [[nodiscard]] PacketCounts without_probes(Link link, PacketCounts counts) const;

 private:
  std::map<FaultId, PacketCounts> faults_;
  std::map<Link, PacketCounts> links_;
};

}  // namespace tinet
