#include "src/supervisor/fault_book.h"

#include <algorithm>
#include <utility>

#include "src/base/clock.h"
#include "src/base/error.h"

namespace tinet {

namespace {

constexpr std::size_t kEndedMax = 1'000;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void FaultBook::add(Fault fault) {
  TINET_ASSERT(fault.id == next_id());
  last_id_ = fault.id.value;
  active_.emplace(fault.id, std::move(fault));
}

std::optional<Fault> FaultBook::end(FaultId id, Ending ending) {
  const auto found = active_.find(id);
  if (found == active_.end()) {
    return std::nullopt;
  }
  Fault fault = std::move(found->second);
  active_.erase(found);
  ended_.push_back({fault, ending, unix_ms_now()});
  if (ended_.size() > kEndedMax) {
    ended_.erase(ended_.begin());
  }
  return fault;
}

std::vector<Fault> FaultBook::expire(MonoTime now) {
  std::vector<FaultId> due;
  for (const auto& [id, fault] : active_) {
    if (fault.end && *fault.end <= now) {
      due.push_back(id);
    }
  }
  std::vector<Fault> expired;
  expired.reserve(due.size());
  for (const auto id : due) {
    expired.push_back(*end(id, Ending::Expired));
  }
  return expired;
}

std::vector<Fault> FaultBook::active() const {
  std::vector<Fault> faults;
  faults.reserve(active_.size());
  for (const auto& [id, fault] : active_) {
    faults.push_back(fault);
  }
  return faults;
}

std::vector<Fault> FaultBook::network_faults() const {
  std::vector<Fault> faults = active();
  std::erase_if(faults, [](const Fault& fault) { return fault.links.empty(); });
  return faults;
}

const Fault* FaultBook::find(FaultId id) const {
  const auto found = active_.find(id);
  return found == active_.end() ? nullptr : &found->second;
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
  for (const auto& [id, fault] : active_) {
    if (fault.end && (!earliest || *fault.end < *earliest)) {
      earliest = fault.end;
    }
  }
  return earliest;
}

bool FaultBook::touches(const std::string& instance) const {
  return std::any_of(active_.begin(), active_.end(), [&](const auto& entry) {
    return contains(entry.second.target, instance) || contains(entry.second.peers, instance);
  });
}

}  // namespace tinet
