#include "src/supervisor/fault_book.h"

#include <algorithm>
#include <utility>

#include "src/base/clock.h"
#include "src/base/error.h"

namespace tinet {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void FaultBook::use_up(FaultId last) {
  while (last_id_ < last.value) {
    unborn_.insert(FaultId{++last_id_});
  }
}

void FaultBook::add(Entry entry) {
  const FaultId id = entry.fault.id;
  TINET_ASSERT(id == next_id() || unborn_.contains(id));
  use_up(id);
  unborn_.erase(id);
  active_.emplace(id, std::move(entry));
}

std::optional<Fault> FaultBook::end(FaultId id, Ending ending, MonoTime now) {
  const auto found = active_.find(id);
  if (found == active_.end()) {
    return std::nullopt;
  }
  Entry entry = std::move(found->second);
  active_.erase(found);
  ended_.push_back({entry.fault, entry.since, now, entry.atomic, ending, unix_ms_now()});
  if (ended_.size() > kEndedMax) {
    ended_.erase(ended_.begin());
  }
  return std::move(entry.fault);
}

std::vector<Fault> FaultBook::expire(MonoTime now) {
  std::vector<FaultId> due;
  for (const auto& [id, entry] : active_) {
    if (entry.fault.end && *entry.fault.end <= now) {
      due.push_back(id);
    }
  }
  std::vector<Fault> expired;
  expired.reserve(due.size());
  for (const auto id : due) {
    expired.push_back(*end(id, Ending::Expired, now));
  }
  return expired;
}

std::vector<Fault> FaultBook::active() const {
  std::vector<Fault> faults;
  faults.reserve(active_.size());
  for (const auto& [id, entry] : active_) {
    faults.push_back(entry.fault);
  }
  return faults;
}

std::vector<Fault> FaultBook::network_faults() const {
  std::vector<Fault> faults = active();
  std::erase_if(faults, [](const Fault& fault) { return fault.links.empty(); });
  return faults;
}

const FaultBook::Entry* FaultBook::find_entry(FaultId id) const {
  const auto found = active_.find(id);
  return found == active_.end() ? nullptr : &found->second;
}

const Fault* FaultBook::find(FaultId id) const {
  const Entry* entry = find_entry(id);
  return entry == nullptr ? nullptr : &entry->fault;
}

const FaultBook::Ended* FaultBook::find_ended(FaultId id) const {
  for (const auto& ended : ended_) {
    if (ended.fault.id == id) {
      return &ended;
    }
  }
  return nullptr;
}

std::optional<MonoTime> FaultBook::next_end() const {
  std::optional<MonoTime> earliest;
  for (const auto& [id, entry] : active_) {
    if (entry.fault.end && (!earliest || *entry.fault.end < *earliest)) {
      earliest = entry.fault.end;
    }
  }
  return earliest;
}

std::optional<MonoTime> FaultBook::next_change(MonoTime now) const {
  std::optional<MonoTime> earliest = next_end();
  for (const auto& [id, entry] : active_) {
    if (!entry.fault.flap) {
      continue;
    }
    const Flap& flap = *entry.fault.flap;
    const auto into = (now - flap.start) % (flap.down + flap.up);
    const MonoTime change = now + (into < flap.down ? flap.down : flap.down + flap.up) - into;
    earliest = earliest ? std::min(*earliest, change) : change;
  }
  return earliest;
}

std::vector<FaultId> FaultBook::touching(const std::string& instance) const {
  std::vector<FaultId> ids;
  for (const auto& [id, entry] : active_) {
    if (contains(entry.fault.target, instance) || contains(entry.fault.peers, instance)) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace tinet
