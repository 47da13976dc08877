#pragma once
/// The parsed flags of `tinet start`, and what the caller found out about the machine for it. Both
/// are plain values: render() needs nothing else.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/model/address.h"
#include "src/model/plan.h"

namespace tinet {

/// The file of --X.config, already read.
struct UserConfig {
  std::string path;
  std::string content;
};

/// The flags "--X.*" of one component.
struct ComponentOptions {
  std::optional<int> count;          ///< --X N, --X.count N
  std::string path;                  ///< --X.path, --X.binpath; absolute
  std::optional<UserConfig> config;  ///< --X.config
  std::vector<std::string> args;     ///< each --X.args as given; split like a shell by render()
  std::vector<std::string> env;      ///< each --X.env, "KEY=VALUE"
  std::string zones;                 ///< --X.zone "a,b,c"
};

struct StartOptions {
  std::string tag = "default";
  std::map<std::string, ComponentOptions> components;  ///< by component; unknown names are refused
  std::string release;                                 ///< --release vX.Y.Z; empty: newest
  std::string backend = "auto";                        ///< --network
  std::optional<Subnet> subnet;                        ///< --subnet
  bool ipv6 = false;
  bool host_link = false;
  std::string data_dir;  ///< --data-dir, absolute; empty: Environment::data_dir
  std::string log_dir;   ///< --log-dir, absolute; empty: DATA/logs
  bool keep_data = false;
  std::optional<std::string> publish;  ///< --publish LIST; unset: the topology's defaults
  std::int64_t timeout_ms = 120'000;
  std::string on_failure = "clean";
  bool paused = false;
  std::optional<std::int64_t> ttl_ms;
  std::optional<std::int64_t> tcp_rto_max_ms;
  std::string toxiproxy_api;   ///< --toxiproxy-api; empty: none
  std::string store = "auto";  ///< auto, real, reference
};

/// The program of one component, as found by find_binaries().
struct FoundBinary {
  std::string path;                 ///< absolute
  std::vector<std::string> prefix;  ///< arguments before all others (role of the reference store)
  std::string version;              ///< "v8.5.1" where the path tells it; else empty
  std::string source;  ///< "--tikv.path", "TINET_TIKV_PATH", "PATH", "tiup v8.5.1", ...
};

/// One program per component that has instances, and which store they are.
struct Binaries {
  std::map<std::string, FoundBinary> by_component;
  std::string store = "real";  ///< or "reference"
  std::string release;         ///< tiup release in use; empty when none is
};

/// Facts about the machine and the invoking user, looked up by the caller.
struct Environment {
  PlanUser user;
  /// The invoking user's variables; children get PATH, HOME, USER, LANG and TERM of these.
  std::map<std::string, std::string> variables;
  Subnet subnet;            ///< chosen by first_free_subnet(); StartOptions::subnet goes before it
  std::string data_dir;     ///< default data directory of this tag, absolute
  std::string working_dir;  ///< of the caller; kept visible to instances when under /tmp
  std::string state_dir;    ///< may be empty: the supervisor's side then decides
  Binaries binaries;
};

}  // namespace tinet
