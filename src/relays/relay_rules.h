#pragma once
/// What links suffer -> rules of relays. Pure.

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "src/model/fault.h"
#include "src/proxy/rule_set.h"

namespace tinet::relays {

/// The connections that one endpoint opens to a port of another.
struct Way {
  Endpoint dialer = 0;
  Endpoint listener = 0;
  std::uint16_t port = 0;
  friend auto operator<=>(const Way&, const Way&) = default;

  [[nodiscard]] Link there() const noexcept { return {dialer, listener}; }
  [[nodiscard]] Link back() const noexcept { return {listener, dialer}; }
};

/// Why relays cannot do what a fault asks for on the packets that it means; empty when they can.
[[nodiscard]] std::string why_not(const FaultClause& clause);

/// Those clauses of a link's effect that concern the connections to a port.
/// @param towards the link leads to the port; otherwise from it
[[nodiscard]] Effect concerning(const Effect& effect, std::uint16_t port, bool towards);

/// The two sides of a way's connections.
struct WayEffects {
  Effect there;
  Effect back;
  friend bool operator==(const WayEffects&, const WayEffects&) = default;
};

/// Rules of both directions. A rule keeps its key as long as its fault acts.
struct WayRules {
  using Rules = std::map<proxy::RuleSet::Key, proxy::Rule>;
  Rules forward;   ///< dialer to listener
  Rules backward;  ///< listener to dialer
};

/// A cut or a hold of one link stops the connection both ways: no acknowledgement would come back.
/// A delay of either link delays the connection itself, too, as it would the packets of its
/// handshake.
/// @param effects as concerning() gives them, of clauses that why_not() has nothing against
/// @param first_number of the listener's connections that were not there yet when the fault began
[[nodiscard]] WayRules rules_of(const WayEffects& effects,
                                const std::function<std::uint64_t(FaultId)>& first_number);

/// "hold", "reset new connections, hold open ones", "delay 50ms +/- 5ms", ...
[[nodiscard]] std::string describe(const proxy::Rule& rule);

}  // namespace tinet::relays
