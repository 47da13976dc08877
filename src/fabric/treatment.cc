#include "src/fabric/treatment.h"

#include <algorithm>
#include <optional>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "src/base/error.h"
#include "src/fabric/match_rules.h"
#include "src/fabric/refusal.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

namespace {

constexpr std::uint32_t kFirstScratchBit = 1U << 16;
constexpr std::uint32_t kMillion = 1'000'000;
constexpr std::uint32_t kMacSize = 6;
constexpr std::uint32_t kSourceMac = 6;  ///< offset in the Ethernet header
/// Any seed; connections are chosen by it alone.
constexpr std::uint32_t kHashSeed = 0x7131e7;

std::string names_of(const EffectClause& a, const EffectClause& b) {
  return to_string(a.faults.front()) + " and " + to_string(b.faults.front());
}

/// Whether packets take longer, rather than being lost at once or not at all.
bool waits(const LinkAction& action) {
  LinkAction rest = action;
  rest.bursts.clear();
  return rest.shapes();
}

class Builder {
 public:
  Builder(TreatmentId id, const Effect& effect, const Mechanisms& mechanisms, Registry& registry)
      : mechanisms_(mechanisms), registry_(registry) {
    treatment_.id = id;
    treatment_.effect = effect;
  }

  Treatment build();

 private:
  /// Nothing for a clause that means every packet.
  [[nodiscard]] std::uint32_t bit_of(std::size_t clause) const { return bits_[clause]; }
  [[nodiscard]] Expressions if_meant(std::size_t clause) const {
    return bits_[clause] == 0 ? Expressions{} : mark_is(bits_[clause], bits_[clause]);
  }
  void rule(Expressions expressions);
  /// Expressions that count the packet of this clause.
  [[nodiscard]] Expressions count(std::size_t clause, Happening what);
  void choose_bits();
  void put_bits();
  void put_cut(std::size_t clause);
  void put_refusal(std::size_t clause, bool resets);
  void put_loss(std::size_t clause);
  void put_lost_replies(std::size_t clause);
  void put_changes(std::size_t clause);
  void put_shapes();
  /// What packets count as that these clauses drop together.
  [[nodiscard]] ShapeCounts drop_counts(const std::vector<std::size_t>& clauses);
  void put_shape(std::uint32_t mask, std::uint32_t value, const std::vector<std::size_t>& clauses);

  const Mechanisms& mechanisms_;
  Registry& registry_;
  Treatment treatment_;
  std::vector<std::uint32_t> bits_;
};

void Builder::rule(Expressions expressions) {
  nft::Rule rule;
  rule.table = table_id();
  rule.chain = chain_name({treatment_.id, Stack::A});
  rule.expressions = std::move(expressions);
  treatment_.rules.push_back(std::move(rule));
}

Expressions Builder::count(std::size_t clause, Happening what) {
  const CountId id = registry_.count_id({what, treatment_.effect.clauses[clause].faults});
  Expressions all = link_key_load();
  all << Expressions{nft::Immediate{nft::kR2, nft::KeyBuilder().u32(id.value).take()},
                     nft::CountBy{kCountsSet, nft::kR0}};
  return all;
}

void Builder::choose_bits() {
  std::uint32_t next = kFirstScratchBit;
  std::size_t scoped = 0;
  for (const EffectClause& clause : treatment_.effect.clauses) {
    if (clause.match.everything()) {
      bits_.push_back(0);
      continue;
    }
    if (++scoped > kScopedMax) {
      throw_conflict("cannot combine " + names_of(treatment_.effect.clauses.front(), clause) +
                         " and others: more than " + std::to_string(kScopedMax) +
                         " faults with conditions on one link",
                     "heal one of them first");
    }
    bits_.push_back(next);
    next <<= 1U;
  }
}

void Builder::put_bits() {
  const auto& clauses = treatment_.effect.clauses;
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    if (bits_[i] == 0) {
      continue;
    }
    bool again = false;
    for (Expressions condition : conditions_of(clauses[i].match)) {
      // A packet that fulfils two alternatives is still one packet to what remembers.
      Expressions all = again ? mark_is(bits_[i], 0) : Expressions{};
      all << std::move(condition) << mark_set(bits_[i], bits_[i]);
      rule(std::move(all));
      again = true;
    }
  }
}

