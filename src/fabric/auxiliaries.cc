#include "src/fabric/auxiliaries.h"

#include <algorithm>

#include <linux/netlink.h>

#include "src/base/error.h"
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

Auxiliaries::Auxiliaries(Wiring& wiring, nft::Connection& connection, const FabricPlan& plan)
    : wiring_(wiring), connection_(connection), endpoints_(plan.endpoints) {}

std::vector<std::string> Auxiliaries::prepare(const Difference& difference,
                                              const Installed& installed) {
  bool copies = false;
  std::set<Endpoint> refusing;
  for_each_use(difference, installed, [&](Link link, const Treatment& treatment) {
    copies = copies || treatment.duplicates;
    if (treatment.refuses) {
      refusing.insert(link.to);
    }
  });
  for (const Endpoint endpoint : refusing) {
    if (endpoints_.at(endpoint).is_host) {
      throw_unavailable("cannot refuse packets to the host: its own network is left as it is",
                        "use --mode drop for links to the host");
    }
    if (!refusals_.has(endpoint)) {
      refusals_.add(endpoint, wiring_.open_endpoint_netlink(endpoint, NETLINK_NETFILTER));
    }
  }
  if (copies && !copies_) {
    commit_table(connection_, make_copy_table(wiring_.ports()));
    copies_ = true;
  }
  return {};
}

void Auxiliaries::follow(const Installed& installed) {
  static_cast<void>(installed);
}

std::vector<Drift> Auxiliaries::audit(const Installed& installed) {
  static_cast<void>(installed);
  std::vector<Drift> drift;
  for (const Endpoint endpoint : refusals_.audit()) {
    drift.push_back(
        {"table of refusals of '" + endpoints_.at(endpoint).name + "' was changed", true});
  }
  return drift;
}

std::vector<Flow> Auxiliaries::flows(const std::vector<Link>& links) {
  throw_unavailable("x" + std::to_string(links.size()));
}
KickReport Auxiliaries::kick(const std::vector<Link>& links) {
  throw_unavailable("x" + std::to_string(links.size()));
}
ReleaseReport Auxiliaries::release(ShapeId shape, bool drop) {
  throw_unavailable("x" + std::to_string(shape.value) + std::to_string(drop));
}

}  // namespace tinet::fabric
