#pragma once
/// Writes the rules of one treatment; internal to treatment*.cc.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "src/fabric/match_rules.h"
#include "src/fabric/treatment.h"

namespace tinet::fabric {

/// Whether packets are lost by chance, so that it is worth telling how many were not.
[[nodiscard]] inline bool loses(const LinkAction& action) {
  return action.loss.value > 0 || !action.bursts.empty();
}

/// The oldest faults of both, for messages.
[[nodiscard]] inline std::string names_of(const EffectClause& a, const EffectClause& b) {
  return to_string(a.faults.front()) + " and " + to_string(b.faults.front());
}

class TreatmentBuilder {
 public:
  TreatmentBuilder(TreatmentId id, const Effect& effect, const Mechanisms& mechanisms,
                   Registry& registry)
      : mechanisms_(mechanisms), registry_(registry) {
    treatment_.id = id;
    treatment_.effect = effect;
  }

  Treatment build();

 private:
  /// Nothing for a clause that means every packet.
  [[nodiscard]] Expressions if_meant(std::size_t clause) const {
    return bits_[clause] == 0 ? Expressions{} : mark_is(bits_[clause], bits_[clause]);
  }
  void rule(Expressions expressions);
  /// As what packets of this clause count.
  [[nodiscard]] Counted counted(std::size_t clause, Happening what) const;
  /// Expressions that count the packet.
  [[nodiscard]] Expressions count(const Counted& counted);
  [[nodiscard]] Expressions count(std::size_t clause, Happening what) {
    return count(counted(clause, what));
  }
  void choose_bits();
  void put_bits();

  // treatment_rules.cc: what happens to a packet at once
  [[nodiscard]] Expressions by_chance(std::size_t clause, Ppm probability) const;
  void put_cut(std::size_t clause);
  void put_refusal(std::size_t clause, bool resets);
  void put_loss(std::size_t clause);
  void put_lost_replies(std::size_t clause);
  void put_changes(std::size_t clause);
  void put_corruption(std::size_t clause);

  // treatment_shapes.cc: what makes it wait
  void put_passed();
  void put_shapes();
  /// Whether packets that these clauses mean count as delayed once for the link, beside once for
  /// each clause.
  [[nodiscard]] bool delays_together(const std::vector<std::size_t>& clauses) const;
  /// What packets count as that these clauses, together this shape, drop.
  [[nodiscard]] ShapeCounts drop_counts(const std::vector<std::size_t>& clauses,
                                        const LinkAction& shape);
  void put_shape(std::uint32_t mask, std::uint32_t value, const std::vector<std::size_t>& clauses);

  const Mechanisms& mechanisms_;
  Registry& registry_;
  Treatment treatment_;
  std::vector<std::uint32_t> bits_;
};

}  // namespace tinet::fabric
