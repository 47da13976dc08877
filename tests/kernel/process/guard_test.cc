// The guard over a supervisor without namespaces: whoever is killed, nothing is left behind.

#include "src/process/guard.h"

#include <chrono>
#include <csignal>
#include <filesystem>

#include <poll.h>
#include <sys/wait.h>

#include <boost/asio/signal_set.hpp>
#include <gmock/gmock.h>

#include "src/process/stop.h"
#include "tests/kernel/process/fixture.h"

namespace tinet::testing {
namespace {

constexpr std::chrono::seconds kSoon{20};

/// What the supervisor of a test does on SIGTERM.
enum class OnTerm {
  Stops,     ///< stops its program, says so and ends with 7
  Dies,      ///< by the signal
  Vanishes,  ///< ends with 3 and leaves its program to itself
};

class GuardTest : public ProcessTest {
 protected:
  ~GuardTest() override {
    if (guard_ > 0 && supervisor_) {  // of a test that has failed
      static_cast<void>(send_signal(supervisor_.get(), SIGKILL));
    }
  }

  /// Starts a guarded supervisor in a process of its own and waits until its program is ready.
  /// Every process but the guard holds `everyone_`'s other end.
  void start_guarded(const std::vector<std::string>& words, OnTerm on_term = OnTerm::Stops) {
    Pipe everyone = open_pipe();
    Pipe said = open_pipe();
    guard_ = ::fork();
    if (guard_ == 0) {
      everyone.read_end.reset();
      said.read_end.reset();
      ::_exit(run_guarded(
          [&] { return supervise(words, on_term, everyone.write_end, said.write_end); }));
    }
    everyone_ = std::move(everyone.read_end);
    said_ = std::move(said.read_end);
    everyone.write_end.reset();
    said.write_end.reset();
    const std::string pid = read_line(said_.get());
    ASSERT_FALSE(pid.empty());
    supervisor_pid_ = std::stoi(pid);
    ASSERT_NE(supervisor_pid_, guard_);
    supervisor_ = open_pidfd(supervisor_pid_);
    ASSERT_EQ(read_line(everyone_.get()), "ready");
  }

  /// @param words of the program, which prints "ready"
  int supervise(const std::vector<std::string>& words, OnTerm on_term, const UniqueFd& everyone,
                const UniqueFd& said) const {
    boost::asio::io_context loop(1);
    const Sandbox sandbox =
        Sandbox::create(loop.get_executor(), {.name = "node-0", .isolation = Isolation::None});
    boost::asio::signal_set signals(loop);
    if (on_term != OnTerm::Dies) {
      signals.add(SIGTERM);
    }
    const Child child = spawn(loop.get_executor(), {.program = program(words.at(0)),
                                                    .args = {words.begin() + 1, words.end()},
                                                    .stdout_fd = everyone.get(),
                                                    .sandbox = &sandbox,
                                                    .user = user_});
    say(said, std::to_string(::getpid()));
    signals.async_wait([&](boost::system::error_code, int) {
      if (on_term == OnTerm::Vanishes) {
        ::_exit(3);
      }
      async_stop(child, sandbox, {}, [&](StopResult) { loop.stop(); });
    });
    loop.run();
    say(said, "stopped");
    return 7;
  }

