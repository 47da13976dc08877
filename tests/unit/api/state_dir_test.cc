#include "src/api/state_dir.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "tests/support/temp_dir.h"

namespace tinet {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

const uid_t kMe = ::geteuid();

StateOwner me() {
  return {.uid = kMe, .gid = ::getegid()};
}

StateBases bases_in(const TempDir& dir) {
  return {.root = dir / "run/tinet",
          .root_owner = kMe,
          .xdg_runtime_dir = "",
          .run_user = dir / "run/user",
          .tmp = dir / "tmp"};
}

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::Check;
}

mode_t mode_of(const std::string& path) {
  struct stat attributes {};
  EXPECT_EQ(::lstat(path.c_str(), &attributes), 0) << path;
  return attributes.st_mode & 07777U;
}

/// What a supervisor leaves that died without a chance to clean up.
void leave_dead_cluster(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto state = StateDir::create(path, me());
    state.write_state({{"tag", "old"}});
    state.link_namespace("gone-0", 0);
    static_cast<void>(state.open_append("journal.jsonl"));
    std::ofstream(state.socket_path()) << "old";
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(StatePath, PrefersRuntimeDirectoriesOfTheUserAndEndsInTmp) {
  const TempDir dir;
  auto bases = bases_in(dir);
  const std::string id = std::to_string(kMe);
  EXPECT_EQ(state_path(kMe, "t", true, bases), dir / "run/tinet/" + id + "/t");
  EXPECT_EQ(state_path(kMe, "t", false, bases), dir / "tmp/tinet-" + id + "/t");
  fs::create_directories(dir / "run/user/" + id);
  EXPECT_EQ(state_path(kMe, "t", false, bases), dir / "run/user/" + id + "/tinet/t");
  fs::create_directories(dir / "xdg");
  bases.xdg_runtime_dir = dir / "xdg";
  EXPECT_EQ(state_path(kMe, "t", false, bases), dir / "xdg/tinet/t");
}

TEST(StatePath, IgnoresARuntimeDirectoryOfSomebodyElse) {
  const TempDir dir;
  auto bases = bases_in(dir);
  bases.xdg_runtime_dir = dir.path();
  const uid_t other = kMe + 1;
  EXPECT_EQ(state_path(other, "t", false, bases),
            dir / "tmp/tinet-" + std::to_string(other) + "/t");
}

TEST(Tag, FollowsTheRule) {
  EXPECT_TRUE(is_valid_tag("default"));
  EXPECT_TRUE(is_valid_tag("0-a"));
  EXPECT_TRUE(is_valid_tag(std::string(32, 'a')));
  for (const auto& bad : {std::string(""), std::string("-a"), std::string("A"), std::string("a/b"),
                          std::string(".."), std::string(33, 'a')}) {
    EXPECT_FALSE(is_valid_tag(bad)) << bad;
  }
  EXPECT_EQ(kind_of([] { check_tag("../x"); }), ErrorKind::Usage);
}

TEST(StateDir, IsFoundAliveWhileItsOwnerLivesAndGoneAfterwards) {
  const TempDir dir;
  const auto bases = bases_in(dir);
  {
    const auto state = StateDir::create(state_path(kMe, "one", false, bases), me());
    const auto found = find_cluster(kMe, "one", bases);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->alive);
    EXPECT_FALSE(found->root_owned);
    EXPECT_EQ(found->path, state.path());
    EXPECT_FALSE(find_cluster(kMe, "two", bases));
    EXPECT_TRUE(find_clusters(kMe + 1, bases).empty());
  }
  EXPECT_FALSE(find_cluster(kMe, "one", bases));
  EXPECT_FALSE(fs::exists(state_path(kMe, "one", false, bases)));
}

TEST(StateDir, HasTheModesOfItsKind) {
  const TempDir dir;
  const auto bases = bases_in(dir);
  const ::mode_t old_mask = ::umask(0077);
  auto state = StateDir::create(state_path(kMe, "one", true, bases), me());
  ::umask(old_mask);
  state.write_state({{"tag", "one"}});
  const bool is_root = kMe == 0;
  EXPECT_EQ(mode_of(state.path()), is_root ? 0755U : 0700U);
  EXPECT_EQ(mode_of(state.path() + "/lock"), 0600U);
  EXPECT_EQ(mode_of(state.path() + "/state.json"), is_root ? 0640U : 0600U);
}

