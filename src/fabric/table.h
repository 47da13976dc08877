#pragma once
/// The switch's table in the kernel: commits changes, reads it back, makes it anew when it is not
/// what it should be.

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "netns/nft/connection.h"
#include "src/fabric/difference.h"
#include "src/fabric/readback.h"
#include "src/fabric/registry.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/tally.h"

namespace tinet::fabric {

class Table {
 public:
  /// Creates the table, without faults.
  /// @param socket NETLINK_NETFILTER, opened in the switch; the table lives as long as it
  /// @throws Error Unavailable when nf_tables lacks something, Operation
  Table(netlink::Socket socket, const FabricPlan& plan, std::vector<std::string> ports);

  /// Classes without users in which packets still wait: plans leave them alone from now on.
  void note_busy(const std::set<ClassKey>& classes);
  /// The change after which all links follow `wanted`. Sends nothing.
  /// @throws Error Conflict (more ends than layers, effects that cannot be combined)
  [[nodiscard]] Difference plan(const std::vector<LinkSchedule>& wanted, const Memories& memories,
                                const Mechanisms& mechanisms, MonoTime now);

  /// Commits a planned change as one transaction and reads back what was changed. Nothing else may
  /// have been committed since it was planned. A failure leaves the former state.
  /// @throws Error Unavailable (too large for one transaction), Operation
  /// @return what faults begin to count anew, because the table had to be made anew for it
  std::vector<std::string> commit(const Difference& difference, MonoTime now);

  /// The transaction that commit() would send, as commands of nft(8).
  [[nodiscard]] std::vector<std::string> preview(const Difference& difference, MonoTime now) const;

  /// What the kernel is meant to hold because of faults.
  [[nodiscard]] const Installed& installed() const noexcept { return installed_; }

  /// Sums since the cluster started.
  /// @param elsewhere what was counted beside the table (drops.h)
  /// @throws Error
  [[nodiscard]] PacketCounts packets(FaultId fault, const std::vector<Count>& elsewhere);
  [[nodiscard]] std::map<Link, PacketCounts> link_packets(const std::vector<Count>& elsewhere);

  /// Compares the table with what it should be (see check_table()). A table that differs is made
  /// anew in one transaction that keeps counts, and bytes that conditions remember.
  /// @throws Error when the kernel can't be asked
  [[nodiscard]] std::vector<Drift> audit(MonoTime now);

  /// The socket that owns the table; others of the switch can be made with it.
  [[nodiscard]] nft::Connection& connection() noexcept { return connection_; }

 private:
  // These return how late elements may end: what the slowest of their transactions took, for it is
  // there that the kernel starts a timeout.
  using Lateness = std::chrono::nanoseconds;
  Lateness commit_changes(const Difference& difference, MonoTime now);
  Lateness commit_in_parts(Difference difference, MonoTime now);
  Lateness write_layer(const MapChange& change, MonoTime now);

  void send(nft::Batch batch);
  // These return what had to be forgotten, see forgotten().
  std::vector<std::string> read_back(const Difference& difference, MonoTime now, Lateness lateness);
  std::vector<std::string> rebuild(MonoTime now);
  void undo(const Difference& difference, MonoTime now);
  void withdraw(const Difference& failed, MonoTime now);
  [[nodiscard]] std::vector<Count> read_counts();
  void tidy_counts();
  [[nodiscard]] TableView view() { return {connection_, skeleton_, installed_, ports_}; }

  nft::Connection connection_;
  Skeleton skeleton_;
  std::vector<std::string> ports_;
  Registry registry_;
  Installed installed_;
  Tally tally_;
  Lateness lateness_{};  ///< the longest that a timeout was left with, see read_back()
  Link audited_;         ///< the last link that an audit of a part has looked at
};

}  // namespace tinet::fabric
