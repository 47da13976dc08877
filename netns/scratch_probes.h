#pragma once
/// The single trials of probe_features(). Each does the thing in the calling thread's network
/// namespace, which is a scratch one. Internal to netns.

#include <span>

#include "netns/netlink/socket.h"

namespace tinet {

/// Where the trials work: a veth pair and nothing else.
class Scratch {
 public:
  /// Makes the pair in the calling thread's namespace. @throws Error
  Scratch();

  [[nodiscard]] netlink::Socket& links() noexcept { return links_; }

  static constexpr const char* kDevice = "probe0";
  static constexpr IfIndex kDeviceIndex{1000};
  static constexpr IfIndex kPeerIndex{1001};

 private:
  netlink::Socket links_;
};

/// @throws Error what failed; leaves nothing behind in the scratch namespace
using Trial = void (*)(Scratch&);

struct ScratchProbe {
  const char* name;
  const char* mechanism;
  Trial trial;
  const char* hint = "";  ///< what may help where the trial fails
};

/// In the order of the report.
[[nodiscard]] std::span<const ScratchProbe> scratch_probes() noexcept;

}  // namespace tinet
