#pragma once
/// From topology and flags to a ClusterPlan: every template filled, every default decided. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "src/topology/start_options.h"
#include "src/topology/topology.h"

namespace tinet {

/// At most this many instances share one bridge.
inline constexpr int kMaxInstances = 1022;

/// The number of instances of each component after --X.count, checked: each >= 0, the sum 1 to
/// kMaxInstances, components that need others have them.
/// @throws Error Usage; also for flags of a component that the topology does not have (suggestion)
[[nodiscard]] std::map<std::string, int> instance_counts(const Topology& topology,
                                                         const StartOptions& options);

/// Words of --publish: "tidb:client=4000", "pd", "tikv-0:status". Of a component's instances,
/// instance i gets PORT + i.
/// @param text nullopt: the topology's defaults; "none": nothing
/// @throws Error Usage for unknown names or services, a bad port, or a port that is asked for twice
[[nodiscard]] std::vector<PublishSpec> parse_publish(const std::optional<std::string>& text,
                                                     const Topology& topology,
                                                     const std::map<std::string, int>& counts);

/// @throws Error Usage for flags that cannot be (see instance_counts(), parse_publish(), a subnet
///         that is too small, keys of --X.config that tinet owns, malformed --X.args or --X.env)
[[nodiscard]] ClusterPlan render(const Topology& topology, const StartOptions& options,
                                 const Environment& environment);

/// A connect line with the host ports that really were taken: replaces {published:INSTANCE:SERVICE}
/// (127.0.0.1:PORT) and {published_port:INSTANCE:SERVICE} (PORT). `ports` maps "INSTANCE:SERVICE".
/// A service that is not in `ports` leaves the placeholder as "?".
[[nodiscard]] std::string fill_published(std::string line,
                                         const std::map<std::string, std::uint16_t>& ports);

/// The command line of an instance, quoted for a POSIX shell, without its environment.
[[nodiscard]] std::string command_line(const InstancePlan& instance);

/// What `tinet start --dry-run` prints: the topology's YAML, then every instance with address,
/// command line, files and checks.
[[nodiscard]] std::string dry_run_text(const Topology& topology, const ClusterPlan& plan);
/// The same for --json: {"topology_source", "plan", "commands": {INSTANCE: "..."}}.
[[nodiscard]] boost::json::value dry_run_json(const Topology& topology, const ClusterPlan& plan);

}  // namespace tinet
