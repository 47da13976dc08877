#include "src/process/user_files.h"

#include <filesystem>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <gmock/gmock.h>

#include "tests/kernel/process/fixture.h"

namespace tinet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class UserFiles : public ProcessTest {
 protected:
  UserFiles() { as_.user = user_; }
  ~UserFiles() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a worker was left behind";
  }

  static std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  template <typename F>
  static std::pair<ErrorKind, std::string> error_of(const F& work) {
    try {
      work();
    } catch (const Error& error) {
      return {error.kind(), std::string(error.what()) + " / " + error.hint()};
    }
    return {ErrorKind::Usage, "no error"};
  }

  RunAs as_;
};

TEST_F(UserFiles, MakesDirectoriesAsTheUser) {
  make_directories(as_, {dir_ / "a/b/c", dir_ / "a"}, 0700);
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "a/b/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, user_ ? user_->uid : ::geteuid());
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  std::ofstream(dir_ / "file") << "";
  const auto [kind, text] = error_of([&] { make_directories(as_, {dir_ / "file/x"}); });
  EXPECT_EQ(kind, ErrorKind::Conflict);
  EXPECT_THAT(text, HasSubstr("'" + (dir_ / "file").string() + "' is no directory"));
}

TEST_F(UserFiles, HasNoMoreRightsThanTheUser) {
  if (!user_) {
    GTEST_SKIP() << "needs root";
  }
  std::filesystem::create_directory(dir_ / "roots");
  std::filesystem::permissions(dir_ / "roots", std::filesystem::perms(0755));
  const auto [kind, text] =
      error_of([&] { write_files(as_, {{.path = dir_ / "roots/x", .content = "x"}}); });
  EXPECT_EQ(kind, ErrorKind::Unavailable);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "roots/x"));
  const std::string caps =
      run_as_user(as_, [] {
        std::ifstream file("/proc/self/status");
        std::stringstream status;
        status << file.rdbuf();
        return RunResult{.bytes = field(status.str(), "CapEff") + field(status.str(), "CapBnd")};
      }).bytes;
  EXPECT_EQ(caps, std::string(32, '0'));
}

TEST_F(UserFiles, WritesAtomicallyWithTheMode) {
  const std::filesystem::path path = dir_ / "config.toml";
  write_files(as_, {{.path = path, .content = "old"}});
  const std::string big(300'000, 'x');
  write_files(as_, {{.path = path, .content = big, .mode = 0600}});
  EXPECT_EQ(content(path), big);
  EXPECT_EQ(read_file(as_, path), big);
  EXPECT_EQ(read_tail(as_, path, 5), "xxxxx");
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()), 0600U);
  EXPECT_THAT(list_directory(as_, dir_), ElementsAre("config.toml")) << "no temporary file";
  EXPECT_THAT(error_of([&] { static_cast<void>(read_file(as_, path, 10)); }).second,
              HasSubstr("larger than 10 bytes"));
}

TEST_F(UserFiles, ReplacesALinkInsteadOfFollowingIt) {
  std::ofstream(dir_ / "victim") << "precious";
  std::filesystem::create_symlink(dir_ / "victim", dir_ / "config");
  write_files(as_, {{.path = dir_ / "config", .content = "new"}});
  EXPECT_EQ(content(dir_ / "victim"), "precious");
  std::filesystem::create_symlink(dir_ / "victim", dir_ / "log");
  EXPECT_THROW(static_cast<void>(open_log_append(as_, dir_ / "log", Rotate::No)), Error);
}

