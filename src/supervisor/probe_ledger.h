#pragma once
/// Packets of tinet's own probes, which the kernel counts like any others, taken out of what is
/// told of faults and links: a fault that only met probes has had no effect.

#include <map>
#include <vector>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"

namespace tinet {

/// Probes over one link, by what can have become of them.
struct LinkProbes {
  PacketCounts datagrams;
  PacketCounts segments;  ///< of TCP
};
using SentProbes = std::map<Link, LinkProbes>;

/// Adds `sent` packets of `bytes` each, counted from the network header, of which `arrived` came
/// through. One that was lost may be a drop or a refusal; each may have been delayed.
void add_probes(PacketCounts& counts, std::size_t sent, std::size_t arrived, std::size_t bytes);

class ProbeLedger {
 public:
  /// What was counted before probes were sent.
  struct Before {
    std::map<FaultId, PacketCounts> faults;
    std::map<Link, LinkState> links;
  };

  /// @param faults active network faults
  [[nodiscard]] static Before open(Fabric& fabric, const std::vector<Fault>& faults, MonoTime now);
  /// Books what the probes since `before` can have made of the counts: of each kind no more than
  /// were sent over links where a clause of the fault means them, and no more than were counted.
  /// Packets of the cluster count in full, but where it had fewer of a kind than there were probes
  /// that another fault has decided about.
  void close(Fabric& fabric, const Before& before, const SentProbes& sent, MonoTime now);

  /// Counts without those of probes.
  [[nodiscard]] PacketCounts without_probes(FaultId fault, PacketCounts counts) const;
  [[nodiscard]] PacketCounts without_probes(Link link, PacketCounts counts) const;

 private:
  std::map<FaultId, PacketCounts> faults_;
  std::map<Link, PacketCounts> links_;
};

}  // namespace tinet
