#include "src/cli/stop_cluster.h"

#include <cerrno>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/unique_fd.h"
#include "src/cli/json_view.h"
#include "src/client/client.h"

namespace tinet::cli {

namespace {

constexpr int kEndMaxMs = 30'000;

}  // namespace

boost::json::value stop_cluster(const Client& client, const api::StopRequest& request) {
  const auto pid = number_of(client.get("/v1/status"), "supervisor_pid").value_or(0);
  // Opened before the stop, while the number still means the supervisor.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
  boost::json::value last = client.post("/v1/stop", api::to_json(request));
  if (process) {
    pollfd waited{process.get(), POLLIN, 0};
    int ready = 0;
    do {
      ready = ::poll(&waited, 1, kEndMaxMs);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
      throw_operation("the supervisor (pid " + std::to_string(pid) + ") has stopped the cluster '" +
                      client.cluster().tag + "', but does not end");
    }
  }
  return last;
}

}  // namespace tinet::cli