TEST_F(UserFiles, AppendsToALogAndRotatesIt) {
  const std::string log = dir_ / "node-0.log";
  for (const std::string line : {"1", "2", "3", "4", "5"}) {
    const UniqueFd fd = open_log_append(as_, log, Rotate::Yes);
    ASSERT_EQ(::write(fd.get(), line.data(), 1), 1);
    EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  const UniqueFd fd = open_log_append(as_, log, Rotate::No);
  ASSERT_EQ(::write(fd.get(), "!", 1), 1);
  EXPECT_EQ(content(log), "5!");
  EXPECT_EQ(content(log + ".1") + content(log + ".2") + content(log + ".3"), "432");
  EXPECT_FALSE(std::filesystem::exists(log + ".4"));
}

TEST_F(UserFiles, RemovesATreeWithoutFollowingLinks) {
  make_directories(as_, {dir_ / "tree/a/b"});
  std::filesystem::create_directory(dir_ / "outside");
  std::ofstream(dir_ / "outside/kept") << "";
  std::filesystem::create_directory_symlink(dir_ / "outside", dir_ / "tree_link");
  write_files(as_, {{.path = dir_ / "tree/a/file", .content = "x"}});
  run_as_user(as_, [&] {
    std::filesystem::create_directory_symlink(dir_ / "outside", dir_ / "tree/a/link");
    return RunResult{};
  });
  remove_tree(as_, dir_ / "tree");
  remove_tree(as_, dir_ / "tree_link");
  remove_tree(as_, dir_ / "tree");
  EXPECT_THAT(list_directory(as_, dir_), ElementsAre("outside"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "outside/kept"));
  EXPECT_EQ(error_of([&] { remove_tree(as_, "relative"); }).first, ErrorKind::Usage);
  EXPECT_EQ(error_of([&] { remove_tree(as_, "/"); }).first, ErrorKind::Usage);
}

TEST_F(UserFiles, NeverCrossesAMount) {
  make_directories(as_, {dir_ / "tree/mounted", dir_ / "other"});
  write_files(as_, {{.path = dir_ / "other/kept", .content = ""}});
  const pid_t pid = ::fork();
  if (pid == 0) {  // a mount namespace of its own, so that nothing stays mounted
    const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount((dir_ / "other").c_str(), (dir_ / "tree/mounted").c_str(), nullptr,
                                 MS_BIND, nullptr) == 0;
    const auto [kind, text] = error_of([&] { remove_tree(as_, dir_ / "tree"); });
    ::_exit(mounted && kind == ErrorKind::Conflict ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(ExitStatus::from_wait(status).success());
  EXPECT_TRUE(std::filesystem::exists(dir_ / "other/kept"));
}

TEST_F(UserFiles, TellsWhatIsAtAPath) {
  make_directories(as_, {dir_ / "directory"});
  write_files(as_, {{.path = dir_ / "file", .content = ""}});
  std::filesystem::create_symlink("/nowhere", dir_ / "link");
  EXPECT_EQ(path_kind(as_, dir_ / "directory"), PathKind::Directory);
  EXPECT_EQ(path_kind(as_, dir_ / "file"), PathKind::File);
  EXPECT_EQ(path_kind(as_, dir_ / "link"), PathKind::Symlink);
  EXPECT_EQ(path_kind(as_, dir_ / "nothing"), PathKind::Missing);
  EXPECT_EQ(path_kind(as_, "/dev/null"), PathKind::Other);
  EXPECT_TRUE(list_directory(as_, dir_ / "nothing").empty());
  EXPECT_EQ(read_tail(as_, dir_ / "nothing", 10), "");
}

TEST_F(UserFiles, NamesTheDirectoryThatBlocksAProgram) {
  make_directories(as_, {dir_ / "a/closed/c"});
  write_files(as_, {{.path = dir_ / "a/closed/c/program", .content = "x", .mode = 0755},
                    {.path = dir_ / "plain", .content = "x"}});
  access_check(as_, {{.path = dir_ / "a/closed/c/program"},
                     {.path = dir_ / "plain", .access = Access::Read},
                     {.path = dir_ / "a", .access = Access::WriteDirectory}});
  std::filesystem::create_symlink(dir_ / "a/closed/c/program", dir_ / "link");
  std::filesystem::permissions(dir_ / "a/closed", std::filesystem::perms(0));
  const std::string blocks = "cannot enter directory '" + (dir_ / "a/closed").string() + "'";
  for (const char* path : {"a/closed/c/program", "link"}) {
    const auto [kind, text] = error_of([&] { access_check(as_, {{.path = dir_ / path}}); });
    EXPECT_EQ(kind, ErrorKind::Unavailable);
    EXPECT_THAT(text, HasSubstr(blocks));
    EXPECT_THAT(text, HasSubstr("chmod o+x"));
  }
  std::filesystem::permissions(dir_ / "a/closed", std::filesystem::perms(0755));
  EXPECT_THAT(error_of([&] { access_check(as_, {{.path = dir_ / "plain"}}); }).second,
              HasSubstr("has no permission"));
  EXPECT_THAT(error_of([&] { access_check(as_, {{.path = dir_ / "a"}}); }).second,
              HasSubstr("not a regular file"));
  EXPECT_THAT(error_of([&] { access_check(as_, {{.path = dir_ / "none"}}); }).second,
              HasSubstr("No such file"));
}

TEST_F(UserFiles, ChecksInsideTheSandbox) {
  make_directories(as_, {dir_ / "private"});
  write_files(as_, {{.path = dir_ / "kept", .content = "", .mode = 0755},
                    {.path = dir_ / "hidden", .content = "", .mode = 0755}});
  Sandbox sandbox = Sandbox::create(
      executor(), {.name = "node-0",
                   .mounts = {.tmp_source = dir_ / "private", .kept_under_tmp = {dir_ / "kept"}},
                   .owner = user_ ? &*user_ : nullptr});
  RunAs inside = as_;
  inside.sandbox = &sandbox;
  access_check(inside, {{.path = dir_ / "kept"}});
  EXPECT_THROW(access_check(inside, {{.path = dir_ / "hidden"}}), Error);
  access_check(as_, {{.path = dir_ / "hidden"}});
  bury(sandbox);
}

TEST_F(UserFiles, ReportsWorkThatDiesOrHangs) {
  EXPECT_THAT(error_of([&] { run_as_user(as_, []() -> RunResult { ::_exit(3); }); }).second,
              HasSubstr("was killed or took longer"));
  as_.limit = std::chrono::milliseconds(50);
  EXPECT_THAT(error_of([&] {
                run_as_user(as_, []() -> RunResult {
                  ::pause();
                  return {};
                });
              }).second,
              HasSubstr("took longer than 50 ms"));
}

}  // namespace
}  // namespace tinet::testing
