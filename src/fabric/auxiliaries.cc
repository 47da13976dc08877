#include "src/fabric/auxiliaries.h"

#include <algorithm>

#include <linux/netlink.h>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/audit_part.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/static_table.h"

namespace tinet::fabric {

namespace {

/// Calls `use` for every link that a change touches, with each treatment it can lead to.
template <typename Use>
void for_each_use(const Difference& difference, const Installed& installed, Use&& use) {
  std::map<TreatmentId, const Treatment*> fresh;
  for (const Treatment& treatment : difference.new_treatments) {
    fresh[treatment.id] = &treatment;
  }
  for (const auto& [link, record] : difference.records) {
    if (!record.deciding) {
      continue;
    }
    for (const TreatmentId id : record.deciding->plan->treatments) {
      const auto found = fresh.find(id);
      use(link, found != fresh.end() ? *found->second : installed.treatments.at(id).treatment);
    }
  }
}

}  // namespace

Auxiliaries::Auxiliaries(Wiring& wiring, nft::Connection& connection, const FabricPlan& plan,
                         WireCommand wire_command, bool use_netem)
    : wiring_(wiring),
      connection_(connection),
      endpoints_(plan.endpoints),
      wire_(wiring, connection, std::move(wire_command)),
      queues_(wiring.open_switch_netlink(NETLINK_ROUTE), wiring.ports()),
      senders_(wiring, plan.endpoints) {
  mechanisms_.netem = use_netem && queues_.has_netem();
  queues_.make_roots();
}

std::vector<std::string> Auxiliaries::prepare(const Difference& difference,
                                              const Installed& installed) {
  bool copies = false;
  std::set<Endpoint> refusing;
  std::map<ShapeId, const ShapePart*> wire;
  std::set<std::string> exact;
  for_each_use(difference, installed, [&](Link link, const Treatment& treatment) {
    copies = copies || treatment.duplicates;
    if (treatment.refuses) {
      refusing.insert(link.to);
    }
    if (senders_.require(link.from, offloads_for(treatment))) {
      exact.insert(endpoints_.at(link.from).name);
    }
    for (const ShapePart& part : treatment.shapes) {
      if (part.wire) {
        wire.emplace(part.id, &part);
      }
    }
  });
  add_refusals(refusing);
  if (copies) {
    add_copies();
  }
  for (const auto& [id, part] : wire) {
    wire_.add(id, wire_part(part->shape, mechanisms_), part->counts);
  }
  queues_.add(difference.new_classes);
  if (exact.empty()) {
    return {};
  }
  return {"packets of " + join({exact.begin(), exact.end()}, ", ") +
          " are cut to wire size while this lasts (offloads are off), which costs throughput"};
}

void Auxiliaries::add_refusals(const std::set<Endpoint>& receivers) {
  for (const Endpoint endpoint : receivers) {
    if (endpoints_.at(endpoint).is_host) {
      throw_unavailable("cannot refuse packets to the host: its own network is left as it is",
                        "use --mode drop for links to the host");
    }
    if (!refusals_.has(endpoint)) {
      refusals_.add(endpoint, wiring_.open_endpoint_netlink(endpoint, NETLINK_NETFILTER));
    }
  }
}

void Auxiliaries::add_copies() {
  if (!copies_) {
    commit_table(connection_, make_copy_table(wiring_.ports()));
    copies_ = true;
  }
}

std::vector<std::string> Auxiliaries::follow(const Installed& installed, MonoTime now) {
  std::vector<std::string> left;
  const auto take_back = [&](const char* what, auto&& part) {
    try {
      part();
    } catch (const Error& error) {
      left.push_back(std::string(what) + ", and stay until an audit can: " + error.what());
    }
  };
  take_back("holds that were let go cannot hold again",
            [&] { wire_.hold_again(installed, mechanisms_); });
  take_back("classes of the wire that nobody needs cannot be removed now",
            [&] { wire_.follow(installed, mechanisms_); });
  take_back("classes of ports that nobody needs cannot be removed now",
            [&] { queues_.follow(installed); });
  take_back("offloads that are off for nobody cannot be switched on now",
            [&] { senders_.follow(installed, now); });
  return left;
}

void Auxiliaries::audit_foreign_tables(std::vector<Drift>& drift) {
  std::vector<nft::TableId> own = {table_id()};
  if (copies_) {
    own.push_back(make_copy_table(wiring_.ports()).table.id);
  }
  const auto of_wire = wire_.tables();
  own.insert(own.end(), of_wire.begin(), of_wire.end());
  for (const nft::Table& table : nft::list_tables(connection_)) {
    if (std::find(own.begin(), own.end(), table.id) == own.end()) {
      drift.push_back({"foreign table '" + nft::to_string(table.id) + "' in the switch", false});
    }
  }
}

void Auxiliaries::audit_refusals(std::vector<Drift>& drift) {
  for (const Endpoint endpoint : refusals_.audit()) {
    drift.push_back(
        {"table of refusals of '" + endpoints_.at(endpoint).name + "' was changed", true});
  }
}

void Auxiliaries::audit_copies(std::vector<Drift>& drift) {
  if (!copies_) {
    return;
  }
  const StaticTable table = make_copy_table(wiring_.ports());
  if (!is_intact(connection_, table)) {
    commit_table(connection_, table);
    drift.push_back({"table '" + nft::to_string(table.table.id) + "' was changed", true});
  }
}

void Auxiliaries::audit(const Installed& installed, MonoTime now, std::vector<Drift>& drift) {
  audit_part(drift, "the switch's tables", [&] { audit_foreign_tables(drift); });
  audit_part(drift, "refusals", [&] { audit_refusals(drift); });
  audit_part(drift, "copies", [&] { audit_copies(drift); });
  audit_part(drift, "the userspace wire", [&] { wire_.audit(installed, drift); });
  audit_part(drift, "queues of ports", [&] { queues_.audit(installed, drift); });
  for (std::string& left : follow(installed, now)) {
    drift.push_back({std::move(left), false});
  }
}

std::uint64_t Auxiliaries::waiting(const std::set<Link>& links) {
  return wire_.waiting(links) + queues_.waiting(links);
}

std::vector<Count> Auxiliaries::drops() {
  std::vector<Count> all = wire_.drops();
  const std::vector<Count> of_queues = queues_.drops();
  all.insert(all.end(), of_queues.begin(), of_queues.end());
  return all;
}

ReleaseReport Auxiliaries::release(ShapeId shape, bool drop) {
  return wire_.release(shape, drop);
}

}  // namespace tinet::fabric
