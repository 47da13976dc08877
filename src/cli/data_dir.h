#pragma once
/// The data directory of a cluster and its cluster.json, which says what the data belongs to
/// (design: "Data directory"). All files are touched with the invoking user's rights.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "src/base/unique_fd.h"
#include "src/model/address.h"
#include "src/model/plan.h"
#include "src/process/user.h"

namespace tinet::cli {

/// cluster.json: what must be the same for data to be used again.
struct DataRecord {
  std::string tag;
  std::string topology;
  std::string store = "real";
  std::map<std::string, int> counts = {};
  std::map<std::string, std::string> addresses = {};  ///< by instance
  Subnet subnet = {};
  bool ipv6 = false;
  bool kept = false;  ///< the user wants to have it again
};

[[nodiscard]] DataRecord record_of(const ClusterPlan& plan);
[[nodiscard]] boost::json::value to_json(const DataRecord& record);
/// @throws Error Conflict when it is malformed or of another schema
[[nodiscard]] DataRecord record_from_json(const boost::json::value& document,
                                          const std::string& path);

/// @throws Error Conflict naming the first difference
void check_same_cluster(const DataRecord& kept, const DataRecord& wanted, const std::string& path);

/// What is in the directory.
struct DataFinding {
  enum class Kind {
    Empty,     ///< missing, or nothing in it
    Kept,      ///< data to be used again
    Leftover,  ///< data of a dead cluster that nobody wanted to keep
  };
  Kind kind = Kind::Empty;
  DataRecord record;  ///< unless Empty
};

/// @throws Error Conflict when there are files but no cluster.json: they may be anything
[[nodiscard]] DataFinding inspect_data_dir(const UserIds& user, const std::string& path);

/// Makes the directory and takes it for one start, until the descriptor is closed: of two starts of
/// the same tag at the same time, one must not sweep the other's data away.
/// @throws Error Conflict when another start has it
[[nodiscard]] UniqueFd lock_data_dir(const UserIds& user, const std::string& path);

/// Removes everything in the directory, but not the directory, which may be locked.
void clear_data_dir(const UserIds& user, const std::string& path);

/// Makes the directory and writes cluster.json.
void write_record(const UserIds& user, const std::string& path, const DataRecord& record);

/// Sets `kept` in an existing cluster.json, so that neither start nor cleanup removes the data.
void mark_kept(const UserIds& user, const std::string& path);

/// ~/.local/share/tinet of the user, absolute.
[[nodiscard]] std::string data_home(const UserIds& user);

/// Data directories below data_home() that nobody wanted to keep and whose tag is not in `alive`.
[[nodiscard]] std::vector<std::string> leftover_data(const UserIds& user,
                                                     const std::vector<std::string>& alive);

}  // namespace tinet::cli
