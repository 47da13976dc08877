#pragma once
/// What rules refer to beside the deciding table: tables that refuse and copy, the wire, classes of
/// ports, offloads of the senders. All of it is there before a change that needs it, acts only on
/// packets that the deciding table has marked, and goes, or stays idle, when nobody needs it.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "netns/nft/connection.h"
#include "src/fabric/difference.h"
#include "src/fabric/exact_senders.h"
#include "src/fabric/fabric.h"
#include "src/fabric/port_queues.h"
#include "src/fabric/refusal.h"
#include "src/fabric/wire_classes.h"
#include "src/fabric/wiring.h"

namespace tinet::fabric {

class Auxiliaries {
 public:
  /// @param connection of the deciding table; owns the other tables of the switch, too
  /// @param use_netem where the kernel has it
  Auxiliaries(Wiring& wiring, nft::Connection& connection, const FabricPlan& plan,
              WireCommand wire_command, bool use_netem);

  [[nodiscard]] const Mechanisms& mechanisms() const noexcept { return mechanisms_; }

  /// Makes whatever a change refers to; packets notice nothing of it yet.
  /// @return what the user should know, e.g. that segmentation offload was turned off somewhere
  /// @throws Error Unavailable when this kernel lacks something, Operation
  std::vector<std::string> prepare(const Difference& difference, const Installed& installed);
  /// Classes of ports that have had their last packet, but not yet sent it. @throws Error
  [[nodiscard]] std::set<ClassKey> busy_classes(const Installed& installed) {
    return queues_.busy(installed);
  }
  /// Takes back what no link needs any more, after a change. The change is done by then, so nothing
  /// that goes wrong here may undo it: what stays does nothing, and the next audit tries again.
  /// @return what could not be taken back, and why
  std::vector<std::string> follow(const Installed& installed, MonoTime now);

  ReleaseReport release(ShapeId shape, bool drop);

  /// Packets in queues and in the wire.
  [[nodiscard]] std::uint64_t waiting(const std::set<Link>& links);
  /// Readable when the wire's process has ended; -1 when there is none.
  [[nodiscard]] int wire_exit_fd() const noexcept { return wire_.exit_fd(); }

  /// What queues and the wire have dropped so far.
  [[nodiscard]] std::vector<Count> drops();

  /// Compares with what should be there, and repairs it. A part that fails is told of.
  void audit(const Installed& installed, MonoTime now, std::vector<Drift>& drift);

 private:
  void add_refusals(const std::set<Endpoint>& receivers);
  void add_copies();
  void audit_foreign_tables(std::vector<Drift>& drift);
  void audit_refusals(std::vector<Drift>& drift);
  void audit_copies(std::vector<Drift>& drift);

  Wiring& wiring_;
  nft::Connection& connection_;
  std::vector<FabricEndpoint> endpoints_;
  Mechanisms mechanisms_;
  Refusals refusals_;
  WireClasses wire_;
  PortQueues queues_;
  ExactSenders senders_;
  bool copies_ = false;
};

}  // namespace tinet::fabric
