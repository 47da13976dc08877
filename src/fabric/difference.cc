#include "src/fabric/difference.h"

#include <algorithm>
#include <set>
#include <string>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

bool gone_for_certain(const Element& element, MonoTime now) {
  return element.end && *element.end + kExpirySlack < now;
}

bool gone_for_certain(const LinkRules& rules, MonoTime now) {
  const auto& end = rules.plan->schedule.back().end;
  return end && *end + kExpirySlack < now;
}

/// Calls `use` for every treatment that the elements of a record lead to.
template <typename Use>
void for_each_treatment(const LinkRecord& record, Use&& use) {
  if (record.deciding) {
    for (const TreatmentId id : record.deciding->plan->treatments) {
      use(id);
    }
  }
  for (const Element& element : record.stale) {
    if (element.target.treatment) {
      use(*element.target.treatment);
    }
  }
}

bool refers_to(const Effect& effect, FaultId fault) {
  return std::any_of(effect.clauses.begin(), effect.clauses.end(),
                     [&](const EffectClause& clause) { return clause.match.owner == fault; });
}

/// Whether rules refer to the memory of a fault, those of `old` left out.
/// @param old ascending
bool is_asked(FaultId fault, const Installed& installed, const std::vector<TreatmentId>& old) {
  return std::any_of(installed.treatments.begin(), installed.treatments.end(),
                     [&](const auto& use) {
                       return refers_to(use.second.treatment.effect, fault) &&
                              !std::binary_search(old.begin(), old.end(), use.first);
                     });
}

/// Collects the changes of many links map by map.
class Builder {
 public:
  Builder(const Installed& installed, const Mechanisms& mechanisms, Registry& registry,
          MonoTime now)
      : installed_(installed),
        mechanisms_(mechanisms),
        registry_(registry),
        now_(now),
        next_treatment_(installed.last_treatment + 1) {}

  void change(Link link, LinkRecord record, const std::shared_ptr<const Schedule>& wanted);
  void sweep(Link link, LinkRecord record);
  Difference take(const Memories& memories);

 private:
  MapChange& map(const MapId& id) {
    MapChange& change = maps_[id];
    change.map = id;
    return change;
  }
  void remove(const Element& element);
  void remove_stale(LinkRecord& record);
  void retire(Link link, LinkRecord& record);
  void install(Link link, LinkRecord& record, Stack stack,
               const std::shared_ptr<const Schedule>& wanted);
  std::shared_ptr<const LinkPlan> plan_of(const std::shared_ptr<const Schedule>& schedule);
  TreatmentId treatment_of(const Effect& effect);
  const Treatment& treatment(TreatmentId id) const;
  void use_classes(Link link, const Treatment& treatment);
  std::uint16_t free_minor(Endpoint port);
  void take_old();
  [[nodiscard]] bool holds_packets(const Treatment& treatment) const;
  [[nodiscard]] bool has_busy_class(const Treatment& treatment) const;
  void take_memories(const Memories& wanted);

  const Installed& installed_;
  const Mechanisms& mechanisms_;
  Registry& registry_;
  MonoTime now_;
  std::uint32_t next_treatment_;
  std::map<MapId, MapChange> maps_;
  std::map<const Schedule*, std::shared_ptr<const LinkPlan>> plans_;
  std::map<Effect, TreatmentId> new_effects_;
  std::map<TreatmentId, Treatment> new_treatments_;
  std::set<TreatmentId> used_treatments_;
  std::set<ClassKey> used_classes_;
  std::map<Endpoint, std::set<std::uint16_t>> minors_;
  Difference difference_;
};

void Builder::remove(const Element& element) {
  if (gone_for_certain(element, now_)) {
    return;
  }
  MapChange& change = map(element.map);
  (element.end ? change.remove_timed : change.remove).push_back(element);
}

void Builder::remove_stale(LinkRecord& record) {
  for (const Element& element : record.stale) {
    remove(element);
  }
  record.stale.clear();
}

/// Takes the link's element out of `decide`; its layers stay for packets that are on their way.
void Builder::retire(Link link, LinkRecord& record) {
  std::vector<Element> elements = elements_of(link, *record.deciding);
  remove(elements.front());
  record.stale.assign(elements.begin() + 1, elements.end());
  record.deciding.reset();
}

