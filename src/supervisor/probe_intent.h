#pragma once
/// What probes of `--verify` must show for what a link suffers. Pure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"
#include "src/model/plan.h"

namespace tinet {

/// What must become of UDP datagrams between ports that nobody else uses.
struct Expected {
  enum class Fate {
    Arrive,  ///< and show the rest
    Stay,    ///< none
    Unsure,  ///< probes say nothing of this link, see `reason`
  };
  Fate fate = Fate::Arrive;
  /// Chances that must show in one of `tries` datagrams: one is lost, broken, there twice. At a
  /// million, all of them.
  Ppm lost{};
  Ppm corrupted{};
  Ppm duplicated{};
  std::size_t tries = 1;
  /// No datagram is faster; with `jitter`, half of them are not faster than half of it.
  std::chrono::nanoseconds delay{};
  std::chrono::nanoseconds jitter{};
  std::string reason{};
  friend bool operator==(const Expected&, const Expected&) = default;
};

/// Why links are left alone where probes would be among the packets that a fault counts (`first`,
/// `after_bytes`) to know when it acts.
inline constexpr std::string_view kWouldUseUp = "probes would use up what the fault counts";

/// Probes within these limits.
struct ProbeLimits {
  std::chrono::milliseconds budget{};
  std::size_t tries = 20;  ///< datagrams per link
};

/// What datagrams must show of a link with this effect so that one can say of a fault that it is
/// as intended there.
/// @param fault whose clauses have to be shown; those of others only have to be borne with
[[nodiscard]] Expected expected_datagrams(const Effect& effect, FaultId fault,
                                          const ProbeLimits& limits);

/// Whether refusals of datagrams `there` are answered with ICMP errors that a fault counts `back`.
[[nodiscard]] bool counts_refusals(const Effect& there, const Effect& back);

/// Whether any fault counts a datagram that goes `there`, its answer, or a refusal of either.
[[nodiscard]] bool counts_round_trip(const Effect& there, const Effect& back);

/// What datagrams have shown, of one family.
struct Sighted {
  std::size_t sent = 0;
  std::size_t intact = 0;                         ///< different ones
  std::size_t corrupted = 0;                      ///< copies of those included
  std::size_t copies = 0;                         ///< further ones of those that are intact
  std::vector<std::chrono::nanoseconds> taken{};  ///< by the first ones that arrived, any order
  [[nodiscard]] std::size_t arrived() const { return intact + corrupted; }
};
[[nodiscard]] bool as_intended(const Expected& expected, const Sighted& sighted);

/// A TCP connection that a cut must prevent.
struct PreventedConnection {
  Endpoint from = 0;
  Endpoint to = 0;
  std::uint16_t port = 0;  ///< 0: any, where somebody listens for this purpose
  CutMode mode = CutMode::Drop;
  friend auto operator<=>(const PreventedConnection&, const PreventedConnection&) = default;
};

/// The connections that cuts of some packets prevent, each once; those of whole links are not among
/// them, datagrams show these. A loss of everything and a hold count as cuts. Cuts that count or
/// that mean only open connections prevent none.
[[nodiscard]] std::vector<PreventedConnection> prevented_connections(
    const std::vector<LinkState>& links);

/// The same where every connection shows what its links suffer and nothing else does: those to each
/// service of either end of a link that is cut or held as a whole are among them.
/// @param skipped grows by the links that no connection can say anything about
[[nodiscard]] std::vector<PreventedConnection> stopped_connections(
    const ClusterPlan& plan, const std::vector<LinkState>& links, std::size_t& skipped);

/// Takes away the connections whose segments, or the answers to them, a fault counts.
/// @param effects of all links that suffer something
/// @return how many those were
std::size_t leave_counted(std::vector<PreventedConnection>& connections,
                          const std::map<Link, Effect>& effects);

}  // namespace tinet
