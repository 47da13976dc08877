#include "src/fabric/netns_fabric.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <linux/netlink.h>

#include "netns/address.h"
#include "src/base/error.h"
#include "src/fabric/audit_part.h"
#include "src/fabric/auxiliaries.h"
#include "src/fabric/connections.h"
#include "src/fabric/describe.h"
#include "src/fabric/effects.h"
#include "src/fabric/mechanism.h"
#include "src/fabric/table.h"
#include "src/fabric/wiring.h"

namespace tinet {

namespace {

/// What decides about a link at some time: an element, and the entry of the schedule behind it.
struct Decision {
  fabric::Element element;
  const fabric::TimedEffect* entry = nullptr;
};

std::optional<Decision> decision_at(const fabric::Applied& applied, Link link, MonoTime time) {
  const auto record = applied.find(link);
  if (record == applied.end() || !record->second.deciding) {
    return std::nullopt;
  }
  const fabric::LinkRules& rules = *record->second.deciding;
  const fabric::TimedEffect* entry = fabric::effect_at(rules.plan->schedule, time);
  if (entry == nullptr) {
    return std::nullopt;
  }
  const auto elements = fabric::elements_of(link, rules);
  const auto index = static_cast<std::size_t>(entry - rules.plan->schedule.data());
  return Decision{elements.at(elements.size() == 1 ? 0 : index + 1), entry};
}

class NetnsFabric final : public Fabric {
 public:
  NetnsFabric(const FabricPlan& plan, const NetnsOptions& options)
      : options_(options),
        endpoints_(plan.endpoints),
        wiring_(plan, options.gate),
        table_(wiring_.open_switch_netlink(NETLINK_NETFILTER), plan, wiring_.ports()),
        auxiliaries_(wiring_, table_.connection(), plan, {options.wire_program, options.wire_words},
                     options.use_netem),
        connections_(wiring_, plan.endpoints) {}

  [[nodiscard]] std::string_view backend() const override {
    return options_.privilege == NetnsPrivilege::Root ? "netns" : "rootless";
  }
  [[nodiscard]] int namespace_fd(Endpoint endpoint) const override {
    return wiring_.endpoint_fd(endpoint);
  }
  [[nodiscard]] int switch_namespace_fd() const override { return wiring_.switch_fd(); }
  [[nodiscard]] UniqueFd open_socket(Endpoint endpoint, int domain, int type,
                                     int protocol) override {
    return wiring_.open_socket(endpoint, domain, type, protocol);
  }

  ApplyReport apply(const std::vector<Fault>& active, MonoTime now) override;
  [[nodiscard]] std::vector<std::string> preview(const std::vector<Fault>& active,
                                                 MonoTime now) override;
  [[nodiscard]] std::string mechanism(const Fault& fault) const override;
  [[nodiscard]] std::vector<Flow> flows(const std::vector<Link>& links) override {
    return connections_.flows(links);
  }
  KickReport kick(const std::vector<Link>& links) override { return connections_.kick(links); }
  ReleaseReport release(FaultId fault, bool drop) override;
  [[nodiscard]] std::vector<LinkState> links(MonoTime now) override;
  [[nodiscard]] PacketCounts packets(FaultId fault) override {
    return table_.packets(fault, auxiliaries_.drops());
  }
  [[nodiscard]] std::optional<std::uint64_t> traffic() override { return wiring_.packets_sent(); }
  [[nodiscard]] LinkExplanation why(Link link, const PacketWords& packet, MonoTime now) override;
  [[nodiscard]] std::uint64_t waiting(const std::vector<Link>& links) override {
    return auxiliaries_.waiting({links.begin(), links.end()});
  }
  [[nodiscard]] std::vector<Drift> audit(MonoTime now) override;
  [[nodiscard]] int helper_exit_fd() const override { return auxiliaries_.wire_exit_fd(); }

 private:
  ApplyReport change(const std::vector<Fault>& active, MonoTime now);
  [[nodiscard]] fabric::Difference plan(const fabric::LinkSchedules& wanted,
                                        const std::vector<Fault>& active, MonoTime now);
  [[nodiscard]] fabric::LinkSchedules schedules(const std::vector<Fault>& active,
                                                MonoTime now) const;

