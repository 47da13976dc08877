// kill -9 of any tinet process at any moment leaves nothing behind, and the tag can be used again.
// The seed of the moments is printed; TINET_TEST_SEED=N repeats them.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using ::testing::IsEmpty;

constexpr int kRounds = 25;
/// A loaded machine does fewer rounds instead of taking longer.
constexpr auto kBudget = 50s;
constexpr int kFewestRounds = 3;

class Dice {
 public:
  Dice() : seed_(chosen_seed()), engine_(seed_) {
    std::cout << "seed " << seed_ << " (TINET_TEST_SEED repeats it)\n";
  }
  [[nodiscard]] std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_);
  }
  [[nodiscard]] microseconds moment(microseconds limit) {
    return microseconds(below(static_cast<std::size_t>(limit.count()) + 1));
  }

 private:
  static unsigned long chosen_seed() {
    const char* given = std::getenv("TINET_TEST_SEED");
    return given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  }

  unsigned long seed_;
  std::mt19937_64 engine_;
};

/// Calls `round` until it was called often enough or the time is up.
template <typename Round>
void repeat(Round round) {
  const auto began = steady_clock::now();
  int done = 0;
  while (done < kRounds && steady_clock::now() - began < kBudget &&
         !::testing::Test::HasFailure()) {
    SCOPED_TRACE("round " + std::to_string(done));
    round();
    ++done;
  }
  std::cout << done << " rounds\n";
  EXPECT_GE(done, kFewestRounds);
}

/// How long a start takes here and now.
microseconds time_of_a_start(const Scene& scene) {
  const auto began = steady_clock::now();
  EXPECT_TRUE(scene.start());
  const auto took = std::chrono::duration_cast<microseconds>(steady_clock::now() - began);
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  return took;
}

pid_t supervisor_of(const Scene& scene) {
  const auto status = scene.json({"status"});
  const std::string pid = text_at(status, "/supervisor_pid");
  EXPECT_FALSE(pid.empty());
  return pid.empty() ? 0 : static_cast<pid_t>(std::stol(pid));
}

void expect_usable_again(const Scene& scene) {
  EXPECT_TRUE(scene.start());
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
}

/// What a command printed; null when that is no document.
boost::json::value json_or_null(const RunResult& result) {
  boost::system::error_code error;
  return boost::json::parse(result.out, error);
}

TEST(KillNine, OfTheCommandLineInTheMiddleOfAStartUndoesTheStart) {
  const Scene scene;
  Dice dice;
  const auto limit = time_of_a_start(scene) * 11 / 10;
  int undone = 0;
  repeat([&] {
    const auto start = scene.beside(scene.start_words());
    std::this_thread::sleep_for(dice.moment(limit));
    start->signal(SIGKILL);
    // It may have taken the ready cluster over a moment before; then the start is over and the
    // cluster stays, also when the kill came before the command line's own end.
    const bool was_over =
        start->finish().exit_code == 0 ||
        text_at(json_or_null(scene.tinet({"status", "--json"})), "/state") == "ready";
    if (was_over) {
      EXPECT_TRUE(scene.tinet({"stop"}).ok());
    } else {
      ++undone;
    }
    EXPECT_THAT(scene.left(MayStay::Data), IsEmpty());
  });
  EXPECT_GT(undone, 0);
  expect_usable_again(scene);
}

TEST(KillNine, OfTheSupervisorInTheMiddleOfAStartFailsTheStart) {
  const Scene scene;
  Dice dice;
  const auto limit = time_of_a_start(scene);
  repeat([&] {
    const auto start = scene.beside(scene.start_words());
    const auto moment = steady_clock::now() + dice.moment(limit);
    pid_t supervisor = 0;
    const auto found = [&] {
      for (const auto& process : scene.processes()) {
        // Those that it forks have its arguments too; it is the oldest.
        if (process.command.find("supervise") != std::string::npos &&
            (supervisor == 0 || process.pid < supervisor)) {
          supervisor = process.pid;
        }
      }
      return supervisor != 0;
    };
    ASSERT_TRUE(eventually(found, 10s));
    std::this_thread::sleep_until(moment);
    static_cast<void>(::kill(supervisor, SIGKILL));
    const RunResult result = start->finish();
    EXPECT_FALSE(result.timed_out || result.output_held) << result;
    // 0 when the kill came after "ready"; anything else is the failed start of exit code 1.
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 1) << result;
    EXPECT_THAT(scene.left(MayStay::DataAndState), IsEmpty());
  });
  expect_usable_again(scene);
}

TEST(KillNine, OfTheSupervisorTakesTheWholeClusterWithIt) {
  const Scene scene;
  Dice dice;
  repeat([&] {
    ASSERT_TRUE(scene.start());
    const pid_t supervisor = supervisor_of(scene);
    const auto fault = scene.beside({"partition", "node-0", "--for", "1m"});
    std::this_thread::sleep_for(dice.moment(30ms));
    ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
    static_cast<void>(fault->finish());
    EXPECT_THAT(scene.left(MayStay::DataAndState), IsEmpty());
    EXPECT_EQ(scene.tinet({"status"}).exit_code, 4);
  });
  expect_usable_again(scene);
}

TEST(KillNine, OfAnyChildIsACrashThatStopCleansUp) {
  const Scene scene;
  Dice dice;
  repeat([&] {
    ASSERT_TRUE(scene.start());
    const pid_t supervisor = supervisor_of(scene);
    const auto events = scene.beside({"events", "--follow"});
    ASSERT_TRUE(events->wait_for_output("cluster-ready", 10s));
    auto children = scene.processes();
    std::erase_if(children, [&](const ProcessOfScene& process) {
      // The guard of a backend without namespaces takes the supervisor with it.
      return process.pid == supervisor || process.pid == events->pid() ||
             process.name == "tinet-guard";
    });
    ASSERT_FALSE(children.empty());
    const auto victim = children[dice.below(children.size())];
    SCOPED_TRACE(victim.name + ": " + victim.command);
    ASSERT_EQ(::kill(victim.pid, SIGKILL), 0);
    EXPECT_TRUE(events->wait_for_output("crashed", 10s));
    EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "degraded");
    const RunResult stopped = scene.tinet({"stop", "--must-exist"});
    EXPECT_TRUE(stopped.ok()) << stopped;
    EXPECT_THAT(scene.left(), IsEmpty());
  });
}

}  // namespace
}  // namespace tinet::test
