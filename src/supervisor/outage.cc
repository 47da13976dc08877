#include "src/supervisor/outage.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tinet {

namespace {

/// From this share on, the same segment is lost again and again.
constexpr Ppm kHalf{500'000};

bool keeps_tcp_away(const FaultClause& clause) {
  if (clause.match.protocol != Protocol::Any && clause.match.protocol != Protocol::Tcp) {
    return false;
  }
  const LinkAction& action = clause.action;
  return (action.cut && *action.cut != CutMode::Reset) || action.loss >= kHalf ||
         action.lost_replies.value > 0;
}

std::string seconds(Nanoseconds time) {
  std::array<char, 32> text{};
  const double count = std::chrono::duration<double>(time).count();
  static_cast<void>(std::snprintf(text.data(), text.size(), "%.1f s", count));
  return text.data();
}

}  // namespace

std::optional<Nanoseconds> residual_outage(const Fault& fault, const PacketCounts& packets,
                                           Nanoseconds lasted, Nanoseconds rto_max) {
  const bool kept = std::any_of(fault.clauses.begin(), fault.clauses.end(), keeps_tcp_away);
  if (!kept || packets.dropped == 0) {
    return std::nullopt;
  }
  // A train that comes and goes stops a sender for one phase at a time.
  const Nanoseconds cut = fault.flap ? std::min(lasted, fault.flap->down) : lasted;
  return std::min(cut, rto_max);
}

std::string outage_note(Nanoseconds lasted, Nanoseconds residual) {
  return "healed after " + seconds(lasted) +
         "; TCP connections that were retransmitting may take up to " + seconds(residual) +
         " more to resume; 'tinet heal --kick' ends them";
}

}  // namespace tinet
