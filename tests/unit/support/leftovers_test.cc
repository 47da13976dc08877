#include "tests/support/leftovers.h"

#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/unique_fd.h"
#include "tests/support/run.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A directory of its own per test, whose path is the mark.
class Leftovers : public testing::Test {
 protected:
  Leftovers() {
    fs::create_directories(directory_);
    scope_ = {.marks = {directory_.string()}, .directories = {directory_.string()}};
  }
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;
  Leftovers(Leftovers&&) = delete;
  Leftovers& operator=(Leftovers&&) = delete;
  ~Leftovers() override { fs::remove_all(directory_); }

  std::vector<std::string> left(const Facts& before) const {
    return left_behind(before, scope_, 0ms);
  }

  const fs::path directory_ =
      fs::temp_directory_path() / ("tinet-leftovers-" + std::to_string(::getpid()));
  LeftoverScope scope_;
};

TEST_F(Leftovers, AreNoneWhenNothingHappened) {
  EXPECT_THAT(left(belongings(scope_)), IsEmpty());
}

TEST_F(Leftovers, IncludeAMarkedProcess) {
  const auto before = belongings(scope_);
  {
    const Program by_argument({"sh", "-c", "sleep 1000; :", directory_.string()});
    const Program by_directory({"sleep", "1000"}, {.directory = directory_.string()});
    const Program by_environment({"sleep", "1000"}, {.env = {{"MARK", directory_.string()}}});
    const auto lines = left(before);
    for (const auto* program : {&by_argument, &by_directory, &by_environment}) {
      EXPECT_THAT(lines, Contains(StartsWith("+ process " + std::to_string(program->pid()) + "@")));
    }
    EXPECT_THAT(lines, Contains(HasSubstr("(sleep): sleep 1000")));
  }
  EXPECT_THAT(left_behind(before, scope_, 5s), IsEmpty());
}

TEST_F(Leftovers, OverlookAStrangersProcess) {
  const auto before = belongings(scope_);
  const Program stranger({"sleep", "1000"});
  EXPECT_THAT(left(before), IsEmpty());
}

TEST_F(Leftovers, IncludeTinetByNameWithoutMarks) {
  const LeftoverScope by_name;
  const auto before = belongings(by_name);
  const auto copy = directory_ / "tinet-sleeper";
  fs::copy_file(fs::canonical("/bin/sleep"), copy);
  const Program program({copy.string(), "1000"});
  EXPECT_THAT(left_behind(before, by_name, 0ms),
              Contains(AllOf(StartsWith("+ process " + std::to_string(program.pid()) + "@"),
                             HasSubstr("(tinet-sleeper)"))));
}

TEST_F(Leftovers, IncludeANamespaceThatAProcessIsIn) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root";
  }
  const auto before = belongings(scope_);
  Program program({"unshare", "-n", "sh", "-c", "echo in; exec sleep 1000"},
                  {.directory = directory_.string()});
  ASSERT_TRUE(program.wait_for_output("in", 10s));
  EXPECT_THAT(left(before), Contains(StartsWith("+ network namespace net:[")));
}

TEST_F(Leftovers, IncludeANamespaceThatAProcessHoldsByDescriptor) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root";
  }
  Program holder({"unshare", "-n", "sh", "-c", "echo in; exec sleep 1000"});
  ASSERT_TRUE(holder.wait_for_output("in", 10s));
  const auto before = belongings(scope_);
  const auto path = "/proc/" + std::to_string(holder.pid()) + "/ns/net";
  Program program({"sh", "-c", "exec 7<" + path + "; echo held; exec sleep 1000"},
                  {.directory = directory_.string()});
  ASSERT_TRUE(program.wait_for_output("held", 10s));
  EXPECT_THAT(left(before), Contains("+ network namespace " + fs::read_symlink(path).string()));
}

TEST_F(Leftovers, IncludeFilesAndSockets) {
  const auto before = belongings(scope_);
  fs::create_directory(directory_ / "state");
  std::ofstream(directory_ / "state/lock") << "x";
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = (directory_ / "control.sock").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(left(before),
              ElementsAre("+ file " + path, "+ file " + (directory_ / "state").string(),
                          "+ file " + (directory_ / "state/lock").string(), "+ socket " + path));
}

TEST_F(Leftovers, IncludeMounts) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root";
  }
  // Seen from a mount namespace of the test's own, so the machine's mounts stay as they are.
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
  const auto before = belongings(scope_);
  const auto result =
      run({"sh", "-c", "mount --make-rprivate / && mount -t tmpfs none " + directory_.string()});
  ASSERT_TRUE(result.ok()) << result;
  EXPECT_THAT(left(before), Contains("+ mount " + directory_.string()));
  EXPECT_TRUE(run({"umount", directory_.string()}).ok());
}

TEST_F(Leftovers, AreGivenTimeToGo) {
  const auto before = belongings(scope_);
  const Program brief({"sleep", "0.3"}, {.directory = directory_.string()});
  EXPECT_FALSE(left(before).empty());
  // Not reaped yet, an ended process is a zombie without command line, directory and environment.
  EXPECT_THAT(left_behind(before, scope_, 10s), IsEmpty());
}

}  // namespace
}  // namespace tinet::test
