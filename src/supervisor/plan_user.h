#pragma once
/// The user of a plan as src/process wants it.

#include "src/model/plan.h"
#include "src/process/user.h"

namespace tinet {

/// What the plan says, without a look at the databases; the shell stays empty.
[[nodiscard]] inline UserIds user_ids(const PlanUser& user) {
  UserIds ids;
  ids.uid = user.uid;
  ids.gid = user.gid;
  ids.groups.assign(user.groups.begin(), user.groups.end());
  ids.name = user.name;
  ids.home = user.home;
  return ids;
}

}  // namespace tinet
