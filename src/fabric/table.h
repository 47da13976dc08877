#pragma once
/// The switch's table in the kernel: commits changes, reads it back, makes it anew when it is not
/// what it should be.

#include <chrono>
#include <string>
#include <vector>

#include "netns/nft/connection.h"
#include "src/fabric/difference.h"
#include "src/fabric/ledger.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

class Table {
 public:
  /// Creates the table, without faults.
  /// @param socket NETLINK_NETFILTER, opened in the switch; the table lives as long as it
  /// @throws Error Unavailable when nf_tables lacks something, Operation
  Table(netlink::Socket socket, const FabricPlan& plan, std::vector<std::string> ports);

  /// Makes all links follow `wanted`, as one transaction, and reads back what was changed.
  /// A failure leaves the former state.
  /// @return links whose schedule changed; 0: nothing was sent
  /// @throws Error Conflict (more ends than layers), Unavailable (too large for one transaction),
  ///         Operation
  std::size_t apply(const std::vector<LinkSchedule>& wanted, MonoTime now);

  /// The transaction that apply() would commit, as commands of nft(8).
  [[nodiscard]] std::vector<std::string> preview(const std::vector<LinkSchedule>& wanted,
                                                 MonoTime now) const;

  /// What every link with an effect, now or in the past, is meant to suffer.
  [[nodiscard]] const Applied& applied() const noexcept { return applied_; }
  [[nodiscard]] const CounterLedger& ledger() const noexcept { return ledger_; }
  /// @throws Error
  [[nodiscard]] CounterValues read_counters();

  /// Compares the whole table with what it should be, and looks for tables of others in the switch.
  /// A table that differs is made anew in one transaction that keeps counts.
  /// @throws Error when the kernel can't be asked
  [[nodiscard]] std::vector<Drift> audit(MonoTime now);

 private:
  void commit(Difference difference, const CounterValues& values, MonoTime now);
  void commit_in_parts(Difference difference, const CounterValues& values, MonoTime now);
  void create_counters(CounterChange& counters);
  void write_layer(const MapChange& change, MonoTime now);
  void send(nft::Batch batch);
  void read_back(const std::vector<MapId>& maps, MonoTime now,
                 std::chrono::nanoseconds commit_duration);
  void rebuild(MonoTime now);
  [[nodiscard]] std::vector<std::string> check_maps(const std::vector<MapId>& maps, MonoTime now,
                                                    std::chrono::milliseconds end_tolerance);
  [[nodiscard]] std::vector<std::string> check_all(MonoTime now);
  void check_counters(std::vector<std::string>& drift);

  nft::Connection connection_;
  Skeleton skeleton_;
  std::vector<std::string> ports_;
  Applied applied_;
  CounterLedger ledger_;
  std::vector<LinkSchedule> wanted_;  ///< of the last successful apply()
};

}  // namespace tinet::fabric