void Builder::install(Link link, LinkRecord& record, Stack stack,
                      const std::shared_ptr<const Schedule>& wanted) {
  record.deciding = LinkRules{stack, plan_of(wanted)};
  for (const Element& element : elements_of(link, *record.deciding)) {
    map(element.map).add.push_back(element);
  }
  for (const TreatmentId id : record.deciding->plan->treatments) {
    use_classes(link, treatment(id));
  }
}

std::shared_ptr<const LinkPlan> Builder::plan_of(const std::shared_ptr<const Schedule>& schedule) {
  auto& plan = plans_[schedule.get()];
  if (!plan) {
    LinkPlan made{*schedule, {}};
    for (const TimedEffect& entry : *schedule) {
      made.treatments.push_back(treatment_of(entry.effect));
    }
    plan = std::make_shared<const LinkPlan>(std::move(made));
  }
  return plan;
}

TreatmentId Builder::treatment_of(const Effect& effect) {
  TreatmentId id;
  if (const auto known = installed_.by_effect.find(effect); known != installed_.by_effect.end()) {
    id = known->second;
  } else if (const auto fresh = new_effects_.find(effect); fresh != new_effects_.end()) {
    id = fresh->second;
  } else {
    id = {next_treatment_++};
    new_treatments_.emplace(id, make_treatment(id, effect, mechanisms_, registry_));
    new_effects_.emplace(effect, id);
  }
  used_treatments_.insert(id);
  return id;
}

const Treatment& Builder::treatment(TreatmentId id) const {
  const auto fresh = new_treatments_.find(id);
  return fresh != new_treatments_.end() ? fresh->second : installed_.treatments.at(id).treatment;
}

void Builder::use_classes(Link link, const Treatment& treatment) {
  for (const ShapePart& part : treatment.shapes) {
    const ClassKey key{link, part.id};
    if (!part.port_class || !used_classes_.insert(key).second || installed_.classes.contains(key)) {
      continue;
    }
    difference_.new_classes[key] = {free_minor(link.to), port_part(part.shape, mechanisms_),
                                    part.counts};
  }
}

std::uint16_t Builder::free_minor(Endpoint port) {
  auto [known, is_new] = minors_.try_emplace(port);
  std::set<std::uint16_t>& used = known->second;
  if (is_new) {
    for (const auto& [key, use] : installed_.classes) {
      if (key.link.to == port) {
        used.insert(use.port_class.minor);
      }
    }
  }
  std::uint16_t minor = 1;
  while (used.contains(minor)) {
    ++minor;
  }
  used.insert(minor);
  return minor;
}

void Builder::change(Link link, LinkRecord record, const std::shared_ptr<const Schedule>& wanted) {
  difference_.before.emplace_back(link, record);
  remove_stale(record);
  Stack stack = Stack::A;
  if (record.deciding) {
    if (!gone_for_certain(*record.deciding, now_)) {
      stack = other(record.deciding->stack);
    }
    retire(link, record);
  }
  if (wanted) {
    install(link, record, stack, wanted);
  }
  difference_.records.emplace_back(link, std::move(record));
  difference_.changed.push_back(link);
}

void Builder::sweep(Link link, LinkRecord record) {
  remove_stale(record);
  if (record.deciding && gone_for_certain(*record.deciding, now_)) {
    retire(link, record);
    record.stale.clear();
  }
  difference_.records.emplace_back(link, std::move(record));
}

/// Packets may wait there until a fault releases them, which comes after the change that ends it.
bool Builder::holds_packets(const Treatment& treatment) const {
  const auto& clauses = treatment.effect.clauses;
  return std::any_of(clauses.begin(), clauses.end(), [&](const EffectClause& clause) {
    return clause.action.hold &&
           std::any_of(clause.faults.begin(), clause.faults.end(), [&](FaultId fault) {
             return difference_.holders->contains(fault) || installed_.holders.contains(fault);
           });
  });
}

/// Its shape must not become the number of another one.
bool Builder::has_busy_class(const Treatment& treatment) const {
  return std::any_of(installed_.classes.begin(), installed_.classes.end(), [&](const auto& known) {
    return known.second.busy &&
           std::any_of(treatment.shapes.begin(), treatment.shapes.end(),
                       [&](const ShapePart& part) { return part.id == known.first.shape; });
  });
}

