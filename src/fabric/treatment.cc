#include "src/fabric/treatment.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/treatment_builder.h"

namespace tinet::fabric {

namespace {

constexpr std::uint32_t kFirstScratchBit = 1U << 16;

/// Whether a packet of many segments must not count as one. What opens a connection is one anyway.
bool counts_segments(const Match& match) {
  return match.first && match.connections != Connections::New;
}

}  // namespace

void TreatmentBuilder::rule(Expressions expressions) {
  nft::Rule rule;
  rule.table = table_id();
  rule.chain = chain_name({treatment_.id, Stack::A});
  rule.expressions = std::move(expressions);
  treatment_.rules.push_back(std::move(rule));
}

Counted TreatmentBuilder::counted(std::size_t clause, Happening what) const {
  const auto& clauses = treatment_.effect.clauses;
  // Other clauses may drop what this one lets pass, or delay it once more.
  const bool shared =
      clauses.size() > 1 && (what == Happening::Passed || what == Happening::Delayed);
  return {what, clauses[clause].faults, shared ? CountsFor::Faults : CountsFor::Both};
}

Expressions TreatmentBuilder::count(const Counted& counted) {
  const CountId id = registry_.count_id(counted);
  Expressions all = link_key_load();
  all << Expressions{nft::Immediate{nft::kR2, nft::KeyBuilder().u32(id.value).take()},
                     nft::CountBy{kCountsSet, nft::kR0}};
  return all;
}

void TreatmentBuilder::choose_bits() {
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

void TreatmentBuilder::put_bits() {
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

Treatment TreatmentBuilder::build() {
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
                       counts_segments(clauses[i].match) ||
                       clauses[i].match.after_bytes.has_value();
  }
  put_passed();
  put_shapes();
  return std::move(treatment_);
}

Treatment make_treatment(TreatmentId id, const Effect& effect, const Mechanisms& mechanisms,
                         Registry& registry) {
  return TreatmentBuilder(id, effect, mechanisms, registry).build();
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