void Builder::put_cut(std::size_t clause) {
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
void Builder::put_refusal(std::size_t clause, bool resets) {
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

void Builder::put_loss(std::size_t clause) {
  const Ppm loss = treatment_.effect.clauses[clause].action.loss;
  Expressions seen = if_meant(clause);
  seen << count(clause, Happening::Seen);
  rule(std::move(seen));
  if (loss.value >= kMillion) {
    Expressions counted = if_meant(clause);
    counted << count(clause, Happening::Dropped);
    rule(std::move(counted));
    Expressions dropped = if_meant(clause);
    dropped << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
    rule(std::move(dropped));
    return;
  }
  Expressions lost = if_meant(clause);
  lost << by_chance(loss) << count(clause, Happening::Dropped)
       << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
  rule(std::move(lost));
}

/// Connections are chosen by a hash of their addresses and ports; of those, what the service says
/// is lost, not its acknowledgements.
void Builder::put_lost_replies(std::size_t clause) {
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
                         nft::Hash{nft::kR0, family.size + 4, nft::kR0, kMillion, kHashSeed}}
          << is_below(nft::kR0, effect.action.lost_replies) << count(clause, Happening::Dropped)
          << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
      rule(std::move(all));
    }
  }
}

void Builder::put_changes(std::size_t clause) {
  const LinkAction& action = treatment_.effect.clauses[clause].action;
  if (action.corrupt.value > 0) {
    treatment_.checksums = treatment_.checksums || !action.silent_corruption;
    // Each fault flips other bits, so that two of them never undo one another.
    const auto flipped = static_cast<std::uint8_t>(1 + clause);
    Expressions all = if_meant(clause);
    all << by_chance(action.corrupt)
        << Expressions{nft::PayloadLoad{nft::Header::Inner, 0, 1, nft::kR0},
                       nft::Bitwise{nft::kR0, nft::kR0, {0xff}, {flipped}},
                       nft::PayloadWrite{nft::Header::Inner, 0, 1, nft::kR0}}
        << count(clause, Happening::Corrupted);
    rule(std::move(all));
  }
  if (action.duplicate.value > 0) {
    treatment_.duplicates = true;
    Expressions all = if_meant(clause);
    all << by_chance(action.duplicate) << mark_set(kDuplicateBit, kDuplicateBit)
        << count(clause, Happening::Duplicated);
    rule(std::move(all));
  }
}

ShapeCounts Builder::drop_counts(const std::vector<std::size_t>& clauses) {
  ShapeCounts counts;
  Counted lost;
  Counted overflowed;
  for (const std::size_t clause : clauses) {
    const EffectClause& effect = treatment_.effect.clauses[clause];
    const auto add_to = [&](Counted& counted) {
      counted.faults.insert(counted.faults.end(), effect.faults.begin(), effect.faults.end());
    };
    if (!effect.action.bursts.empty()) {
      add_to(lost);
    }
    if (waits(effect.action)) {
      add_to(overflowed);
      counts.not_delayed.push_back(registry_.count_id({Happening::NotDelayed, effect.faults}));
    }
  }
  const auto id_of = [&](Counted& counted) {
    std::sort(counted.faults.begin(), counted.faults.end());
    return counted.faults.empty() ? CountId{} : registry_.count_id(counted);
  };
  counts.lost = id_of(lost);
  counts.overflowed = id_of(overflowed);
  return counts;
}

void Builder::put_shape(std::uint32_t mask, std::uint32_t value,
                        const std::vector<std::size_t>& clauses) {
  const auto& all = treatment_.effect.clauses;
  ShapePart part;
  const EffectClause* holder = nullptr;
  for (const std::size_t clause : clauses) {
    if (all[clause].action.hold && holder != nullptr) {
      throw_conflict(
          "cannot combine " + names_of(*holder, all[clause]) + ": both hold the same packets",
          "release one of them first");
    }
    holder = all[clause].action.hold ? &all[clause] : holder;
    combine(part.shape, shape_of(all[clause].action));
  }
  if (!part.shape.shapes()) {
    return;
  }
  part.counts = drop_counts(clauses);
  part.id = registry_.shape_id(part.shape, part.counts);
  part.port_class = port_part(part.shape, mechanisms_).shapes();
  part.wire = wire_part(part.shape, mechanisms_).shapes();
  const Expressions meant = mask == 0 ? Expressions{} : mark_is(mask, value);
  if (part.port_class) {
    Expressions classified = meant;
    classified << link_key_load()
               << Expressions{nft::Immediate{nft::kR2, nft::KeyBuilder().u32(part.id.value).take()},
                              nft::MapLoad{kClassesMap, nft::kR0, nft::kR3},
                              nft::MetaSet{nft::MetaKey::Priority, nft::kR3}};
    rule(std::move(classified));
  }
  if (part.wire) {
    treatment_.wire = true;
    Expressions marked = meant;
    marked << mark_set(kWireMask, part.id.value);
    rule(std::move(marked));
  }
  treatment_.shapes.push_back(std::move(part));
}