/// What had no user before this change has none in this change's packets either.
void Builder::take_old() {
  for (const auto& [id, use] : installed_.treatments) {
    if (use.users == 0 && !used_treatments_.contains(id) &&
        now_ - use.idle_since > kIdleTreatment && !holds_packets(use.treatment) &&
        !has_busy_class(use.treatment)) {
      difference_.old_treatments.push_back(id);
    }
  }
  for (const auto& [key, use] : installed_.classes) {
    if (use.users == 0 && !use.busy && !used_classes_.contains(key)) {
      difference_.old_classes.emplace(key, use.port_class);
    }
  }
}

void Builder::take_memories(const Memories& wanted) {
  for (const auto& [fault, memory] : wanted) {
    const auto known = installed_.memories.find(fault);
    if (known == installed_.memories.end()) {
      difference_.new_memories.emplace(fault, memory);
    } else if (known->second != memory) {
      // Of a change that failed: this fault's rules would ask for links that it does not know.
      throw_conflict("cannot give the number " + to_string(fault) +
                         " to a fault: the kernel still remembers what another one meant by it",
                     "try again: every fault gets a number of its own");
    }
  }
  for (const auto& [fault, memory] : installed_.memories) {
    if (!wanted.contains(fault) && !is_asked(fault, installed_, difference_.old_treatments)) {
      difference_.old_memories.emplace(fault, memory);
    }
  }
}

Difference Builder::take(const Memories& memories) {
  difference_.holders.emplace();
  for (const auto& [fault, memory] : memories) {
    if (memory.holds) {
      difference_.holders->insert(fault);
    }
  }
  take_old();
  take_memories(memories);
  difference_.mechanisms = mechanisms_;
  for (auto& [id, treatment] : new_treatments_) {
    difference_.new_treatments.push_back(std::move(treatment));
  }
  for (auto& [id, change] : maps_) {
    difference_.maps.push_back(std::move(change));
  }
  return std::move(difference_);
}

bool has_leftovers(const LinkRecord& record, MonoTime now) {
  return !record.stale.empty() || (record.deciding && gone_for_certain(*record.deciding, now));
}

/// Whether what is left of a plan is a schedule; many links share both.
class Comparison {
 public:
  explicit Comparison(MonoTime now) : now_(now) {}

  bool same(const LinkRecord& record, const Schedule* wanted) {
    const LinkPlan* plan = record.deciding ? record.deciding->plan.get() : nullptr;
    if (plan != plan_ || wanted != wanted_ || !known_) {
      plan_ = plan;
      wanted_ = wanted;
      same_ = compare();
      known_ = true;
    }
    return same_;
  }

 private:
  [[nodiscard]] bool compare() const {
    const auto left =
        plan_ == nullptr ? std::span<const TimedEffect>{} : remaining(plan_->schedule, now_);
    return wanted_ == nullptr
               ? left.empty()
               : std::equal(left.begin(), left.end(), wanted_->begin(), wanted_->end());
  }

  MonoTime now_;
  const LinkPlan* plan_ = nullptr;
  const Schedule* wanted_ = nullptr;
  bool same_ = false;
  bool known_ = false;
};

std::string names_of(const Schedule& schedule) {
  std::set<FaultId> faults;
  for (const TimedEffect& entry : schedule) {
    for (const FaultId fault : entry.effect.faults()) {
      faults.insert(fault);
    }
  }
  std::string names;
  for (const FaultId fault : faults) {
    names += (names.empty() ? "" : ", ") + to_string(fault);
  }
  return names;
}

void check_layers(const Schedule& wanted) {
  if (wanted.size() > kLayersMax) {
    throw_conflict("cannot combine faults " + names_of(wanted) + ": they end at " +
                       std::to_string(wanted.size()) + " different times on one link, at most " +
                       std::to_string(kLayersMax) + " are possible",
                   "heal one of them first, or let several end at the same time");
  }
}

void count_uses(const LinkRecord& record, Link link, int step, Installed& installed, MonoTime now) {
  for_each_treatment(record, [&](TreatmentId id) {
    Installed::Use& use = installed.treatments.at(id);
    use.users += static_cast<std::size_t>(step);
    if (use.users == 0) {
      use.idle_since = now;
    }
    for (const ShapePart& part : use.treatment.shapes) {
      if (part.port_class) {
        installed.classes.at({link, part.id}).users += static_cast<std::size_t>(step);
      }
    }
  });
}

}  // namespace

