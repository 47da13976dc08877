/// Where a treatment makes packets wait, and what those count as that are dropped there.

#include <algorithm>
#include <limits>
#include <set>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/treatment_builder.h"

namespace tinet::fabric {

namespace {

/// Whether packets take longer, rather than being lost at once or not at all.
bool waits(const LinkAction& action) {
  LinkAction rest = action;
  rest.bursts.clear();
  return rest.shapes();
}

/// What packets are counted as that wait.
Happening waiting(const LinkAction& action) {
  return action.hold ? Happening::Held : Happening::Delayed;
}

/// Netem takes a correlated number modulo the range of the jitter or the size of its table, after
/// which neighbours are not alike any more, and cuts a jitter off at INT_MAX nanoseconds
/// (tabledist() and netem_change() in the kernel's sch_netem.c).
bool netem_does(const LinkAction& shape, const Mechanisms& mechanisms) {
  constexpr Nanoseconds kJitterMax{std::numeric_limits<std::int32_t>::max()};
  return mechanisms.netem && (!shape.delay || (shape.delay->correlation.value == 0 &&
                                               shape.delay->jitter <= kJitterMax));
}

/// What a hint adds when a single hold can mean the ports of both.
std::string one_hold_of(const EffectClause& a, const EffectClause& b) {
  std::set<std::uint16_t> ports;
  for (const EffectClause* clause : {&a, &b}) {
    const Match& match = clause->match;
    if (!match.has_ports()) {
      return "";
    }
    ports.insert(match.to_ports.begin(), match.to_ports.end());
    ports.insert(match.from_ports.begin(), match.from_ports.end());
  }
  std::vector<std::string> words;
  for (const std::uint16_t port : ports) {
    words.push_back(std::to_string(port));
  }
  return "; one hold can mean all of these ports: --port " + join(words, ",");
}

Happening undone(Happening what) {
  return what == Happening::Held ? Happening::NotHeld : Happening::NotDelayed;
}

}  // namespace

/// Packets that could have been lost, and are still there: once for the link, however many clauses
/// have let them pass.
void TreatmentBuilder::put_passed() {
  const auto& clauses = treatment_.effect.clauses;
  bool always = false;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    if (loses(clauses[i].action)) {
      always = always || bits_[i] == 0;
      bits |= bits_[i];
    }
  }
  if (clauses.size() == 1 || (!always && bits == 0)) {
    return;
  }
  Expressions all = always ? Expressions{} : mark_has(bits);
  all << count({Happening::Passed, {}, CountsFor::Link});
  rule(std::move(all));
}

bool TreatmentBuilder::delays_together(const std::vector<std::size_t>& clauses) const {
  const auto& all = treatment_.effect.clauses;
  return all.size() > 1 && std::any_of(clauses.begin(), clauses.end(), [&](std::size_t clause) {
           return waits(all[clause].action) && waiting(all[clause].action) == Happening::Delayed;
         });
}

