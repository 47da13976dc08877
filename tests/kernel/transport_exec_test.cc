#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/client/exec_client.h"
#include "src/process/pty.h"
#include "src/supervisor/exec_session.h"
#include "tests/kernel/transport_world.h"

namespace tinet {
namespace {

using test::TransportWorld;
using testing::HasSubstr;

/// Knows "node-0" and "client".
class OneInstance final : public ExecHost {
 public:
  explicit OneInstance(std::string directory) : directory_(std::move(directory)) {}

  ExecPlace exec_place(const std::string& target) override {
    if (target != "node-0" && target != "client") {
      throw_usage("no instance '" + target + "'");
    }
    ExecPlace place;
    place.sandbox = SandboxOptions{.name = target, .netns_fd = -1, .mounts = {}, .owner = nullptr};
    place.env = {"PATH=/usr/bin:/bin", "WHO=instance"};
    place.cwd = directory_;
    return place;
  }

 private:
  std::string directory_;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  /// Everything until no process has the write end any more.
  std::string read_all() {
    write_end.reset();
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
      const auto count = ::read(read_end.get(), buffer.data(), buffer.size());
      if (count <= 0) {
        return text;
      }
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
};

class Exec : public testing::Test {
 protected:
  static api::ExecRequest words(std::vector<std::string> argv, std::string target = "node-0") {
    api::ExecRequest request;
    request.target = std::move(target);
    request.argv = std::move(argv);
    request.env = {"PATH=/usr/bin:/bin", "WHO=caller", "TERM=vt100"};
    request.cwd = "/usr";
    return request;
  }

  /// Starts a client whose stdout is `out_`.
  pid_t start(const api::ExecRequest& request) {
    return world_.start_client([&](const ClusterHandle& cluster) {
      ::dup2(out_.write_end.get(), STDOUT_FILENO);
      out_.write_end.reset();
      const auto outcome = run_exec(cluster, request, nullptr);
      if (outcome.failure) {
        static_cast<void>(
            ::write(STDOUT_FILENO, outcome.failure->what(), std::strlen(outcome.failure->what())));
      }
      return outcome.exit_code;
    });
  }
  int run(const api::ExecRequest& request) {
    const int status = world_.serve_until_end_of(start(request));
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status);
  }

  TransportWorld world_{[this](Request request) { return sessions_->run(std::move(request)); }};
  OneInstance host_{world_.dir().path()};
  std::optional<ExecSessions> sessions_{std::in_place, world_.io().get_executor(), host_};
  Pipe out_;
};

TEST_F(Exec, RunsInTheInstancesPlaceWithItsEnvironmentAndTheCallersTerm) {
  EXPECT_EQ(run(words({"sh", "-c", "echo $0 $WHO $TERM $(pwd); exit 7", "zero"})), 7);
  EXPECT_EQ(out_.read_all(), "zero instance vt100 " + world_.dir().path() + "\n");
}

TEST_F(Exec, KeepsTheCallersEnvironmentAndDirectoryForTheClient) {
  EXPECT_EQ(run(words({"sh", "-c", "echo $WHO $(pwd)"}, "client")), 0);
  EXPECT_EQ(out_.read_all(), "caller /usr\n");
}

TEST_F(Exec, ReportsASignalAsAShellDoes) {
  EXPECT_EQ(run(words({"sh", "-c", "kill -9 $$"})), 128 + 9);
}

TEST_F(Exec, TellsItsOwnFailuresApart) {
  EXPECT_EQ(run(words({"no-such-program"})), 127);
  EXPECT_EQ(run(words({"/no/such/program"})), 127);
  const std::string path = world_.dir() / "plain";
  std::ofstream(path) << "not a program";
  EXPECT_EQ(run(words({path})), 126);
  EXPECT_EQ(run(words({"true"}, "nobody-0")), 125);
  EXPECT_EQ(run(words({})), 125);
  const auto said = out_.read_all();
  EXPECT_THAT(said, HasSubstr("'no-such-program'"));
  EXPECT_THAT(said, HasSubstr("no instance 'nobody-0'"));
}

TEST_F(Exec, LeavesNothingBehindWhenTheCommandEnds) {
  EXPECT_EQ(run(words({"sh", "-c", "setsid sleep 1000 & exit 0"})), 0);
  // The sleeper had our pipe as stdout: the end of input means that it is gone.
  EXPECT_EQ(out_.read_all(), "");
  EXPECT_EQ(sessions_->running(), 0U);
}

TEST_F(Exec, KillsTheWholeTreeWhenTheCallerGoes) {
  const pid_t client = start(words({"sh", "-c", "setsid sleep 1000 & sleep 1000"}));
  world_.serve_until([&] { return sessions_->running() == 1; });
  ASSERT_EQ(::kill(client, SIGKILL), 0);
  world_.serve_until([&] { return sessions_->running() == 0; });
  EXPECT_EQ(out_.read_all(), "");
  EXPECT_EQ(::waitpid(client, nullptr, 0), client);
}

TEST_F(Exec, EndsEveryCommandWithTheCluster) {
  const pid_t client = start(words({"sleep", "1000"}));
  world_.serve_until([&] { return sessions_->running() == 1; });
  sessions_->kill_all();
  const int status = world_.serve_until_end_of(client);
  EXPECT_EQ(WEXITSTATUS(status), 128 + 9);
}

/// A user at a terminal: the client runs on the slave, the test types and reads at the master.
TEST_F(Exec, RelaysATerminalAndRestoresIt) {
  Pty user = open_pty({.rows = 33, .columns = 77});
  termios before{};
  ASSERT_EQ(::tcgetattr(user.slave.get(), &before), 0);
  auto request = words({"sh", "-c", "stty size; read word; echo got-$word; exit 5"});
  request.tty = true;
  const pid_t client = world_.start_client([&](const ClusterHandle& cluster) {
    ::dup2(user.slave.get(), STDIN_FILENO);
    ::dup2(user.slave.get(), STDOUT_FILENO);
    const auto outcome = run_exec(cluster, request, nullptr);
    return outcome.exit_code;
  });
  constexpr std::string_view kTyped = "hello\r";
  ASSERT_EQ(::write(user.master.get(), kTyped.data(), kTyped.size()),
            static_cast<ssize_t>(kTyped.size()));
  const int status = world_.serve_until_end_of(client);
  EXPECT_EQ(WEXITSTATUS(status), 5);
  ASSERT_EQ(::fcntl(user.master.get(), F_SETFL, O_NONBLOCK), 0);
  std::array<char, 4096> buffer{};
  const auto count = ::read(user.master.get(), buffer.data(), buffer.size());
  ASSERT_GT(count, 0);
  const std::string shown(buffer.data(), static_cast<std::size_t>(count));
  EXPECT_THAT(shown, HasSubstr("33 77"));
  EXPECT_THAT(shown, HasSubstr("got-hello"));
  termios after{};
  ASSERT_EQ(::tcgetattr(user.slave.get(), &after), 0);
  EXPECT_EQ(before.c_lflag, after.c_lflag);
  EXPECT_EQ(before.c_oflag, after.c_oflag);
}

}  // namespace
}  // namespace tinet
