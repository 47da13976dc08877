#pragma once
/// All faults of a cluster: the active ones, and the ended ones for history. Pure bookkeeping; the
/// supervisor hands the active ones to the fabric after every change.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/model/fault.h"

namespace tinet {

/// So many ended faults are remembered.
inline constexpr std::size_t kEndedMax = 1'000;

class FaultBook {
 public:
  enum class Ending { Healed, Expired };
  /// What is known of a fault besides itself.
  struct Entry {
    Fault fault;
    MonoTime since{};     ///< when it was applied
    bool atomic = true;   ///< one transaction decided for all its links
    std::string words{};  ///< canonical_words() of its request; empty for process faults
  };
  struct Ended {
    Fault fault;
    MonoTime since{};
    MonoTime until{};
    bool atomic = true;
    Ending ending = Ending::Healed;
    std::int64_t ended_at_unix_ms = 0;
  };

  /// The id the next fault gets; ids are never used twice.
  [[nodiscard]] FaultId next_id() const noexcept { return {last_id_ + 1}; }

  /// Ids up to this one are not given out again, whatever becomes of the change that makes their
  /// faults: what it leaves in the fabric when it fails must not be taken for another fault's.
  void use_up(FaultId last);
  /// Adds a fault that has just been applied; its id is next_id(), or was used up for it.
  void add(Entry entry);
  /// Moves an active fault to the ended ones (the newest kEndedMax are kept).
  /// @return nullopt when it was not active
  std::optional<Fault> end(FaultId id, Ending ending, MonoTime now);
  /// Moves all faults whose end is not after `now`.
  std::vector<Fault> expire(MonoTime now);

  [[nodiscard]] std::vector<Fault> active() const;
  /// Active faults that act on links, as the fabric wants them.
  [[nodiscard]] std::vector<Fault> network_faults() const;
  [[nodiscard]] const std::map<FaultId, Entry>& entries() const noexcept { return active_; }
  [[nodiscard]] const Entry* find_entry(FaultId id) const;
  [[nodiscard]] const Fault* find(FaultId id) const;
  [[nodiscard]] const std::vector<Ended>& ended() const noexcept { return ended_; }
  [[nodiscard]] const Ended* find_ended(FaultId id) const;
  /// True for an id of a fault that has ever been active.
  [[nodiscard]] bool issued(FaultId id) const {
    return id.value >= 1 && id.value <= last_id_ && !unborn_.contains(id);
  }
  /// Earliest end of an active fault.
  [[nodiscard]] std::optional<MonoTime> next_end() const;
  /// When the effects change next although nobody does anything: an end, or a phase of a flap.
  [[nodiscard]] std::optional<MonoTime> next_change(MonoTime now) const;
  /// Active faults that have this instance among their targets or peers.
  [[nodiscard]] std::vector<FaultId> touching(const std::string& instance) const;

 private:
  std::map<FaultId, Entry> active_;
  std::vector<Ended> ended_;
  std::uint32_t last_id_ = 0;
  std::set<FaultId> unborn_;  ///< used up, and not added: their changes have failed
};

}  // namespace tinet
