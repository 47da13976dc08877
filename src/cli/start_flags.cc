#include "src/cli/start_flags.h"

#include <filesystem>

#include "src/base/error.h"
#include "src/cli/caller_files.h"
#include "src/cli/relay_api.h"
#include "src/cli/words.h"
#include "src/topology/render.h"

namespace tinet::cli {

namespace {

std::string absolute(const std::string& path) {
  return path.empty() ? "" : std::filesystem::absolute(path).lexically_normal().string();
}

void add_component_flags(Command& command, const ComponentSpec& component, ComponentFlags& flags) {
  const std::string x = "--" + component.name;
  command.option(x + "," + x + ".count", flags.count,
                 {.value = "N",
                  .help = "number of " + component.name + " instances (default " +
                          std::to_string(component.count) + ")"});
  command.option(
      x + ".path," + x + ".binpath", flags.path,
      {.value = "FILE", .help = "the program of " + component.name, .completes = Completes::File});
  command.option(x + ".config", flags.config,
                 {.value = "FILE",
                  .help = "settings laid over the built-in ones, key by key",
                  .completes = Completes::File});
  command.option(x + ".args", flags.args,
                 {.value = "ARGS",
                  .help = "further arguments, split like a shell; repeatable",
                  .may_be_empty = true});
  command.option(x + ".env", flags.env,
                 {.value = "K=V", .help = "further environment variable; repeatable"});
  command.option(x + ".zone", flags.zones,
                 {.value = "a,b,c", .help = "zones, given to the instances in turn"});
}

void add_network_flags(Command& command, StartFlags& flags) {
  command.option("--network", flags.network,
                 {.value = "BACKEND",
                  .help = "auto (default), netns (needs root), rootless, or proxy (no namespaces)",
                  .completes = Completes::Words,
                  .words = {"auto", "netns", "rootless", "proxy"}});
  command.option(
      "--subnet", flags.subnet,
      {.value = "CIDR",
       .help = "addresses of the instances (default the first free of 198.18.0.0/16, "
               "198.19.0.0/16, 10.213.0.0/16; with --network proxy 127.64.0.0/16 and further)"});
  command.option(
      "--toxiproxy-api", flags.toxiproxy_api,
      {.value = "ADDRESS",
       .help = "with --network proxy: serve Toxiproxy's HTTP API for the relays, e.g. at "
               "127.0.0.1:8474"});
  command.flag("--ipv6", flags.ipv6, "give every instance an IPv6 address too");
  command.flag("--host-link", flags.host_link,
               "join this machine to the network as endpoint 'host', by one veth (root only)");
  command.option(
      "--publish", flags.publish,
      {.value = "LIST",
       .help = "services reachable on 127.0.0.1, e.g. tidb:client=4000,pd; 'none' for no "
               "service (default: what clients need)"});
}

void add_data_flags(Command& command, StartFlags& flags) {
  command.option("--data-dir", flags.data_dir,
                 {.value = "DIR",
                  .help = "data, logs and configs; kept by stop (default "
                          "~/.local/share/tinet/TAG, removed by stop)",
                  .completes = Completes::Directory});
  command.flag("--keep-data", flags.keep_data, "stop keeps the data for the next start");
  command.option("--log-dir", flags.log_dir,
                 {.value = "DIR",
                  .help = "logs of the instances (default DATA/logs)",
                  .completes = Completes::Directory});
}

void add_course_flags(Command& command, StartFlags& flags) {
  command.option("--timeout", flags.timeout,
                 {.value = "DUR", .help = "whole time for the cluster to be ready (default 120s)"});
  command.option("--on-failure", flags.on_failure,
                 {.value = "WHAT",
                  .help = "clean (default): undo a failed start, keep its logs; keep: leave it up "
                          "for a look",
                  .completes = Completes::Words,
                  .words = {"clean", "keep"}});
  command.option("--ttl", flags.ttl,
                 {.value = "DUR", .help = "stop by itself after this long, e.g. 2h"});
  command.option("--tcp-rto-max", flags.tcp_rto_max,
                 {.value = "DUR",
                  .help = "longest wait of the instances' TCP before it sends again, 1s to 2m: how "
                          "soon connections come back after a cut (needs Linux 6.15)"});
  command.flag("--paused", flags.paused, "network and faults only; 'tinet resume all' starts");
  command.option("--faults", flags.faults,
                 {.value = "FILE",
                  .help = "YAML list of faults that hold before the first process starts",
                  .completes = Completes::File});
  command.option("--release", flags.release,
                 {.value = "vX.Y.Z", .help = "release below ~/.tiup (default the newest)"});
  command.option("--store", flags.store,
                 {.value = "KIND",
                  .help = "auto (default), real, or reference: tinet's own small store",
                  .completes = Completes::Words,
                  .words = {"auto", "real", "reference"}});
  command.flag("--dry-run", flags.dry_run, "print what would be started, start nothing");
}

ComponentOptions parse_component(const std::string& name, const ComponentFlags& flags) {
  const std::string x = "--" + name;
  ComponentOptions options;
  if (!flags.count.empty()) {
    options.count = static_cast<int>(parse_number(flags.count, x, 0, kMaxInstances));
  }
  options.path = absolute(flags.path);
  if (!flags.config.empty()) {
    options.config = UserConfig{absolute(flags.config),
                                read_callers_file(absolute(flags.config), x + ".config")};
  }
  options.args = flags.args;
  options.env = flags.env;
  options.zones = flags.zones;
  return options;
}

}  // namespace

void add_start_flags(Command& command, StartFlags& flags) {
  command.positional("TOPOLOGY", flags.topology,
                     {.help = "tidb (default; also 'cluster'), etcd, or a YAML file",
                      .completes = Completes::WordsOrFile,
                      .words = builtin_topology_names()});
  command.extend = [&flags](Command& extended, const std::string& word) {
    const Topology topology = load_callers_topology(word.empty() ? "tidb" : word);
    for (const auto& component : topology.components) {
      add_component_flags(extended, component, flags.components[component.name]);
    }
  };
  add_network_flags(command, flags);
  add_data_flags(command, flags);
  add_course_flags(command, flags);
}

std::string topology_word(const StartFlags& flags) {
  return flags.topology.empty() ? "tidb" : flags.topology;
}

StartOptions parse_start_flags(const StartFlags& flags, const std::string& tag) {
  check_word(flags.network, "--network", {"auto", "netns", "rootless", "proxy"});
  check_word(flags.on_failure, "--on-failure", {"clean", "keep"});
  check_word(flags.store, "--store", {"auto", "real", "reference"});
  StartOptions options;
  options.tag = tag;
  for (const auto& [name, component] : flags.components) {
    options.components[name] = parse_component(name, component);
  }
  options.release = flags.release;
  options.backend = flags.network;
  if (!flags.subnet.empty()) {
    options.subnet = parse_subnet(flags.subnet, "--subnet");
  }
  options.ipv6 = flags.ipv6;
  options.host_link = flags.host_link;
  options.data_dir = absolute(flags.data_dir);
  options.log_dir = absolute(flags.log_dir);
  options.keep_data = flags.keep_data;
  if (!flags.publish.empty()) {
    options.publish = flags.publish;
  }
  options.timeout_ms = required_ms(flags.timeout, "--timeout");
  options.on_failure = flags.on_failure;
  options.paused = flags.paused;
  options.ttl_ms = optional_ms(flags.ttl, "--ttl");
  options.tcp_rto_max_ms = optional_ms(flags.tcp_rto_max, "--tcp-rto-max", 1'000, 120'000);
  options.store = flags.store;
  if (!flags.toxiproxy_api.empty()) {
    static_cast<void>(parse_api_address(flags.toxiproxy_api, "--toxiproxy-api"));
    options.toxiproxy_api = flags.toxiproxy_api;
  }
  return options;
}

}  // namespace tinet::cli
