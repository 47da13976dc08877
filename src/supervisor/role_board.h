#pragma once
/// Live answers to "who is the leader": asks every member through its own namespace and lets
/// src/topology/roles.h decide. Answers for `status` are reused for a second, so that watching a
/// cluster costs it next to nothing; selectors always ask anew.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/topology/roles.h"

namespace tinet {

class RoleBoard {
 public:
  /// @param is_up tells whether an instance has a process that could answer; others are not asked
  RoleBoard(const ClusterPlan& plan, Fabric& fabric,
            std::function<bool(const std::string& instance)> is_up);

  /// Asks now.
  /// @param words role words, or none for all known roles
  /// @throws Error Usage for an unknown role word
  [[nodiscard]] boost::asio::awaitable<RoleResult> resolve(std::vector<std::string> words);

  /// All known roles, at most a second old.
  [[nodiscard]] boost::asio::awaitable<RoleResult> recent();

 private:
  const ClusterPlan& plan_;
  Fabric& fabric_;
  std::function<bool(const std::string&)> is_up_;
  RoleResult recent_;
  std::chrono::steady_clock::time_point recent_at_{};
};

}  // namespace tinet
