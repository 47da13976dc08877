#pragma once
/// From the flags of `start` to a plan that a supervisor can execute: user, programs, addresses,
/// backend, data directory. Changes nothing but the data directory, and that only in claim_data().

#include <string>
#include <vector>

#include "src/api/requests.h"
#include "src/cli/context.h"
#include "src/cli/data_dir.h"
#include "src/cli/start_flags.h"

namespace tinet::cli {

struct StartPlan {
  Topology topology;
  UserIds user;
  ClusterPlan plan;
  std::vector<api::FaultRequest> faults;
  DataFinding data;
  std::string backend_reason;
  std::vector<std::string> programs;  ///< "tikv v8.5.1 (/path, PATH)", for people
};

/// @throws Error Usage, Unavailable or Conflict, before anything was changed
[[nodiscard]] StartPlan make_start_plan(const StartFlags& flags, Context& context);

/// Takes the data directory, removes leftovers of a dead cluster from it, with one line, and writes
/// cluster.json.
/// @return the lock on the directory, to be held until the cluster is up
/// @throws Error Conflict when another start was faster
[[nodiscard]] UniqueFd claim_data(const StartPlan& start, Context& context);

}  // namespace tinet::cli
