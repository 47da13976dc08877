#pragma once
/// A kernel that refuses one call.

#include <cerrno>

#include "netns/kernel_gate.h"

namespace tinet::testing {

/// Refuses one call after so many others.
class Countdown final : public KernelGate {
 public:
  [[nodiscard]] int admit(KernelCall /*call*/) noexcept override {
    return left_ >= 0 && left_-- == 0 ? ENOMEM : 0;
  }
  void arm(int calls) noexcept { left_ = calls; }
  void disarm() noexcept { left_ = -1; }
  /// Whether the refusal still lies ahead.
  [[nodiscard]] bool pending() const noexcept { return left_ >= 0; }

 private:
  int left_ = -1;
};

}  // namespace tinet::testing
