#pragma once
/// The part of PD's HTTP API that tinet reads, answered from what one pd knows. Pure.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "src/refstore/http.h"
#include "src/refstore/pd_members.h"
#include "src/refstore/view_service.h"

namespace tinet::refstore {

struct PdFacts {
  std::uint64_t cluster_id = 0;  ///< 0: not known yet
  std::uint64_t term = 0;
  const PdMembers* members = nullptr;
  const ViewService* views = nullptr;  ///< null on followers
  Time now;
};

/// Paths that a follower answers by itself, whoever leads and whether or not it is reachable.
[[nodiscard]] bool is_local_path(std::string_view path);

/// Answers a GET below /pd/api/v1, GET /health, and POST /v3/maintenance/status. What needs the
/// leader or the view service and has none is 503, what is not known at all 404.
[[nodiscard]] HttpResponse pd_answer(const PdFacts& facts, const HttpRequest& request);

}  // namespace tinet::refstore
