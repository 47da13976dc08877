#pragma once
/// The life of one instance as a plain state machine. Every move is checked here and becomes one
/// journal line, so an expected exit and a crash can never be confused.

#include <string_view>

namespace tinet {

enum class InstanceState {
  Planned,   ///< known, never started (also under --paused)
  Starting,  ///< being prepared; no process yet
  Running,   ///< process alive, not (yet) ready
  Ready,     ///< all its checks held
  Paused,    ///< stopped by SIGSTOP on request
  Stopping,  ///< asked to end
  Stopped,   ///< ended because somebody asked for it
  Crashed,   ///< ended although nobody asked
};

[[nodiscard]] std::string_view to_string(InstanceState state) noexcept;

/// True for the moves that can happen; everything else is a programming error.
[[nodiscard]] bool may_move(InstanceState from, InstanceState to) noexcept;

/// True while a process exists.
[[nodiscard]] bool is_alive(InstanceState state) noexcept;

}  // namespace tinet
