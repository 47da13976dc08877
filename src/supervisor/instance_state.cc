#include "src/supervisor/instance_state.h"

namespace tinet {

std::string_view to_string(InstanceState state) noexcept {
  switch (state) {
    case InstanceState::Planned:
      return "planned";
    case InstanceState::Starting:
      return "starting";
    case InstanceState::Running:
      return "running";
    case InstanceState::Ready:
      return "ready";
    case InstanceState::Paused:
      return "paused";
    case InstanceState::Stopping:
      return "stopping";
    case InstanceState::Stopped:
      return "stopped";
    case InstanceState::Crashed:
      return "crashed";
  }
  return "unknown";
}

bool may_move(InstanceState from, InstanceState to) noexcept {
  using enum InstanceState;
  switch (to) {
    case Planned:
      return false;
    case Starting:
      return from == Planned || from == Stopped || from == Crashed;
    case Running:
      return from == Starting || from == Paused;
    case Ready:
      return from == Running || from == Paused;
    case Paused:
      return from == Running || from == Ready;
    case Stopping:
      return is_alive(from) && from != Stopping;
    case Stopped:
      return from == Stopping || from == Starting;
    case Crashed:
      return is_alive(from) || from == Starting;
  }
  return false;
}

bool is_alive(InstanceState state) noexcept {
  using enum InstanceState;
  return state == Running || state == Ready || state == Paused || state == Stopping;
}

}  // namespace tinet
