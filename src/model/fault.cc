#include "src/model/fault.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace tinet {

std::string to_string(FaultId id) {
  return "f" + std::to_string(id.value);
}

std::optional<FaultId> parse_fault_id(std::string_view text) {
  if (text.size() < 2 || text[0] != 'f') {
    return std::nullopt;
  }
  FaultId id;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), id.value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return id;
}

std::string_view to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::Partition:
      return "partition";
    case FaultKind::Loss:
      return "loss";
    case FaultKind::Delay:
      return "delay";
    case FaultKind::Duplicate:
      return "duplicate";
    case FaultKind::Corrupt:
      return "corrupt";
    case FaultKind::Reorder:
      return "reorder";
    case FaultKind::Rate:
      return "rate";
    case FaultKind::Flap:
      return "flap";
    case FaultKind::Hold:
      return "hold";
    case FaultKind::Pause:
      return "pause";
  }
  return "unknown";
}

std::optional<CutMode> Effect::cut() const {
  std::optional<CutMode> strongest;
  for (const EffectClause& clause : clauses) {
    if (clause.match.everything() && clause.action.cut) {
      strongest = std::max(strongest.value_or(CutMode::Reject), *clause.action.cut);
    }
  }
  return strongest;
}

std::vector<FaultId> Effect::faults() const {
  std::vector<FaultId> all;
  for (const EffectClause& clause : clauses) {
    all.insert(all.end(), clause.faults.begin(), clause.faults.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

LinkAction combined(const Effect& effect) {
  LinkAction sum;
  for (const EffectClause& clause : effect.clauses) {
    if (clause.match.everything()) {
      combine(sum, clause.action);
    }
  }
  return sum;
}

}  // namespace tinet
