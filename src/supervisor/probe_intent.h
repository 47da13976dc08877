#pragma once
/// What probes of `--verify` must show for what a link suffers. Pure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"
#include "src/model/plan.h"

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

/// The same where every connection shows what its links suffer and nothing else does: those to each
/// service of either end of a link that is cut or held as a whole are among them.
/// @param skipped grows by the links that no connection can say anything about
[[nodiscard]] std::vector<PreventedConnection> stopped_connections(
    const ClusterPlan& plan, const std::vector<LinkState>& links, std::size_t& skipped);

}  // namespace tinet