  NetnsOptions options_;
  std::vector<FabricEndpoint> endpoints_;
  fabric::Wiring wiring_;
  fabric::Table table_;
  fabric::Auxiliaries auxiliaries_;
  fabric::ConnectionTable connections_;
};

fabric::LinkSchedules NetnsFabric::schedules(const std::vector<Fault>& active, MonoTime now) const {
  for (const Fault& fault : active) {
    for (const Link& link : fault.links) {
      TINET_ASSERT(link.from < endpoints_.size() && link.to < endpoints_.size());
    }
  }
  return fabric::link_schedules(active, now);
}

ApplyReport NetnsFabric::apply(const std::vector<Fault>& active, MonoTime now) {
  try {
    return change(active, now);
  } catch (const Error&) {
    // What was prepared for it goes, too; of what cannot go now the next audit tells.
    static_cast<void>(auxiliaries_.follow(table_.installed(), now));
    throw;
  }
}

fabric::Difference NetnsFabric::plan(const fabric::LinkSchedules& wanted,
                                     const std::vector<Fault>& active, MonoTime now) {
  table_.note_busy(auxiliaries_.busy_classes(table_.installed()));
  return table_.plan(wanted.links, fabric::memories_of(active), auxiliaries_.mechanisms(), now);
}

ApplyReport NetnsFabric::change(const std::vector<Fault>& active, MonoTime now) {
  const auto before = std::chrono::steady_clock::now();
  const fabric::LinkSchedules wanted = schedules(active, now);
  const fabric::Difference difference = plan(wanted, active, now);
  ApplyReport report;
  report.refresh_at = wanted.refresh_at;
  if (difference.empty()) {
    return report;
  }
  report.notes = auxiliaries_.prepare(difference, table_.installed());
  const MonoTime then = now + (std::chrono::steady_clock::now() - before);
  for (std::string& anew : table_.commit(difference, then)) {
    report.notes.push_back(std::move(anew));
  }
  report.committed = true;
  report.links_changed = difference.changed.size();
  for (std::string& left : auxiliaries_.follow(table_.installed(), now)) {
    report.notes.push_back(std::move(left));
  }
  return report;
}

std::vector<std::string> NetnsFabric::preview(const std::vector<Fault>& active, MonoTime now) {
  return table_.preview(plan(schedules(active, now), active, now), now);
}

std::string NetnsFabric::mechanism(const Fault& fault) const {
  LinkAction action;
  for (const FaultClause& clause : fault.clauses) {
    combine(action, clause.action);
  }
  return fabric::mechanism_of(action, auxiliaries_.mechanisms());
}

ReleaseReport NetnsFabric::release(FaultId fault, bool drop) {
  ReleaseReport report;
  for (const auto& [id, use] : table_.installed().treatments) {
    const auto holds = [&](const EffectClause& clause) {
      return clause.action.hold && clause.faults == std::vector<FaultId>{fault};
    };
    const auto& clauses = use.treatment.effect.clauses;
    if (std::none_of(clauses.begin(), clauses.end(), holds)) {
      continue;
    }
    for (const fabric::ShapePart& part : use.treatment.shapes) {
      if (part.shape.hold) {
        const ReleaseReport one = auxiliaries_.release(part.id, drop);
        report.delivered += one.delivered;
        report.dropped += one.dropped;
      }
    }
  }
  return report;
}

std::vector<LinkState> NetnsFabric::links(MonoTime now) {
  std::map<Link, LinkState> states;
  for (const auto& [link, counts] : table_.link_packets(auxiliaries_.drops())) {
    states[link].packets = counts;
  }
  const fabric::Applied& applied = table_.installed().links;
  for (const auto& [link, record] : applied) {
    if (const auto decision = decision_at(applied, link, now)) {
      states[link].effect = decision->entry->effect;
    }
  }
  return in_order(std::move(states));
}

LinkExplanation NetnsFabric::why(Link link, const PacketWords& packet, MonoTime now) {
  LinkExplanation explanation{link, {}, "none", {}, {}};
  const fabric::Applied& applied = table_.installed().links;
  const auto decision = decision_at(applied, link, now);
  if (!decision) {
    return explanation;
  }
  explanation.effect = seen_by(decision->entry->effect, packet);
  if (explanation.effect.empty()) {
    return explanation;
  }
  Fault all;
  for (const EffectClause& clause : explanation.effect.clauses) {
    all.clauses.push_back({clause.match, clause.action});
  }
  explanation.mechanism = mechanism(all);
  explanation.rules = fabric::describe(explanation.effect, packet);
  explanation.rules.insert(explanation.rules.begin(),
                           "element tinet/" + fabric::map_name(decision->element.map) + " { " +
                               fabric::describe(decision->element, wiring_.ports(), now) + " }");
  const auto cut = explanation.effect.cut();
  const auto back = decision_at(applied, {link.to, link.from}, now);
  if (cut && *cut != CutMode::Drop && back && back->entry->effect.cut() == CutMode::Drop) {
    explanation.notes.emplace_back(
        "refusals do not get back: the other direction drops every packet, so this is a drop, too");
  }
  return explanation;
}

std::vector<Drift> NetnsFabric::audit(MonoTime now) {
  std::vector<Drift> drift;
  fabric::audit_part(drift, "the table of faults", [&] { drift = table_.audit(now); });
  wiring_.audit(drift);
  auxiliaries_.audit(table_.installed(), now, drift);
  return drift;
}

}  // namespace

std::unique_ptr<Fabric> make_netns_fabric(const FabricPlan& plan, const NetnsOptions& options) {
  return std::make_unique<NetnsFabric>(plan, options);
}

std::vector<Subnet> subnets_in_use() {
  std::vector<Subnet> subnets;
  for (const IpPrefix& network : occupied_networks()) {
    if (network.address.is_v4()) {
      Subnet subnet{Ipv4{}, network.length};
      subnet.base.value = network.address.v4_value() & subnet.mask();
      subnets.push_back(subnet);
    }
  }
  std::sort(subnets.begin(), subnets.end(), [](const Subnet& a, const Subnet& b) {
    return std::pair(a.base, a.prefix) < std::pair(b.base, b.prefix);
  });
  subnets.erase(std::unique(subnets.begin(), subnets.end()), subnets.end());
  return subnets;
}

}  // namespace tinet
