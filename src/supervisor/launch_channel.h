#pragma once
/// The supervisor's line to the `tinet start` that waits for it: the plan comes in, progress and
/// the outcome go out, and its end says that nobody waits any more.

#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "src/api/requests.h"
#include "src/base/unique_fd.h"
#include "src/model/plan.h"

namespace tinet {

/// What `tinet start` asks for.
struct Launch {
  ClusterPlan plan;
  std::vector<api::FaultRequest> faults;  ///< in place before the first process
};

class LaunchChannel {
 public:
  LaunchChannel(const boost::asio::any_io_executor& executor, UniqueFd socket);
  LaunchChannel(const LaunchChannel&) = delete;
  LaunchChannel& operator=(const LaunchChannel&) = delete;
  LaunchChannel(LaunchChannel&&) = delete;
  LaunchChannel& operator=(LaunchChannel&&) = delete;
  ~LaunchChannel();

  /// Blocks until the launch document has arrived (at most 64 MiB).
  /// @throws Error Usage for a malformed one, Interrupted when the other end closed
  [[nodiscard]] Launch receive();

  /// Writes one JSON line. A reader that is gone is no error: on_close() tells.
  void send(const boost::json::object& line) noexcept;

  /// Waits for the other end's word that it has taken the outcome.
  /// @return false when it closed instead: then nobody knows of the cluster
  [[nodiscard]] boost::asio::awaitable<bool> taken();

  /// Calls `action` once when the other end closes; an empty one takes the last one back.
  void on_close(std::function<void()> action);

  void close() noexcept;

 private:
  struct Watch;
  UniqueFd socket_;
  std::shared_ptr<Watch> watch_;
};

}  // namespace tinet