  static void say(const UniqueFd& said, const std::string& line) {
    const std::string text = line + "\n";
    EXPECT_EQ(::write(said.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  /// How the guard ends; by then nothing else may be there.
  ExitStatus end_of_guard() {
    const UniqueFd pidfd = open_pidfd(guard_);
    EXPECT_TRUE(wait_ended(pidfd.get(), kSoon));
    pollfd item{.fd = everyone_.get(), .events = 0, .revents = 0};
    EXPECT_EQ(::poll(&item, 1, 0), 1) << "the guard ended before everybody else";
    const auto status = reap(pidfd.get());
    guard_ = 0;
    return status.value_or(ExitStatus::exited(255));
  }

  pid_t guard_ = 0;
  pid_t supervisor_pid_ = 0;
  UniqueFd supervisor_;
  UniqueFd everyone_;
  UniqueFd said_;
};

TEST_F(GuardTest, KilledSupervisorLeavesNothing) {
  start_guarded({"forks_a_daemon", "wait"});
  ASSERT_EQ(::kill(supervisor_pid_, SIGKILL), 0);
  EXPECT_EQ(end_of_guard(), ExitStatus::killed(SIGKILL));
}

TEST_F(GuardTest, KilledSupervisorLeavesNothingOfAForkBomb) {
  start_guarded({"forks_without_end", "bomb", "300"});
  ASSERT_EQ(::kill(supervisor_pid_, SIGKILL), 0);
  EXPECT_EQ(end_of_guard(), ExitStatus::killed(SIGKILL));
}

TEST_F(GuardTest, KilledSupervisorLeavesNothingThatHopsFromPidToPid) {
  start_guarded({"forks_without_end", "hop"});
  ASSERT_EQ(::kill(supervisor_pid_, SIGKILL), 0);
  EXPECT_EQ(end_of_guard(), ExitStatus::killed(SIGKILL));
}

TEST_F(GuardTest, KilledGuardMakesTheSupervisorStop) {
  start_guarded({"forks_a_daemon", "wait"});
  ASSERT_EQ(::kill(guard_, SIGKILL), 0);
  ASSERT_EQ(::waitpid(guard_, nullptr, 0), guard_);
  guard_ = 0;
  EXPECT_TRUE(wait_ended(supervisor_.get(), kSoon));
  EXPECT_EQ(read_line(said_.get()), "stopped") << "in an orderly way";
  EXPECT_EQ(read_all(everyone_.get()), "") << "its end: nobody has it any more";
}

TEST_F(GuardTest, PassesSigtermOnAndEndsWithTheStatus) {
  for (const int signal : {SIGTERM, SIGINT}) {
    start_guarded({"forks_a_daemon", "wait"});
    ASSERT_EQ(::kill(guard_, signal), 0);
    EXPECT_EQ(end_of_guard(), ExitStatus::exited(7));
    EXPECT_EQ(read_line(said_.get()), "stopped");
  }
}

TEST_F(GuardTest, EndsByTheSupervisorsSignal) {
  start_guarded({"ignores_sigterm"}, OnTerm::Dies);
  ASSERT_EQ(::kill(guard_, SIGTERM), 0);
  EXPECT_EQ(end_of_guard(), ExitStatus::killed(SIGTERM)) << "and the program is gone";
}

TEST_F(GuardTest, TakesWhatASupervisorLeftThatJustEnded) {
  start_guarded({"forks_a_daemon", "wait"}, OnTerm::Vanishes);
  ASSERT_EQ(::kill(guard_, SIGTERM), 0);
  EXPECT_EQ(end_of_guard(), ExitStatus::exited(3));
}

TEST_F(GuardTest, HoldsNoDescriptorOfTheCaller) {
  start_guarded({"forks_a_daemon", "wait"});
  const std::string process = "/proc/" + std::to_string(guard_);
  const auto ready = [&] {
    std::ifstream file(process + "/comm");
    std::string name;
    std::getline(file, name);
    return name == "tinet-guard";
  };
  EXPECT_TRUE(ready());
  // The supervisor may be faster with its program than the guard with closing.
  std::vector<std::string> open;
  const auto end = std::chrono::steady_clock::now() + kSoon;
  do {
    open.clear();
    for (const auto& entry : std::filesystem::directory_iterator(process + "/fd")) {
      open.push_back(std::filesystem::read_symlink(entry.path()));
    }
  } while (open.size() != 3 && std::chrono::steady_clock::now() < end);
  EXPECT_THAT(open, ::testing::ElementsAre("/dev/null", "/dev/null", "/dev/null"));
  EXPECT_EQ(::getsid(supervisor_pid_), supervisor_pid_);
  ASSERT_EQ(::kill(guard_, SIGTERM), 0);
  EXPECT_EQ(end_of_guard(), ExitStatus::exited(7));
}

}  // namespace
}  // namespace tinet::testing