void Builder::put_shapes() {
  const auto& clauses = treatment_.effect.clauses;
  std::vector<std::size_t> always;
  std::vector<std::size_t> scoped;
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    if (!clauses[i].action.shapes()) {
      continue;
    }
    const auto count_as = [&](Happening what) {
      Expressions counted = if_meant(i);
      counted << count(i, what);
      rule(std::move(counted));
    };
    // A loss by itself has counted what it looked at.
    if (!clauses[i].action.bursts.empty() && clauses[i].action.loss.value == 0) {
      count_as(Happening::Seen);
    }
    if (waits(clauses[i].action)) {
      count_as(Happening::Delayed);
    }
    (bits_[i] == 0 ? always : scoped).push_back(i);
    mask |= bits_[i];
  }
  if (scoped.size() > kScopedShapesMax) {
    throw_conflict("cannot combine " + names_of(clauses[scoped[0]], clauses[scoped[1]]) +
                       " and others: more than " + std::to_string(kScopedShapesMax) +
                       " faults with conditions shape one link",
                   "heal one of them first");
  }
  for (std::uint32_t choice = 0; choice < (1U << scoped.size()); ++choice) {
    std::vector<std::size_t> acting = always;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < scoped.size(); ++i) {
      if ((choice & (1U << i)) != 0) {
        acting.push_back(scoped[i]);
        value |= bits_[scoped[i]];
      }
    }
    std::sort(acting.begin(), acting.end());
    put_shape(mask, value, acting);
  }
}

Treatment Builder::build() {
  const auto& clauses = treatment_.effect.clauses;
  choose_bits();
  // `decide` left the treatment's own number there.
  rule(mark_set(0xffffffff, 0));
  put_bits();
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    const LinkAction& action = clauses[i].action;
    if (action.cut) {
      put_cut(i);
    }
    if (action.loss.value > 0) {
      put_loss(i);
    }
    if (action.lost_replies.value > 0) {
      put_lost_replies(i);
    }
    put_changes(i);
    treatment_.exact = treatment_.exact || action.loss.value > 0 || action.lost_replies.value > 0 ||
                       action.corrupt.value > 0 || action.duplicate.value > 0 ||
                       action.reorder.value > 0 || !action.bursts.empty() ||
                       clauses[i].match.first.has_value() ||
                       clauses[i].match.after_bytes.has_value();
  }
  put_shapes();
  return std::move(treatment_);
}

}  // namespace

LinkAction wire_part(const LinkAction& shape, const Mechanisms& mechanisms) {
  LinkAction part;
  if (mechanisms.netem) {
    part.hold = shape.hold;
    part.hold_until = shape.hold_until;
    part.holder = shape.holder;
    return part;
  }
  part = shape_of(shape);
  part.rate.reset();
  return part;
}

LinkAction port_part(const LinkAction& shape, const Mechanisms& mechanisms) {
  LinkAction part;
  part.rate = shape.rate;
  if (mechanisms.netem) {
    part.delay = shape.delay;
    part.reorder = shape.reorder;
    part.bursts = shape.bursts;
    part.seed = shape.seed;
  }
  return part;
}

Treatment make_treatment(TreatmentId id, const Effect& effect, const Mechanisms& mechanisms,
                         Registry& registry) {
  return Builder(id, effect, mechanisms, registry).build();
}

std::string first_map_name(FaultId fault) {
  return "first_" + to_string(fault);
}

std::string after_map_name(FaultId fault) {
  return "after_" + to_string(fault);
}

std::string flows_set_name(FaultId fault) {
  return "flows_" + to_string(fault);
}

std::string flows6_set_name(FaultId fault) {
  return "flows6_" + to_string(fault);
}

}  // namespace tinet::fabric
