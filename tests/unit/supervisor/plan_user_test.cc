#include "src/supervisor/plan_user.h"

#include <gtest/gtest.h>

namespace tinet {
namespace {

TEST(UserIdsOfPlan, CarriesEveryIdAndTheHome) {
  PlanUser user;
  user.uid = 1000;
  user.gid = 1001;
  user.groups = {27, 1001};
  user.name = "ann";
  user.home = "/home/ann";
  const UserIds ids = user_ids(user);
  EXPECT_EQ(ids.uid, 1000U);
  EXPECT_EQ(ids.gid, 1001U);
  EXPECT_EQ(ids.groups, (std::vector<gid_t>{27, 1001}));
  EXPECT_EQ(ids.name, "ann");
  EXPECT_EQ(ids.home, "/home/ann");
}

}  // namespace
}  // namespace tinet
