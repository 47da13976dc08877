#pragma once
/// The last step from words to a Fault: what happens, to which packets, on which links. Pure.

#include <span>
#include <vector>

#include "src/model/fault.h"
#include "src/model/matrix.h"
#include "src/model/traffic.h"

namespace tinet {

/// Gives the fault its links and clauses; every link suffers the same.
void set_clauses(Fault& fault, const ScopedLinks& scoped, const LinkAction& action);
/// The same with an action for each link.
/// @param actions of all links in `scoped`
void set_clauses(Fault& fault, const ScopedLinks& scoped, const LinkActions& actions);

/// Sets the id, also as the owner of what its clauses have to remember.
void give_id(Fault& fault, FaultId id);

/// Halves delay and jitter, which two directions of a link then add up to again.
void halve_round_trip(LinkAction& action);

/// True when chance has a part in the action, so that its seed matters.
[[nodiscard]] bool has_chance(const LinkAction& action);

/// When the last phase that acts is over; nullopt for a train without an end.
[[nodiscard]] std::optional<MonoTime> end_of_train(const Flap& flap);

}  // namespace tinet