TEST(StateDir, IsAConflictNamingTheTagWhileAnotherHoldsIt) {
  const TempDir dir;
  const std::string path = dir / "base/one";
  const auto state = StateDir::create(path, me());
  try {
    static_cast<void>(StateDir::create(path, me()));
    FAIL() << "two owners";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_THAT(error.what(), testing::HasSubstr("'one'"));
    EXPECT_THAT(error.hint(), testing::HasSubstr("tinet stop -T one"));
  }
}

TEST(StateDir, IsTakenAlthoughSomebodyLooksWhetherItLives) {
  const TempDir dir;
  const std::string path = dir / "base/one";
  leave_dead_cluster(path);
  const pid_t looker = ::fork();
  if (looker == 0) {
    for (;;) {
      const UniqueFd lock(::open((path + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
      ::flock(lock.get(), LOCK_SH | LOCK_NB);
    }
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_NO_THROW(static_cast<void>(StateDir::create(path, me())));
    leave_dead_cluster(path);
  }
  ::kill(looker, SIGKILL);
  ::waitpid(looker, nullptr, 0);
}

TEST(StateDir, SweepsWhatADeadClusterLeft) {
  const TempDir dir;
  const auto bases = bases_in(dir);
  const std::string path = state_path(kMe, "one", false, bases);
  leave_dead_cluster(path);
  const auto dead = find_cluster(kMe, "one", bases);
  ASSERT_TRUE(dead);
  EXPECT_FALSE(dead->alive);
  EXPECT_EQ(read_state(*dead), (boost::json::value{{"tag", "old"}}));

  const auto state = StateDir::create(path, me());
  EXPECT_FALSE(fs::exists(state.socket_path()));
  EXPECT_FALSE(fs::exists(path + "/netns"));
  EXPECT_FALSE(fs::exists(path + "/journal.jsonl"));
  EXPECT_TRUE(find_cluster(kMe, "one", bases)->alive);
}

TEST(StateDir, NamesNamespacesByDescriptor) {
  const TempDir dir;
  auto state = StateDir::create(dir / "base/one", me());
  const UniqueFd space(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  state.link_namespace("tikv-0", ::dup(space.get()));
  state.link_namespace("tikv-0", space.get());
  struct stat through_link {};
  struct stat direct {};
  ASSERT_EQ(::stat((state.path() + "/netns/tikv-0").c_str(), &through_link), 0);
  ASSERT_EQ(::fstat(space.get(), &direct), 0);
  EXPECT_EQ(through_link.st_ino, direct.st_ino);
}

TEST(StateDir, TakesItsPlaceInTmpWithItWhenThatIsEmpty) {
  const TempDir dir;
  const std::string place = dir / "tmp/tinet-1000";
  auto one = StateDir::create(place + "/one", me());
  auto two = StateDir::create(place + "/two", me());
  one.remove();
  EXPECT_TRUE(fs::exists(place)) << "another cluster is there";
  two.remove();
  EXPECT_FALSE(fs::exists(place));
  EXPECT_TRUE(fs::exists(dir / "tmp"));

  // What masks hide from instances of living clusters stays.
  auto other = StateDir::create(dir / "run/tinet/one", me());
  other.remove();
  EXPECT_TRUE(fs::exists(dir / "run/tinet"));
}

TEST(StateDir, IsMadeHoweverOftenItsPlaceGoes) {
  const TempDir dir;
  const std::string place = dir / "tinet-1000";
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) {
      static_cast<void>(::rmdir(place.c_str()));
    }
  });
  ScopeExit end([&] {
    done = true;
    other.join();
  });
  for (int i = 0; i < 200; ++i) {
    StateDir::create(place + "/one", me()).remove();
  }
  end.run();
  EXPECT_FALSE(fs::exists(place));
}

TEST(StateDir, ReplacesStateAsAWhole) {
  const TempDir dir;
  const auto bases = bases_in(dir);
  auto state = StateDir::create(state_path(kMe, "one", false, bases), me());
  const auto handle = find_cluster(kMe, "one", bases).value();
  EXPECT_TRUE(read_state(handle).is_null());
  state.write_state({{"n", 1}});
  state.write_state({{"n", 2}});
  EXPECT_EQ(read_state(handle), (boost::json::value{{"n", 2}}));
  EXPECT_FALSE(fs::exists(state.path() + "/state.json.new"));
}

TEST(StateDir, RefusesASymbolicLinkInItsPlace) {
  const TempDir dir;
  fs::create_directories(dir / "elsewhere/one");
  fs::create_directories(dir / "tmp");
  fs::create_symlink(dir / "elsewhere", dir / "tmp/base");
  EXPECT_EQ(kind_of([&] { static_cast<void>(StateDir::create(dir / "tmp/base/one", me())); }),
            ErrorKind::Conflict);
  fs::create_directories(dir / "real");
  fs::create_symlink(dir / "elsewhere/one", dir / "real/one");
  EXPECT_EQ(kind_of([&] { static_cast<void>(StateDir::create(dir / "real/one", me())); }),
            ErrorKind::Conflict);
  EXPECT_TRUE(fs::is_empty(dir / "elsewhere/one"));
}

TEST(StateDir, RefusesAndDoesNotFindADirectoryOfSomebodyElse) {
  if (kMe != 0) {
    GTEST_SKIP() << "needs root to give a directory away";
  }
  const TempDir dir;
  const auto bases = bases_in(dir);
  const std::string path = state_path(kMe, "one", false, bases);
  leave_dead_cluster(path);
  const std::string parent = fs::path(path).parent_path();
  ASSERT_EQ(::chown(parent.c_str(), 12345, 12345), 0);
  EXPECT_TRUE(find_clusters(kMe, bases).empty());
  EXPECT_EQ(kind_of([&] { static_cast<void>(StateDir::create(path, me())); }), ErrorKind::Conflict);
  EXPECT_TRUE(fs::exists(path + "/journal.jsonl")) << "swept a foreign directory";
}

TEST(FindClusters, IgnoresLinksFilesAndOddNames) {
  const TempDir dir;
  const auto bases = bases_in(dir);
  const auto state = StateDir::create(state_path(kMe, "one", false, bases), me());
  const std::string parent = fs::path(state.path()).parent_path();
  fs::create_directory_symlink(state.path(), parent + "/link");
  std::ofstream(parent + "/file") << "x";
  fs::create_directory(parent + "/Odd_Name");
  const auto found = find_clusters(kMe, bases);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].tag, "one");
}