Difference make_difference(const Installed& installed, const std::vector<LinkSchedule>& wanted,
                           const Memories& memories, const Mechanisms& mechanisms,
                           Registry& registry, MonoTime now) {
  static const LinkRecord kNothing;
  Builder builder(installed, mechanisms, registry, now);
  Comparison comparison(now);
  std::vector<Applied::const_iterator> leftovers;
  bool changes = false;
  auto held = installed.links.begin();
  auto want = wanted.begin();
  // Both are sorted by link: one walk through both.
  while (held != installed.links.end() || want != wanted.end()) {
    const bool is_held =
        held != installed.links.end() && (want == wanted.end() || held->first <= want->link);
    const bool is_wanted = want != wanted.end() && (!is_held || want->link == held->first);
    const LinkRecord& record = is_held ? held->second : kNothing;
    const std::shared_ptr<const Schedule> schedule = is_wanted ? want->schedule : nullptr;
    if (schedule) {
      check_layers(*schedule);
    }
    if (!comparison.same(record, schedule.get())) {
      builder.change(is_held ? held->first : want->link, record, schedule);
      changes = true;
    } else if (has_leftovers(record, now)) {
      leftovers.push_back(held);
    }
    held = is_held ? std::next(held) : held;
    want = is_wanted ? std::next(want) : want;
  }
  if (!changes) {
    return {};
  }
  for (const auto& leftover : leftovers) {
    builder.sweep(leftover->first, leftover->second);
  }
  return builder.take(memories);
}

Difference withdrawal(const Difference& failed, const Installed& installed) {
  Difference old;
  for (const Treatment& treatment : failed.new_treatments) {
    const auto there = installed.treatments.find(treatment.id);
    if (there != installed.treatments.end() && there->second.users == 0) {
      old.old_treatments.push_back(treatment.id);
    }
  }
  for (const auto& [key, port_class] : failed.new_classes) {
    const auto there = installed.classes.find(key);
    if (there != installed.classes.end() && there->second.users == 0) {
      old.old_classes.emplace(key, port_class);
    }
  }
  for (const auto& [fault, memory] : failed.new_memories) {
    if (installed.memories.contains(fault) && !is_asked(fault, installed, old.old_treatments)) {
      old.old_memories.emplace(fault, memory);
    }
  }
  return old;
}

void record(const Difference& difference, Installed& installed, Registry& registry, MonoTime now) {
  if (difference.holders) {
    installed.holders = *difference.holders;
  }
  for (const auto& [fault, memory] : difference.new_memories) {
    installed.memories.emplace(fault, memory);
  }
  for (const Treatment& treatment : difference.new_treatments) {
    installed.last_treatment = std::max(installed.last_treatment, treatment.id.value);
    installed.by_effect.emplace(treatment.effect, treatment.id);
    installed.treatments.emplace(treatment.id, Installed::Use{treatment, 0, now});
  }
  for (const auto& [key, port_class] : difference.new_classes) {
    installed.classes.emplace(key, Installed::ClassUse{port_class, 0});
  }
  for (const auto& [link, after] : difference.records) {
    if (const auto before = installed.links.find(link); before != installed.links.end()) {
      count_uses(before->second, link, -1, installed, now);
    }
    count_uses(after, link, 1, installed, now);
    if (!after.deciding && after.stale.empty()) {
      installed.links.erase(link);
    } else {
      installed.links[link] = after;
    }
  }
  std::set<ShapeId> shapes;
  for (const TreatmentId id : difference.old_treatments) {
    const auto old = installed.treatments.find(id);
    for (const ShapePart& part : old->second.treatment.shapes) {
      shapes.insert(part.id);
    }
    installed.by_effect.erase(old->second.treatment.effect);
    installed.treatments.erase(old);
  }
  for (const auto& [id, use] : installed.treatments) {
    for (const ShapePart& part : use.treatment.shapes) {
      shapes.erase(part.id);
    }
  }
  for (const ShapeId shape : shapes) {
    registry.forget(shape);
  }
  for (const auto& [key, port_class] : difference.old_classes) {
    installed.classes.erase(key);
  }
  for (const auto& [fault, memory] : difference.old_memories) {
    installed.memories.erase(fault);
  }
}

}  // namespace tinet::fabric