ShapeCounts TreatmentBuilder::drop_counts(const std::vector<std::size_t>& clauses,
                                          const LinkAction& shape) {
  struct Reason {
    Counted dropped{};
    std::set<Counted> undone{};
  };
  Reason lost;
  Reason overflowed;
  std::set<Counted> undelayed;
  // Of packets that also wait at the port, the wire only made some wait longer.
  const bool at_port = waits(port_part(shape, mechanisms_));
  const auto blame = [](Reason& reason, const EffectClause& clause) {
    auto& faults = reason.dropped.faults;
    faults.insert(faults.end(), clause.faults.begin(), clause.faults.end());
  };
  // Nothing here may depend on clauses that do not shape: a class with other counts is another one,
  // and what waits in the former one would be lost.
  const auto undo = [](Reason& reason, Happening what, const EffectClause& clause) {
    reason.undone.insert({what, clause.faults, CountsFor::Faults});
    reason.undone.insert({what, {}, CountsFor::Link});
  };
  const auto& all = treatment_.effect.clauses;
  for (const std::size_t i : clauses) {
    const EffectClause& clause = all[i];
    const bool waits_here = waits(clause.action);
    if (!clause.action.bursts.empty()) {
      blame(lost, clause);
      undo(lost, Happening::NotPassed, clause);
      if (waits_here) {
        undo(overflowed, Happening::NotPassed, clause);
      }
      overflowed.undone.insert({Happening::NotPassed, {}, CountsFor::Link});
    }
    if (!waits_here) {
      continue;
    }
    if (waits(wire_part(clause.action, mechanisms_)) &&
        (clause.action.hold || !waits(port_part(clause.action, mechanisms_)))) {
      undelayed.insert({undone(waiting(clause.action)), clause.faults, CountsFor::Faults});
      if (clause.action.hold || !at_port) {
        undelayed.insert({undone(waiting(clause.action)), {}, CountsFor::Link});
      }
    }
    undo(lost, undone(waiting(clause.action)), clause);
    undo(overflowed, undone(waiting(clause.action)), clause);
    // Of several rates the lowest decides, and it is its queue that is full.
    if (clause.action.delay || clause.action.hold || !clause.action.rate ||
        clause.action.rate->bits_per_second == shape.rate->bits_per_second) {
      blame(overflowed, clause);
    }
  }
  const auto counts_of = [&](Reason& reason) {
    DropCounts counts;
    if (reason.dropped.faults.empty()) {
      return counts;
    }
    std::sort(reason.dropped.faults.begin(), reason.dropped.faults.end());
    counts.dropped = registry_.count_id(reason.dropped);
    for (const Counted& counted : reason.undone) {
      counts.undone.push_back(registry_.count_id(counted));
    }
    return counts;
  };
  ShapeCounts counts{counts_of(lost), counts_of(overflowed), {}};
  for (const Counted& counted : undelayed) {
    counts.undelayed.push_back(registry_.count_id(counted));
  }
  return counts;
}

void TreatmentBuilder::put_shape(std::uint32_t mask, std::uint32_t value,
                                 const std::vector<std::size_t>& clauses) {
  const auto& all = treatment_.effect.clauses;
  ShapePart part;
  const EffectClause* holder = nullptr;
  for (const std::size_t clause : clauses) {
    if (all[clause].action.hold && holder != nullptr) {
      throw_conflict("cannot combine " + names_of(*holder, all[clause]) +
                         ": only one fault at a time can hold packets of a link",
                     "release one of them first" + one_hold_of(*holder, all[clause]));
    }
    holder = all[clause].action.hold ? &all[clause] : holder;
    combine(part.shape, shape_of(all[clause].action));
  }
  if (!part.shape.shapes()) {
    return;
  }
  part.counts = drop_counts(clauses, part.shape);
  part.id = registry_.shape_id(part.shape, part.counts);
  part.port_class = port_part(part.shape, mechanisms_).shapes();
  part.wire = wire_part(part.shape, mechanisms_).shapes();
  const Expressions meant = mask == 0 ? Expressions{} : mark_is(mask, value);
  if (delays_together(clauses)) {
    Expressions delayed = meant;
    delayed << count({Happening::Delayed, {}, CountsFor::Link});
    rule(std::move(delayed));
  }
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

void TreatmentBuilder::put_shapes() {
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
    // A loss by itself has counted already what it let pass.
    if (!clauses[i].action.bursts.empty() && clauses[i].action.loss.value == 0) {
      count_as(Happening::Passed);
    }
    if (waits(clauses[i].action)) {
      count_as(waiting(clauses[i].action));
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

LinkAction wire_part(const LinkAction& shape, const Mechanisms& mechanisms) {
  LinkAction part;
  if (netem_does(shape, mechanisms)) {
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
  if (netem_does(shape, mechanisms)) {
    part.delay = shape.delay;
    part.reorder = shape.reorder;
    part.bursts = shape.bursts;
    part.seed = shape.seed;
  }
  return part;
}

}  // namespace tinet::fabric
