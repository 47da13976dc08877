#pragma once
/// Endpoints whose packets must be those of a wire: without segmentation offload what the switch
/// sees as one packet is up to forty, and a loss of one percent would take forty at once. Offloads
/// are switched off while a fault needs it, and come back after it.

#include <map>
#include <string>
#include <vector>

#include "netns/offload.h"
#include "src/fabric/difference.h"
#include "src/fabric/fabric.h"
#include "src/fabric/wiring.h"

namespace tinet::fabric {

class ExactSenders {
 public:
  ExactSenders(Wiring& wiring, std::vector<FabricEndpoint> endpoints)
      : wiring_(wiring), endpoints_(std::move(endpoints)) {}

  /// Switches off what `wanted` has off; what is off for another fault stays off.
  /// @return whether something was switched. @throws Error; follow() puts back what was switched
  bool require(Endpoint endpoint, const Offloads& wanted);
  /// Puts back what no link needs any more, what has ended by itself included. @throws Error; what
  /// is left is put back next time
  void follow(const Installed& installed, MonoTime now);

 private:
  void set(Endpoint endpoint, const Offloads& wanted);

  struct State {
    Offloads before;
    Offloads now;
    bool failed = false;  ///< the last switch was refused: some may be as wanted, some not
  };
  Wiring& wiring_;
  std::vector<FabricEndpoint> endpoints_;
  std::map<Endpoint, State> changed_;
};

/// What packets of a treatment need.
[[nodiscard]] Offloads offloads_for(const Treatment& treatment);

}  // namespace tinet::fabric
