#pragma once
/// The command lines of pd-server, tikv-server and tidb-server as far as the reference store takes
/// them (facts of the real programs: README.md, "Flags").

#include <optional>
#include <string>
#include <vector>

#include "src/refstore/front_server.h"
#include "src/refstore/kv_server.h"
#include "src/refstore/pd_server.h"

namespace tinet::refstore {

enum class Program { Pd, Tikv, Tidb };

/// "pd-server", "tikv-server", "tidb-server".
[[nodiscard]] std::string_view program_name(Program program);
[[nodiscard]] std::optional<Program> program_from(std::string_view name);

/// What every program's command line leads to.
struct CommonFlags {
  bool print_version = false;
  std::string log_file;
  std::string data_dir;
  bool unreliable = false;  ///< TINET_REFSTORE_UNRELIABLE=1, or [refstore] unreliable = true
  std::uint64_t seed = 1;   ///< TINET_REFSTORE_SEED, or [refstore] seed = N
};

/// Each parses the words after the program's name.
/// @param common is filled as well; with print_version set the returned options mean nothing
/// @throws Error Usage for an unknown flag or a value that makes no sense
[[nodiscard]] PdServerOptions parse_pd_flags(const std::vector<std::string>& words,
                                             CommonFlags& common);
[[nodiscard]] KvServerOptions parse_tikv_flags(const std::vector<std::string>& words,
                                               CommonFlags& common);
[[nodiscard]] FrontServerOptions parse_tidb_flags(const std::vector<std::string>& words,
                                                  CommonFlags& common);

}  // namespace tinet::refstore
