#pragma once
/// What probes of `--verify` must show for what a link suffers. Pure.

#include <chrono>
#include <cstdint>
#include <vector>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"

namespace tinet {

/// What must become of UDP datagrams between ports that nobody else uses.
enum class Expected {
  Arrive,  ///< one of several tries within the budget
  Stay,    ///< none
  Unsure,  ///< chance or a queue decides, or a probe would use up what the fault counts
};
[[nodiscard]] Expected expected_datagrams(const Effect& effect, std::chrono::milliseconds budget);

/// A TCP connection that a cut of ports must prevent.
struct PreventedConnection {
  Endpoint from = 0;
  Endpoint to = 0;
  std::uint16_t port = 0;
  CutMode mode = CutMode::Drop;
  friend auto operator<=>(const PreventedConnection&, const PreventedConnection&) = default;
};

/// The connections that cuts of some ports prevent, each once; those of whole links are not among
/// them, datagrams show these. Cuts that count or that mean only open connections prevent none.
[[nodiscard]] std::vector<PreventedConnection> prevented_connections(
    const std::vector<LinkState>& links);

}  // namespace tinet
