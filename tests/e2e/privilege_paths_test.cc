// Data directories and tags that are not what they seem.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RunResult start_in(const Scene& scene, const std::string& data_dir) {
  return scene.tinet(scene.start_words(kSleepers, {"--data-dir", data_dir}));
}

/// A directory with a file in it that somebody needs.
std::string make_precious(const Scene& scene, const std::string& name) {
  const std::string directory = scene.path(name);
  fs::create_directory(directory);
  scene.write(name + "/precious", "do not lose\n");
  return directory;
}

TEST(DataDir, ThatIsNotTinetsIsRefusedAndNotTouched) {
  const Scene scene;
  const std::string directory = make_precious(scene, "full");
  fs::create_directory_symlink(directory, scene.path("link"));
  const std::string file = scene.write("file", "not a directory\n");
  for (const auto& path : {directory, scene.path("link"), file}) {
    const auto refused = start_in(scene, path);
    EXPECT_EQ(refused.exit_code, 4) << refused;
    EXPECT_THAT(refused.err, HasSubstr("'" + path + "'"));
    EXPECT_THAT(refused.err, HasSubstr("--data-dir"));
  }
  EXPECT_TRUE(fs::exists(directory + "/precious"));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 1);
  EXPECT_TRUE(fs::is_symlink(scene.path("link")));
  EXPECT_TRUE(fs::is_regular_file(file));
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(DataDir, MayBeALinkToAnEmptyDirectoryAndStaysOne) {
  const Scene scene;
  fs::create_directory(scene.path("real"));
  fs::create_directory_symlink("real", scene.path("link"));
  const auto started = start_in(scene, scene.path("link"));
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_TRUE(scene.tinet({"exec", "node-0", "--", "touch", "written"}).ok());
  EXPECT_TRUE(scene.tinet({"restart", "node-0"}).ok());
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_TRUE(fs::is_symlink(scene.path("link")));
  EXPECT_TRUE(fs::exists(scene.path("real/cluster.json")));
}

TEST(DataDir, OfAnotherUserIsRefusedWithAHint) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  for (const mode_t mode : {0700U, 0755U}) {
    const std::string directory = scene.path("of-root-" + std::to_string(mode));
    fs::create_directory(directory);
    ASSERT_EQ(::chmod(directory.c_str(), mode), 0);
    const auto words = scene.start_words(kSleepers, {"--data-dir", directory});
    for (const auto& options : {scene.options(), sudo_options(scene, *user)}) {
      const auto refused = scene.tinet(words, options);
      EXPECT_EQ(refused.exit_code, 3) << refused;
      EXPECT_THAT(refused.err, HasSubstr(directory));
      EXPECT_THAT(refused.err, HasSubstr("tinet: hint: "));
    }
    EXPECT_TRUE(fs::is_empty(directory));
  }
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(DataDir, IsRemovedWithoutFollowingLinksThatInstancesMade) {
  const Scene scene;
  const std::string directory = make_precious(scene, "elsewhere");
  ASSERT_TRUE(scene.start());
  for (const char* name : {"link", "data/link", "../link-beside"}) {
    const auto made = scene.tinet({"exec", "node-0", "--", "ln", "-s", directory, name});
    EXPECT_TRUE(made.ok()) << made;
  }
  // Its own data directory becomes a link, too.
  const auto moved = scene.tinet(
      {"exec", "node-0", "--", "sh", "-c",
       "cd .. && mv node-1/data node-1/moved && ln -s '" + directory + "' node-1/data"});
  EXPECT_TRUE(moved.ok()) << moved;
  const auto stopped = scene.tinet({"stop"});
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_TRUE(fs::exists(directory + "/precious"));
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Tag, ThatCouldBeAPathIsRefused) {
  const Scene scene;
  for (const char* tag : {"../up", "a/b", "/abs", ".", "..", "a.b", "-a", "Upper", "a b", "a\nb",
                          "", "123456789012345678901234567890123"}) {
    SCOPED_TRACE(tag);
    RunOptions options = scene.options();
    options.unset = {"TINET_TAG"};
    auto words = scene.start_words();
    words.insert(words.end(), {"--tag", tag});
    const auto as_flag = scene.tinet(words, options);
    EXPECT_EQ(as_flag.exit_code, 2) << as_flag;
    EXPECT_THAT(as_flag.err, HasSubstr("tag"));
    options.unset.clear();
    options.env["TINET_TAG"] = tag;
    // An empty variable is as good as none.
    if (*tag != '\0') {
      const auto as_variable = scene.tinet({"status"}, options);
      EXPECT_EQ(as_variable.exit_code, 2) << as_variable;
      const auto stop = scene.tinet({"stop"}, options);
      EXPECT_EQ(stop.exit_code, 2) << stop;
    }
  }
}

}  // namespace
}  // namespace tinet::test
