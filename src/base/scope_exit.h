#pragma once
/// Runs an action when a scope is left, unless it was dismissed.

#include <utility>

namespace tinet {

template <typename Action>
class ScopeExit {
 public:
  explicit ScopeExit(Action action) : action_(std::move(action)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ScopeExit(ScopeExit&&) = delete;
  ScopeExit& operator=(ScopeExit&&) = delete;
  ~ScopeExit() { run(); }

  /// Runs the action now, if it has not run yet.
  void run() {
    if (armed_) {
      armed_ = false;
      action_();
    }
  }

  /// The action will not run.
  void dismiss() noexcept { armed_ = false; }

 private:
  Action action_;
  bool armed_ = true;
};

}  // namespace tinet
