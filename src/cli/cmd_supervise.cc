// The process behind a cluster: `tinet start` executes it and hands it the plan. Here the fabric of
// a backend is picked, and nowhere else.

#include <memory>

#include "netns/user_namespace.h"
#include "src/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/launch.h"
#include "src/cli/relay_api.h"
#include "src/fabric/netns_fabric.h"
#include "src/process/guard.h"
#include "src/relays/proxy_fabric.h"
#include "src/supervisor/supervise.h"

namespace tinet::cli {

namespace asio = boost::asio;

namespace {

/// Where `tinet start` leaves its end of the socket pair.
constexpr int kControlFd = 3;

std::unique_ptr<Fabric> make_fabric(const ClusterPlan& cluster, const FabricPlan& plan) {
  const std::string& backend = cluster.backend;
  if (backend == "proxy") {
    ProxyFabricOptions options;
    if (!cluster.toxiproxy_api.empty()) {
      options.extend = [&cluster](asio::io_context& loop, relays::Relays& relays) {
        return serve_relay_api(cluster, loop, relays);
      };
    }
    return make_proxy_fabric(plan, options);
  }
  NetnsOptions options;
  if (backend == "rootless") {
    enter_user_namespace();
    options.privilege = NetnsPrivilege::UserNamespace;
  } else if (backend != "netns") {
    throw_usage("unknown backend '" + backend + "'", "one of: netns, rootless, proxy");
  }
  return make_netns_fabric(plan, options);
}

}  // namespace

void add_supervise(Command& root, Context& /*context*/) {
  auto without_namespaces = std::make_shared<bool>(false);
  Command& command = root.add("supervise", "run a cluster; started by 'tinet start'");
  command.hidden = true;
  // Told beside the plan, because the guard must exist before the plan is read.
  command.flag(kWithoutNamespaces, *without_namespaces,
               "stand guard over the cluster's processes, which no namespace holds together");
  command.action = [without_namespaces]() -> int {
    const auto run = [] { return supervise(UniqueFd(kControlFd), make_fabric); };
    return *without_namespaces ? run_guarded(run) : run();
  };
}

}  // namespace tinet::cli
