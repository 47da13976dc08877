#pragma once
/// What one server may do with its state: serve, replicate, accept, or nothing. Pure: kv_server.h
/// moves the messages.
///
/// A server is *whole* in a view when its state holds every operation that was ever answered: the
/// first primary of view 1, a primary that was whole in the view before, a backup that got a
/// complete transfer in this view, and a primary that was such a backup in the view before. Views
/// cannot be skipped by those who matter: a view ends only after its primary acknowledged it.

#include <cstdint>
#include <string>

#include "src/refstore/kv_state.h"
#include "src/refstore/view.h"

namespace tinet::refstore {

enum class Role { Idle, Primary, Backup };

/// "idle", "primary", "backup".
[[nodiscard]] std::string_view to_string(Role role) noexcept;

/// A primary's message to its backup: one operation, to be applied as number `index`.
struct Entry {
  View view;
  std::uint64_t index = 0;
  Op op;
};

/// A primary's message to its backup: one part of the state.
struct Transfer {
  View view;
  Chunk chunk;
};

enum class Acceptance {
  Accepted,    ///< done now, or done before
  WrongView,   ///< this process is not the backup of that view, or knows a later one
  OutOfOrder,  ///< something before it is missing: an earlier chunk, the transfer, an operation
};

class Replica {
 public:
  Replica(std::string address, std::uint64_t incarnation);

  /// Takes over a view that is newer than the known one. State that the new role has no right to
  /// is dropped.
  /// @return true when it was newer
  bool adopt(const View& view);

  [[nodiscard]] const View& view() const noexcept { return view_; }
  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] bool whole() const noexcept { return whole_; }
  [[nodiscard]] const KvState& state() const noexcept { return state_; }

  /// Primary, whole, and its backup (if any) has everything.
  [[nodiscard]] bool may_serve() const noexcept;

  /// Primary: the message that makes the backup apply `op` next.
  [[nodiscard]] Entry entry_for(Op op) const;
  /// Primary: applies an operation that the backup has (if there is one).
  OpResult apply(const Op& op) { return state_.apply(op); }
  /// Primary: the backup of this view has got the last chunk.
  void mark_synced() noexcept { synced_ = true; }
  /// Primary with a backup that has everything.
  [[nodiscard]] bool synced() const noexcept;

  /// Backup: takes a message of the primary. A repeated one is accepted again and does nothing.
  /// A newer view in the message is adopted first.
  Acceptance accept(const Entry& entry);
  Acceptance accept(const Transfer& transfer);

 private:
  [[nodiscard]] bool is_backup_of(const View& view) const;

  std::string address_;
  std::uint64_t incarnation_;
  View view_;
  Role role_ = Role::Idle;
  bool whole_ = false;
  bool synced_ = false;
  std::uint64_t next_chunk_ = 0;
  KvState state_;
};

}  // namespace tinet::refstore
