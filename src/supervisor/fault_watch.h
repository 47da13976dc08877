#pragma once
/// Looks after active faults between changes: keeps flapping ones going, compares the kernel with
/// the intent, and notices faults that no packet meets and those whose queues are full. Timers on
/// the supervisor's loop.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "src/fabric/fabric.h"
#include "src/supervisor/changes.h"
#include "src/supervisor/fault_book.h"
#include "src/supervisor/journal.h"
#include "src/supervisor/probe_ledger.h"

namespace tinet {

/// How often things are looked at.
struct WatchTimes {
  /// A fault that met no packet in so much of the cluster's traffic is told of.
  std::chrono::milliseconds match_within{2'000};
  std::chrono::milliseconds audit_after_change{200};
  std::chrono::milliseconds audit_with_faults{5'000};
  std::chrono::milliseconds audit_at_rest{30'000};
  /// A fault whose queue is full is told of that often, at an audit.
  std::chrono::milliseconds queue_full_every{10'000};
};

class FaultWatch {
 public:
  /// @param changes rung when a fault turns out to match nothing, and when drift comes or goes
  /// @param reapply hands the active faults to the fabric again
  FaultWatch(const boost::asio::any_io_executor& executor, Fabric& fabric, Journal& journal,
             Changes& changes, const FaultBook& book, const ProbeLedger& ledger,
             std::function<void()> reapply, WatchTimes times = {});

  /// The active faults have changed, and the fabric knows.
  /// @param refresh_at see ApplyReport
  void changed(std::optional<MonoTime> refresh_at);

  /// From now on there are processes that could send packets.
  void traffic_begins();

  /// True when the cluster's traffic went on for match_within while the fault was active, and no
  /// packet was meant. Time in which no endpoint sent anything does not count, as far as the fabric
  /// sees that. A fault that begins after so many bytes is given all the time it needs.
  /// @param packets without those of probes
  [[nodiscard]] bool matched_nothing(const Fault& fault, const PacketCounts& packets) const;

  /// As long as what is returned lives, what endpoints send is not the cluster's alone: such time
  /// counts as one without traffic. It may outlive this object.
  [[nodiscard]] std::shared_ptr<void> while_probing();

  /// What the last look at the kernel found and could not repair, also that it could not look.
  [[nodiscard]] const std::vector<Drift>& open_drift() const noexcept { return open_drift_; }

  /// Stops all timers; the fabric may go away afterwards.
  void shut_down();

 private:
  void arm_refresh(std::optional<MonoTime> at);
  void arm_matches();
  [[nodiscard]] bool anything_waits() const;
  void listen(MonoTime time);
  void forget_traffic(MonoTime time);
  void listen_again();
  [[nodiscard]] bool is_waited_for(const FaultBook::Entry& entry) const;
  [[nodiscard]] std::optional<bool> found_no_match(const Fault& fault) const;
  void look_for_matches();
  void arm_audit(std::chrono::milliseconds after);
  void audit();
  void watch_helper();
  struct FoundDrift {
    std::vector<Drift> still_there;
    bool repaired = false;  ///< something else was
  };
  FoundDrift look_for_drift(MonoTime start);
  void look_for_full_queues(MonoTime time, bool tell);

  Fabric& fabric_;
  Journal& journal_;
  Changes& changes_;
  const FaultBook& book_;
  const ProbeLedger& ledger_;
  std::function<void()> reapply_;
  WatchTimes times_;
  boost::asio::steady_timer refresh_;
  boost::asio::steady_timer matches_;
  boost::asio::steady_timer audit_;
  boost::asio::posix::stream_descriptor helper_;  ///< a copy of the fabric's descriptor
  int helper_fd_ = -1;                            ///< of the fabric, while it is waited for
  std::optional<MonoTime> helper_ended_{};        ///< last time
  bool processes_ = false;
  bool listening_ = false;
  std::weak_ptr<void> probing_;
  bool probed_ = false;                                      ///< since the last look at the traffic
  MonoTime listened_{};                                      ///< last time
  std::optional<std::uint64_t> sent_;                        ///< packets by then
  std::optional<MonoTime> heard_;                            ///< when there were more last
  std::map<FaultId, std::chrono::nanoseconds> traffic_met_;  ///< how long there was traffic
  std::set<FaultId> looked_at_;    ///< active faults whose time to match is over
  std::vector<Drift> open_drift_;  ///< told of, and still there
  struct ToldDrops {
    MonoTime when{};
    std::uint64_t packets = 0;
  };
  std::map<FaultId, ToldDrops> queue_drops_;  ///< as told of last
  bool shut_down_ = false;
};

}  // namespace tinet
