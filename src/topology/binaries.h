#pragma once
/// Which program an instance runs: the search of --X.path, TINET_X_PATH, PATH and tiup's releases,
/// and the choice of the reference store when there is nothing to find. Pure over a FileView.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/topology/start_options.h"
#include "src/topology/topology.h"

namespace tinet {

/// The part of the file system that the search looks at; files.h has the real one.
class FileView {
 public:
  FileView() = default;
  FileView(const FileView&) = delete;
  FileView& operator=(const FileView&) = delete;
  virtual ~FileView() = default;
  /// A regular file (links followed) with an execute bit.
  [[nodiscard]] virtual bool is_executable(const std::string& path) const = 0;
  /// Anything exists there.
  [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
  /// Names in a directory, in any order; empty when it cannot be read.
  [[nodiscard]] virtual std::vector<std::string> list(const std::string& directory) const = 0;
};

/// Where to search.
struct BinarySearch {
  /// The invoking user's variables: PATH, HOME, TIUP_HOME, TINET_X_PATH.
  std::map<std::string, std::string> variables;
  std::string home;              ///< of the invoking user, from the password database
  bool under_sudo = false;       ///< adds the hint about sudo's env_reset
  std::string refstore_program;  ///< absolute path of tinet-refstore; empty: not installed
};

/// Finds the program of every component whose count is not 0.
/// @param counts of instance_counts()
/// @throws Error Unavailable listing what was sought where; Usage when --store or --release
///         contradict other flags
[[nodiscard]] Binaries find_binaries(const Topology& topology, const StartOptions& options,
                                     const std::map<std::string, int>& counts,
                                     const BinarySearch& search, const FileView& files);

/// Version that a program printed for -V (pd, tikv, tidb: "Release Version: v8.5.1") or --version
/// (etcd: "etcd Version: 3.4.23"); empty when the text tells none.
[[nodiscard]] std::string parse_version_output(std::string_view output);

/// The flag that makes a program print its version: "-V" or "--version".
[[nodiscard]] std::string_view version_flag(std::string_view component);

/// Orders "v8.5.1" after "v8.5.0" and after "v8.5.1-rc.1"; "nightly" comes before all numbers.
[[nodiscard]] bool release_less(std::string_view a, std::string_view b);

/// True for "v8.5.1", false for "v9.0.0-beta.1" and "nightly".
[[nodiscard]] bool is_final_release(std::string_view release);

}  // namespace tinet
