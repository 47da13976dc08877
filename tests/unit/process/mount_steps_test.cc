#include "src/process/mount_steps.h"

#include <gmock/gmock.h>

#include "src/base/error.h"

namespace tinet {
namespace {

std::vector<std::string> kept(const std::vector<std::string>& paths) {
  std::vector<std::string> result;
  for (const KeptPath& path : prepare_mounts({.kept_under_tmp = paths}, nullptr).kept) {
    result.push_back(path.path);
  }
  return result;
}

TEST(PrepareMounts, KeepsOnlyWhatLiesUnderTmp) {
  EXPECT_THAT(kept({"/usr/bin/tikv", "/tmp/a", "/tmpfile", "/tmp", "/tmp/"}),
              ::testing::ElementsAre("/tmp/a"));
}

TEST(PrepareMounts, SkipsWhatAKeptDirectoryContains) {
  EXPECT_THAT(kept({"/tmp/a/b", "/tmp/ab", "/tmp/a", "/tmp/a/c/d", "/tmp/a"}),
              ::testing::ElementsAre("/tmp/a", "/tmp/ab"));
}

TEST(PrepareMounts, TidiesPaths) {
  const auto mounts = prepare_mounts({.kept_under_tmp = {"//tmp/./a//b/"}}, nullptr);
  ASSERT_EQ(mounts.kept.size(), 1U);
  EXPECT_EQ(mounts.kept[0].path, "/tmp/a/b");
  EXPECT_THAT(mounts.kept[0].components, ::testing::ElementsAre("a", "b"));
}

TEST(PrepareMounts, RefusesPathsThatCouldLeadElsewhere) {
  for (const char* path : {"", "tmp/a", "/tmp/../etc"}) {
    EXPECT_THROW(static_cast<void>(prepare_mounts({.kept_under_tmp = {path}}, nullptr)), Error);
    EXPECT_THROW(static_cast<void>(prepare_mounts({.masked = {path}}, nullptr)), Error);
  }
}

TEST(DescribeMountFailure, NamesThePathOfTheStep) {
  const auto mounts = prepare_mounts(
      {.tmp_source = "/data/tmp", .kept_under_tmp = {"/tmp/a", "/tmp/b"}, .masked = {"/run/tinet"}},
      nullptr);
  EXPECT_EQ(describe({.step = MountStep::BindKept, .error = 1, .index = 1}, mounts),
            "cannot bind '/tmp/b' into the private /tmp");
  EXPECT_EQ(describe({.step = MountStep::Mask, .error = 1, .index = 0}, mounts),
            "cannot mask '/run/tinet'");
}

}  // namespace
}  // namespace tinet
