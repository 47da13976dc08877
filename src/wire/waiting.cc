#include "src/wire/waiting.h"

namespace tinet {

WaitingPackets::Slot WaitingPackets::add(const Packet& packet) {
  Slot slot = free_;
  if (slot == kNone) {
    slot = static_cast<Slot>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[slot].newer;
  }
  entries_[slot] = {packet, newest_, kNone};
  if (newest_ == kNone) {
    oldest_ = slot;
  } else {
    entries_[newest_].newer = slot;
  }
  newest_ = slot;
  ++count_;
  return slot;
}

void WaitingPackets::remove(Slot slot) {
  const Entry entry = entries_[slot];
  if (entry.older == kNone) {
    oldest_ = entry.newer;
  } else {
    entries_[entry.older].newer = entry.newer;
  }
  if (entry.newer == kNone) {
    newest_ = entry.older;
  } else {
    entries_[entry.newer].older = entry.older;
  }
  entries_[slot].newer = free_;
  free_ = slot;
  --count_;
}

}  // namespace tinet
