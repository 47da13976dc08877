#pragma once
/// The flags of `start` and `with`, as typed, and what they come to.

#include <map>
#include <string>
#include <vector>

#include "src/cli/command.h"
#include "src/topology/start_options.h"
#include "src/topology/topology.h"

namespace tinet::cli {

/// The flags "--X..." of one component, as typed.
struct ComponentFlags {
  std::string count;
  std::string path;
  std::string config;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string zones;
};

struct StartFlags {
  std::string topology;
  std::map<std::string, ComponentFlags> components;
  std::string release;
  std::string network = "auto";
  std::string subnet;
  std::string toxiproxy_api;
  bool ipv6 = false;
  bool host_link = false;
  std::string data_dir;
  bool keep_data = false;
  std::string log_dir;
  std::string publish;
  std::string timeout = "120s";
  std::string on_failure = "clean";
  std::string ttl;
  std::string tcp_rto_max;
  bool paused = false;
  std::string faults;
  std::string store = "auto";
  bool dry_run = false;
};

/// Declares the flags that do not depend on the topology, and the extension that adds "--X..." for
/// each component of the topology that the first word names.
void add_start_flags(Command& command, StartFlags& flags);

/// The topology word with its default, "tidb".
[[nodiscard]] std::string topology_word(const StartFlags& flags);

/// Parses numbers and units, makes paths absolute and reads the files of --X.config.
/// @throws Error Usage naming the flag
[[nodiscard]] StartOptions parse_start_flags(const StartFlags& flags, const std::string& tag);

}  // namespace tinet::cli
