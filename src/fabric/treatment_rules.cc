/// What a treatment does to a packet at once: cuts, refusals, losses, corruption, copies.

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "src/fabric/refusal.h"
#include "src/fabric/treatment_builder.h"

namespace tinet::fabric {

namespace {

constexpr std::uint32_t kMacSize = 6;
constexpr std::uint32_t kSourceMac = 6;  ///< offset in the Ethernet header
constexpr std::uint32_t kIcmpHeader = 8;
constexpr std::uint32_t kIcmpChecksum = 2;  ///< offset in the ICMP header

/// A seed as the kernel's hash takes it.
std::uint32_t folded(std::uint64_t seed) {
  return static_cast<std::uint32_t>(seed ^ (seed >> 32U));
}

}  // namespace

/// Clauses with one seed must not choose the same packets.
Expressions TreatmentBuilder::by_chance(std::size_t clause, Ppm probability) const {
  constexpr std::uint32_t kStep = 0x9e3779b9;
  return fabric::by_chance(probability, folded(treatment_.effect.clauses[clause].action.seed) +
                                            static_cast<std::uint32_t>(clause) * kStep);
}

void TreatmentBuilder::put_cut(std::size_t clause) {
  const CutMode mode = *treatment_.effect.clauses[clause].action.cut;
  if (mode != CutMode::Drop) {
    put_refusal(clause, mode == CutMode::Reset);
    return;
  }
  // Two rules, so that the packet is dropped even if it can't be counted.
  Expressions counted = if_meant(clause);
  counted << count(clause, Happening::Dropped);
  rule(std::move(counted));
  Expressions dropped = if_meant(clause);
  dropped << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
  rule(std::move(dropped));
}

/// Answers of refusals (RST, ICMP errors) pass: they are what the other way's packets get.
void TreatmentBuilder::put_refusal(std::size_t clause, bool resets) {
  treatment_.refuses = true;
  const nft::GiveVerdict accept{{nft::Verdict::Kind::Accept, {}}};
  const auto answers = [&](Expressions condition) {
    Expressions all = if_meant(clause);
    all << std::move(condition) << Expressions{accept};
    rule(std::move(all));
  };
  answers(tcp_flags(kTcpRst, kTcpRst));
  constexpr std::uint8_t kUnreachable = 3;
  constexpr std::uint8_t kFirstQuery6 = 128;  // error messages of ICMPv6 are below
  Expressions unreachable = is_protocol(IPPROTO_ICMP);
  unreachable << Expressions{nft::PayloadLoad{nft::Header::Transport, 0, 1, nft::kR0},
                             nft::Compare{nft::CompareOp::Equal, nft::kR0, {kUnreachable}}};
  answers(std::move(unreachable));
  Expressions error6 = is_protocol(IPPROTO_ICMPV6);
  error6 << Expressions{nft::PayloadLoad{nft::Header::Transport, 0, 1, nft::kR0},
                        nft::Compare{nft::CompareOp::Less, nft::kR0, {kFirstQuery6}}};
  answers(std::move(error6));

  if (!resets) {
    // Segments of open connections get no answer.
    Expressions open = is_protocol(IPPROTO_TCP);
    open << Expressions{nft::PayloadLoad{nft::Header::Transport, 13, 1, nft::kR0},
                        nft::Bitwise{nft::kR0, nft::kR0, {kTcpSyn | kTcpAck}, {0}},
                        nft::Compare{nft::CompareOp::NotEqual, nft::kR0, {kTcpSyn}}};
    Expressions counted = if_meant(clause);
    counted << open << count(clause, Happening::Dropped);
    rule(std::move(counted));
    Expressions dropped = if_meant(clause);
    dropped << open << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
    rule(std::move(dropped));
  }
  Expressions counted = if_meant(clause);
  counted << count(clause, Happening::Rejected);
  rule(std::move(counted));
  Expressions asked = if_meant(clause);
  asked << Expressions{nft::Immediate{nft::kR0, refusal_mac_bytes()},
                       nft::PayloadWrite{nft::Header::Link, kSourceMac, kMacSize, nft::kR0},
                       accept};
  rule(std::move(asked));
}

void TreatmentBuilder::put_loss(std::size_t clause) {
  const Ppm loss = treatment_.effect.clauses[clause].action.loss;
  if (loss >= kAlways) {
    Expressions counted = if_meant(clause);
    counted << count(clause, Happening::Dropped);
    rule(std::move(counted));
    Expressions dropped = if_meant(clause);
    dropped << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
    rule(std::move(dropped));
    return;
  }
  Expressions lost = if_meant(clause);
  lost << by_chance(clause, loss) << count(clause, Happening::Dropped)
       << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
  rule(std::move(lost));
  Expressions passed = if_meant(clause);
  passed << count(clause, Happening::Passed);
  rule(std::move(passed));
}

/// Connections are chosen by a hash of their addresses and ports; of those, what the service says
/// is lost, not its acknowledgements.
void TreatmentBuilder::put_lost_replies(std::size_t clause) {
  const EffectClause& effect = treatment_.effect.clauses[clause];
  struct Family {
    std::uint16_t type;
    std::uint32_t offset;
    std::uint32_t size;
  };
  for (const std::uint16_t port : effect.match.from_ports) {
    for (const Family family : {Family{ETH_P_IP, 12, 8}, Family{ETH_P_IPV6, 8, 32}}) {
      const nft::Register ports{static_cast<std::uint8_t>(family.size / 4)};
      Expressions all = if_meant(clause);
      all << is_ether_type(family.type) << is_protocol(IPPROTO_TCP) << port_is(kSourcePort, port)
          << Expressions{nft::PayloadLoad{nft::Header::Inner, 0, 1, nft::kR0},
                         nft::PayloadLoad{nft::Header::Network, family.offset, family.size,
                                          nft::kR0},
                         nft::PayloadLoad{nft::Header::Transport, 0, 4, ports},
                         nft::Hash{nft::kR0, family.size + 4, nft::kR0, kAlways.value,
                                   folded(effect.action.seed)}}
          << is_below(nft::kR0, effect.action.lost_replies) << count(clause, Happening::Dropped)
          << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
      rule(std::move(all));
    }
  }
}

void TreatmentBuilder::put_changes(std::size_t clause) {
  const LinkAction& action = treatment_.effect.clauses[clause].action;
  if (action.corrupt.value > 0) {
    put_corruption(clause);
  }
  if (action.duplicate.value > 0) {
    Expressions all = if_meant(clause);
    if (treatment_.duplicates) {
      all << mark_is(kDuplicateBit, 0);  // one copy, by whoever comes first
    }
    treatment_.duplicates = true;
    all << by_chance(clause, action.duplicate) << mark_set(kDuplicateBit, kDuplicateBit)
        << count(clause, Happening::Duplicated);
    rule(std::move(all));
  }
}

/// Flips bits of the first byte behind the transport header. The kernel finds that of TCP and UDP
/// (nft_payload_inner_offset() in nft_payload.c); that of ICMP always has the same length.
void TreatmentBuilder::put_corruption(std::size_t clause) {
  const LinkAction& action = treatment_.effect.clauses[clause].action;
  treatment_.checksums =
      treatment_.checksums || (!action.silent_corruption &&
                               treatment_.effect.clauses[clause].match.protocol != Protocol::Icmp);
  // Each fault flips other bits, so that two of them never undo one another.
  const auto flipped = static_cast<std::uint8_t>(1 + clause);
  const auto put = [&](Expressions condition, nft::Header header, std::uint32_t offset,
                       std::uint32_t checksum) {
    Expressions all = if_meant(clause);
    all << std::move(condition) << by_chance(clause, action.corrupt)
        << Expressions{nft::PayloadLoad{header, offset, 1, nft::kR0},
                       nft::Bitwise{nft::kR0, nft::kR0, {0xff}, {flipped}},
                       nft::PayloadWrite{header, offset, 1, nft::kR0, checksum}}
        << count(clause, Happening::Corrupted);
    rule(std::move(all));
  };
  // Senders compute the checksums of TCP and UDP after this, unless they must not (`checksums`).
  put({}, nft::Header::Inner, 0, 0);
  for (const std::uint8_t protocol : {std::uint8_t{IPPROTO_ICMP}, std::uint8_t{IPPROTO_ICMPV6}}) {
    put(is_protocol(protocol), nft::Header::Transport, kIcmpHeader,
        action.silent_corruption ? kIcmpChecksum : 0);
  }
}

}  // namespace tinet::fabric
