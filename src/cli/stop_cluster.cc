#include "src/cli/stop_cluster.h"

#include <chrono>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/cli/json_view.h"
#include "src/client/client.h"
#include "src/process/pidfd.h"

namespace tinet::cli {

namespace {

/// Removing a network of a thousand namespaces takes a second or two.
constexpr std::chrono::seconds kLastSteps{30};

}  // namespace

boost::json::value stop_cluster(const Client& client, const api::StopRequest& request) {
  // Opened before the stop, so that it cannot mean a later process of the same number.
  const boost::json::value status = client.get("/v1/status");
  const auto process = [&status](const char* member) {
    const auto pid = number_of(status, member);
    return pid ? open_pidfd(static_cast<pid_t>(*pid)) : UniqueFd();
  };
  const UniqueFd supervisor = process("supervisor_pid");
  const UniqueFd guard = process("guard_pid");
  boost::json::value last = client.post("/v1/stop", api::to_json(request));
  // The answer comes while the network and the state directory are still there.
  for (const UniqueFd* last_to_end : {&supervisor, &guard}) {
    if (*last_to_end && !wait_ended(last_to_end->get(), kLastSteps)) {
      throw_operation("the supervisor of cluster '" + client.cluster().tag + "' does not end",
                      "send it SIGKILL: everything of the cluster then ends");
    }
  }
  return last;
}

void require_all_removed(const boost::json::value& last) {
  const auto* left = last.as_object().if_contains("not_removed");
  if (left != nullptr) {
    const std::string hint = text_of(*left, "hint");
    throw_operation(
        "stopped, but not all is removed: " + text_of(*left, "message"),
        hint.empty() ? "'tinet cleanup' tries again" : hint + "; 'tinet cleanup' tries again");
  }
}

}  // namespace tinet::cli
