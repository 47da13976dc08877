#include "src/cli/start_plan.h"

#include <filesystem>

#include <unistd.h>

#include <boost/json.hpp>

#include "src/api/cluster_handle.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/backend_choice.h"
#include "src/cli/caller_files.h"
#include "src/cli/ending_cluster.h"
#include "src/cli/faults_file.h"
#include "src/cli/json_view.h"
#include "src/cli/programs.h"
#include "src/fabric/netns_fabric.h"
#include "src/process/user_files.h"
#include "src/relays/proxy_fabric.h"
#include "src/supervisor/fault_request.h"
#include "src/topology/files.h"
#include "src/topology/render.h"

namespace tinet::cli {

namespace {

/// A killed supervisor with a thousand namespaces takes a second or two to end.
constexpr std::chrono::seconds kEndingMax{10};

/// A tag means one cluster per user, whatever its backend.
/// @return subnets that the user's living clusters take
std::vector<Subnet> check_tag_is_free(const UserIds& user, const std::string& tag) {
  std::vector<Subnet> taken;
  for (const auto& cluster : find_clusters(user.uid)) {
    if (!cluster.alive) {
      continue;
    }
    if (cluster.tag == tag && wait_if_ending(cluster, kEndingMax)) {
      continue;
    }
    if (cluster.tag == tag) {
      throw_conflict("cluster '" + tag + "' is running already",
                     "use it, stop it with 'tinet -T " + tag + " stop', or start another with -T");
    }
    const std::string subnet = text_of(read_state(cluster), "subnet");
    if (!subnet.empty()) {
      taken.push_back(parse_subnet(subnet, "state.json"));
    }
  }
  return taken;
}

/// Kept data of loopback addresses is of a cluster without namespaces and cannot be of another one.
bool is_of_relays(const DataFinding& data) {
  return data.kind == DataFinding::Kind::Kept && is_loopback(data.record.subnet);
}

/// Members of a cluster know each other by their addresses, which depend on the backend.
void check_addresses_fit(const Subnet& subnet, const std::string& asked, bool relayed) {
  if (is_loopback(subnet) == relayed) {
    return;
  }
  const std::string text = asked + " '" + to_string(subnet) + "'";
  if (relayed) {
    throw_usage(text + ": without namespaces a cluster lives on loopback addresses",
                "choose a part of 127.0.0.0/8, e.g. 127.64.0.0/16, or another --network");
  }
  throw_usage(text + ": loopback addresses cannot be given to instances in namespaces",
              "choose private ones, e.g. 10.213.0.0/16, or --network proxy");
}

/// A cluster without namespaces: where nobody listens.
Subnet choose_loopback_subnet(const std::vector<Subnet>& wanted, const std::string& asked,
                              const std::vector<Subnet>& others) {
  const auto quiet = without_listeners(wanted);
  if (const auto own = first_free_subnet(quiet, others)) {
    return *own;
  }
  throw_conflict(asked.empty() ? "none of the loopback subnets is free on this host"
                               : asked + " needs subnet " + to_string(wanted.front()) +
                                     ", in which a program listens or another cluster is",
                 "choose a free one with --subnet, e.g. 127.100.0.0/16");
}

/// @param others subnets of the user's other clusters: avoided, so that addresses tell clusters
/// apart,
///        but shared when nothing else is left, because no packet can get from one to the other
Subnet choose_subnet(const StartOptions& options, const DataFinding& data,
                     const std::vector<Subnet>& others) {
  const bool relayed = options.backend == "proxy";
  std::vector<Subnet> candidates = relayed ? loopback_subnets() : default_subnets();
  std::string asked;
  if (options.subnet) {
    candidates = {*options.subnet};
    asked = "--subnet";
  } else if (data.kind == DataFinding::Kind::Kept) {
    // The addresses are part of the data: members of a cluster know each other by them.
    candidates = {data.record.subnet};
    asked = "the kept data";
  }
  check_addresses_fit(candidates.front(), asked, relayed);
  if (relayed) {
    return choose_loopback_subnet(candidates, asked, others);
  }
  const auto of_host = subnets_in_use();
  std::vector<Subnet> avoided = of_host;
  avoided.insert(avoided.end(), others.begin(), others.end());
  if (const auto own = first_free_subnet(candidates, avoided)) {
    return *own;
  }
  // Who names a subnet means it to be this cluster's alone.
  const auto free = options.subnet ? std::nullopt : first_free_subnet(candidates, of_host);
  if (!free) {
    throw_conflict(asked.empty() ? "none of the default subnets is free on this host"
                                 : asked + " needs subnet " + to_string(candidates.front()) +
                                       ", which overlaps an address, a route or another cluster",
                   "choose a free one with --subnet");
  }
  return *free;
}

std::string data_dir_of(const StartOptions& options, const UserIds& user) {
  return options.data_dir.empty() ? data_home(user) + "/" + options.tag : options.data_dir;
}

PlanUser plan_user(const UserIds& user) {
  return {.uid = user.uid,
          .gid = user.gid,
          .groups = {user.groups.begin(), user.groups.end()},
          .name = user.name,
          .home = user.home};
}

std::vector<std::string> describe_programs(const Binaries& binaries) {
  std::vector<std::string> lines;
  for (const auto& [component, binary] : binaries.by_component) {
    const std::string version = binary.version.empty() ? "" : " " + binary.version;
    lines.push_back(component + version + ": " + binary.path + " (" + binary.source + ")");
  }
  return lines;
}

Binaries choose_programs(const Topology& topology, const StartOptions& options, const UserIds& user,
                         bool is_builtin, const Context& context) {
  const auto counts = instance_counts(topology, options);
  Binaries binaries =
      find_binaries(topology, options, counts, search_for(user, context), SystemFiles());
  if (is_builtin) {
    ask_versions(binaries, user);
  }
  return binaries;
}

/// Names and services of the faults, before anything is made for the cluster. Who holds a role only
/// the running one knows.
void check_faults(const std::vector<api::FaultRequest>& faults, const ClusterPlan& plan) {
  const SelectorScope scope = scope_of(plan);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    try {
      if (roles_in(faults[i]).empty()) {
        static_cast<void>(make_fault(faults[i], plan, scope, {}));
      }
    } catch (const Error& error) {
      throw about_fault(faults[i], i, error);
    }
  }
}

}  // namespace

