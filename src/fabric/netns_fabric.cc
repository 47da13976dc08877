#include "src/fabric/netns_fabric.h"

#include <algorithm>
#include <utility>

#include <linux/netlink.h>

#include "netns/address.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/effects.h"
#include "src/fabric/encode.h"
#include "src/fabric/table.h"
#include "src/fabric/wiring.h"

namespace tinet {

namespace {

/// What the deciding layer of a link is at `time`: its element and entry of the schedule.
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
  const fabric::TimedEffect* entry = fabric::effect_at(rules.schedule, time);
  if (entry == nullptr) {
    return std::nullopt;
  }
  const auto elements = fabric::elements_of(link, rules);
  const auto index = static_cast<std::size_t>(entry - rules.schedule.data());
  return Decision{elements.at(elements.size() == 1 ? 0 : index + 1), entry};
}

std::string names_of(const std::vector<FaultId>& faults) {
  std::vector<std::string> names;
  for (const FaultId fault : faults) {
    names.push_back(to_string(fault));
  }
  return (names.size() > 1 ? "faults " : "fault ") + join(names, ", ");
}

class NetnsFabric final : public Fabric {
 public:
  NetnsFabric(const FabricPlan& plan, const NetnsOptions& options)
      : options_(options),
        endpoints_(plan.endpoints),
        wiring_(plan, options.gate),
        table_(wiring_.open_switch_netlink(NETLINK_NETFILTER), plan, wiring_.ports()) {}

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

  ApplyReport apply(const std::vector<Fault>& active, MonoTime now) override {
    ApplyReport report;
    report.links_changed = table_.apply(schedules(active, now), now);
    report.committed = report.links_changed > 0;
    return report;
  }
  [[nodiscard]] std::vector<std::string> preview(const std::vector<Fault>& active,
                                                 MonoTime now) override {
    return table_.preview(schedules(active, now), now);
  }
  [[nodiscard]] std::vector<LinkState> links(MonoTime now) override;
  [[nodiscard]] PacketCounts packets(FaultId fault) override {
    return table_.ledger().of_fault(fault, table_.read_counters());
  }
  [[nodiscard]] LinkExplanation why(Link link, MonoTime now) override;
  [[nodiscard]] std::vector<Drift> audit(MonoTime now) override;

 private:
  [[nodiscard]] std::vector<fabric::LinkSchedule> schedules(const std::vector<Fault>& active,
                                                            MonoTime now) const;

  NetnsOptions options_;
  std::vector<FabricEndpoint> endpoints_;
  fabric::Wiring wiring_;
  fabric::Table table_;
};

std::vector<fabric::LinkSchedule> NetnsFabric::schedules(const std::vector<Fault>& active,
                                                         MonoTime now) const {
  auto schedules = fabric::link_schedules(active, now);
  for (const fabric::LinkSchedule& link : schedules) {
    TINET_ASSERT(link.link.from < endpoints_.size() && link.link.to < endpoints_.size());
    for (const fabric::TimedEffect& entry : link.schedule) {
      if (entry.effect.cut && *entry.effect.cut != CutMode::Drop) {
        throw_unavailable("cannot " + std::string(to_string(*entry.effect.cut)) + " packets of " +
                              names_of(entry.decided_by) + ": backend '" + std::string(backend()) +
                              "' cuts by dropping only",
                          "use --mode drop");
      }
    }
  }
  return schedules;
}

std::vector<LinkState> NetnsFabric::links(MonoTime now) {
  std::map<Link, LinkState> states;
  for (const auto& [link, counts] : table_.ledger().of_links(table_.read_counters())) {
    states[link].packets = counts;
  }
  for (const auto& [link, record] : table_.applied()) {
    if (const auto decision = decision_at(table_.applied(), link, now)) {
      states[link].effect = decision->entry->effect;
      states[link].decided_by = decision->entry->decided_by;
    }
  }
  std::vector<LinkState> result;
  result.reserve(states.size());
  for (auto& [link, state] : states) {
    state.link = link;
    result.push_back(std::move(state));
  }
  return result;
}

LinkExplanation NetnsFabric::why(Link link, MonoTime now) {
  LinkExplanation explanation{link, {}, {}, "none", {}};
  const auto decision = decision_at(table_.applied(), link, now);
  if (!decision) {
    return explanation;
  }
  explanation.effect = decision->entry->effect;
  explanation.decided_by = decision->entry->decided_by;
  explanation.mechanism = "nftables";
  explanation.rule = "element tinet/" + fabric::map_name(decision->element.map) + " { " +
                     fabric::describe(decision->element, wiring_.ports(), now) + " }, " +
                     names_of(explanation.decided_by);
  return explanation;
}

std::vector<Drift> NetnsFabric::audit(MonoTime now) {
  std::vector<Drift> drift = table_.audit(now);
  auto wiring = wiring_.audit();
  std::move(wiring.begin(), wiring.end(), std::back_inserter(drift));
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
