#pragma once
/// The one seam between this module and the kernel that tests can close: every call that changes
/// something asks the gate first, so "the kernel refuses the n-th call" can be tried for every n.

namespace tinet {

/// What is about to be asked of the kernel.
enum class KernelCall {
  CreateNamespace,
  OpenSocket,
  WriteSysctl,
  SetOffload,
  SendRequest,  ///< one sendmsg(2) of rtnetlink or nfnetlink messages, dumps included
};

class KernelGate {
 public:
  KernelGate() = default;
  KernelGate(const KernelGate&) = delete;
  KernelGate& operator=(const KernelGate&) = delete;
  KernelGate(KernelGate&&) = delete;
  KernelGate& operator=(KernelGate&&) = delete;
  virtual ~KernelGate() = default;

  /// Asked right before the call, by the thread that makes it (never by two at a time).
  /// @return 0 to let the call happen, or the errno that it shall fail with instead
  [[nodiscard]] virtual int admit(KernelCall call) noexcept = 0;
};

/// Asks `gate`, when there is one.
[[nodiscard]] inline int admit(KernelGate* gate, KernelCall call) noexcept {
  return gate == nullptr ? 0 : gate->admit(call);
}

}  // namespace tinet
