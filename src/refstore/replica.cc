#include "src/refstore/replica.h"

#include <utility>

namespace tinet::refstore {

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::Idle:
      return "idle";
    case Role::Primary:
      return "primary";
    case Role::Backup:
      return "backup";
  }
  return "";
}

Replica::Replica(std::string address, std::uint64_t incarnation)
    : address_(std::move(address)), incarnation_(incarnation) {}

bool Replica::adopt(const View& view) {
  if (view.number <= view_.number) {
    return false;
  }
  const bool was_whole = whole_ && view.number == view_.number + 1;
  view_ = view;
  synced_ = false;
  next_chunk_ = 0;
  if (view.primary.is(address_, incarnation_)) {
    role_ = Role::Primary;
    whole_ = was_whole || view.number == 1;
  } else {
    role_ = view.backup.is(address_, incarnation_) ? Role::Backup : Role::Idle;
    whole_ = false;
  }
  if (!whole_) {
    state_ = KvState();
  }
  return true;
}

bool Replica::may_serve() const noexcept {
  return role_ == Role::Primary && whole_ && (view_.backup.empty() || synced_);
}

Entry Replica::entry_for(Op op) const {
  return {view_, state_.applied() + 1, std::move(op)};
}

bool Replica::synced() const noexcept {
  return role_ == Role::Primary && !view_.backup.empty() && synced_;
}

bool Replica::is_backup_of(const View& view) const {
  return role_ == Role::Backup && view.number == view_.number;
}

Acceptance Replica::accept(const Entry& entry) {
  adopt(entry.view);
  if (!is_backup_of(entry.view)) {
    return Acceptance::WrongView;
  }
  if (!whole_ || entry.index > state_.applied() + 1) {
    return Acceptance::OutOfOrder;
  }
  if (entry.index == state_.applied() + 1) {
    state_.apply(entry.op);
  }
  return Acceptance::Accepted;
}

Acceptance Replica::accept(const Transfer& transfer) {
  adopt(transfer.view);
  if (!is_backup_of(transfer.view)) {
    return Acceptance::WrongView;
  }
  if (whole_ || transfer.chunk.number < next_chunk_) {
    return Acceptance::Accepted;
  }
  if (transfer.chunk.number > next_chunk_) {
    return Acceptance::OutOfOrder;
  }
  state_.absorb(transfer.chunk);
  ++next_chunk_;
  whole_ = transfer.chunk.last;
  return Acceptance::Accepted;
}

}  // namespace tinet::refstore