TEST(FindClusters, ListsEveryPlaceOnceLivingOnesFirst) {
  const TempDir dir;
  auto bases = bases_in(dir);
  const std::string own = dir / "run/user/" + std::to_string(kMe);
  leave_dead_cluster(state_path(kMe, "b", true, bases));
  const auto in_tmp = StateDir::create(state_path(kMe, "a", false, bases), me());
  fs::create_directories(own);
  bases.xdg_runtime_dir = own;  // the same directory under two names
  const auto in_run = StateDir::create(state_path(kMe, "b", false, bases), me());

  const auto found = find_clusters(kMe, bases);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].path, in_tmp.path());
  EXPECT_EQ(found[1].path, in_run.path());
  EXPECT_FALSE(found[2].alive);
  EXPECT_TRUE(found[2].root_owned);
  EXPECT_EQ(find_cluster(kMe, "b", bases)->path, in_run.path());
}

TEST(RemoveDeadCluster, LeavesLivingOnesAlone) {
  const TempDir dir;
  const auto bases = bases_in(dir);
  leave_dead_cluster(state_path(kMe, "dead", false, bases));
  const auto state = StateDir::create(state_path(kMe, "live", false, bases), me());
  EXPECT_FALSE(remove_dead_cluster(find_cluster(kMe, "live", bases).value()));
  EXPECT_TRUE(remove_dead_cluster(find_cluster(kMe, "dead", bases).value()));
  ASSERT_EQ(find_clusters(kMe, bases).size(), 1U);
  EXPECT_TRUE(find_cluster(kMe, "live", bases)->alive);
}

}  // namespace
}  // namespace tinet
