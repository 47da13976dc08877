#include "src/model/fault.h"

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
    case FaultKind::Pause:
      return "pause";
  }
  return "unknown";
}

std::string_view to_string(CutMode mode) {
  switch (mode) {
    case CutMode::Reject:
      return "reject";
    case CutMode::Reset:
      return "reset";
    case CutMode::Drop:
      return "drop";
  }
  return "unknown";
}

}  // namespace tinet