StartPlan make_start_plan(const StartFlags& flags, Context& context) {
  StartPlan start;
  start.user = invoking_user();
  start.topology = load_callers_topology(topology_word(flags));
  StartOptions options = parse_start_flags(flags, context.globals.tag);
  if (!flags.faults.empty()) {
    start.faults = read_faults_file(flags.faults);
  }
  const auto taken = check_tag_is_free(start.user, options.tag);

  Environment environment;
  environment.user = plan_user(start.user);
  environment.variables = context.environment();
  environment.working_dir = std::filesystem::current_path().string();
  environment.data_dir = data_dir_of(options, start.user);
  const bool is_builtin = !names_topology_file(topology_word(flags));
  environment.binaries = choose_programs(start.topology, options, start.user, is_builtin, context);
  start.programs = describe_programs(environment.binaries);

  BackendChoice backend = choose_backend(options.backend);
  start.data = inspect_data_dir(start.user, environment.data_dir);
  if (options.backend == "auto" && is_of_relays(start.data)) {
    backend = {"proxy", "the kept data is of a cluster of this backend"};
  }
  if (options.backend == "auto" && backend.backend == "proxy" && options.subnet &&
      !is_loopback(*options.subnet)) {
    throw_unavailable(
        "--subnet '" + to_string(*options.subnet) + "' needs namespaces: " + backend.why,
        "leave out --subnet, and the cluster gets loopback addresses and relays");
  }
  options.backend = backend.backend;
  start.backend_reason = backend.why;
  if (options.host_link && backend.backend != "netns") {
    throw_unavailable(
        "--host-link needs backend 'netns': a user namespace has no right to the host",
        "run 'sudo tinet start', or reach services through --publish");
  }
  if (!options.toxiproxy_api.empty() && backend.backend != "proxy") {
    throw_usage("--toxiproxy-api acts on relays, and backend '" + backend.backend + "' has none",
                "add --network proxy");
  }
  if (options.ipv6 && backend.backend == "proxy") {
    throw_unavailable(
        "--ipv6 needs a backend with namespaces: this machine's loopback has only one "
        "IPv6 address",
        "leave out --ipv6, or see 'tinet doctor' for the other backends");
  }
  environment.subnet = choose_subnet(options, start.data, taken);
  environment.state_dir = state_path(start.user.uid, options.tag, ::geteuid() == 0);

  start.plan = render(start.topology, options, environment);
  check_faults(start.faults, start.plan);
  if (start.data.kind == DataFinding::Kind::Kept) {
    check_same_cluster(start.data.record, record_of(start.plan), environment.data_dir);
    // Who kept data once must not lose it to a failed start.
    start.plan.keep_data = true;
  }
  return start;
}

UniqueFd claim_data(const StartPlan& start, Context& context) {
  const std::string& path = start.plan.data_dir;
  UniqueFd lock = lock_data_dir(start.user, path);
  check_tag_is_free(start.user, start.plan.tag);
  if (start.data.kind == DataFinding::Kind::Kept) {
    context.note("using the kept data in '" + path + "'; remove that directory to start afresh");
  }
  if (start.data.kind == DataFinding::Kind::Leftover) {
    clear_data_dir(start.user, path);
    context.note("removed what a dead cluster left in '" + path + "'");
  }
  write_record(start.user, path, record_of(start.plan));
  return lock;
}

}  // namespace tinet::cli
