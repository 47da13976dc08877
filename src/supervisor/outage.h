#pragma once
/// What a healed fault leaves behind: connections that wait to send again. Pure.

#include <optional>
#include <string>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"

namespace tinet {

/// TCP's longest pause between two tries, where nobody has set another (TCP_RTO_MAX).
inline constexpr Nanoseconds kRtoMax = std::chrono::seconds(120);

/// A sender doubles its pause after every loss, so when the links are free again it may still wait
/// as long as they were not, at most the longest pause. Measured: after a cut of 30 s, connections
/// resumed 24 s late.
/// @param lasted how long the fault was active
/// @param rto_max the longest pause (`start --tcp-rto-max`)
/// @return how long connections may still stand still; nullopt for a fault that kept no packets of
///         TCP away, or that ended the connections itself
[[nodiscard]] std::optional<Nanoseconds> residual_outage(const Fault& fault,
                                                         const PacketCounts& packets,
                                                         Nanoseconds lasted,
                                                         Nanoseconds rto_max = kRtoMax);

/// The sentence about it, with how to end it.
[[nodiscard]] std::string outage_note(Nanoseconds lasted, Nanoseconds residual);

}  // namespace tinet
