// --for: the kernel ends the fault, whether or not tinet is there to see it.

#include <csignal>
#include <optional>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// The kernel's timeouts are in jiffies, of 10 ms at most.
constexpr std::int64_t kJiffyMs = 10;

/// A process that is stopped until the end of this object.
class Frozen {
 public:
  explicit Frozen(pid_t pid) : pid_(pid) { EXPECT_EQ(::kill(pid, SIGSTOP), 0); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  Frozen(Frozen&&) = delete;
  Frozen& operator=(Frozen&&) = delete;
  ~Frozen() { static_cast<void>(::kill(pid_, SIGCONT)); }

 private:
  pid_t pid_;
};

pid_t supervisor_of(const Scene& scene) {
  return static_cast<pid_t>(std::stol("0" + text_at(scene.json({"status"}), "/supervisor_pid")));
}

TEST(TimedFault, EndsWhileTheSupervisorIsFrozen) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker asker(scene, "udp", "node-1", "node-0");
  const pid_t supervisor = supervisor_of(scene);
  ASSERT_GT(supervisor, 0);

  const auto asked = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--for", "2s"}).ok());
  const auto cut = monotonic_ms();
  {
    const Frozen frozen(supervisor);
    EXPECT_TRUE(asker.answered_after(std::max(cut, asked + 2000)));
  }
  EXPECT_TRUE(asker.silent(cut, asked + 2000 - kJiffyMs));
  EXPECT_TRUE(scene.tinet({"wait", "--fault-ended", "f1"}).ok());
  EXPECT_EQ(text_at(scene.json({"faults", "--all"}), "/0/ended"), "expired");
}

TEST(TimedFault, UncoversWhatTheOthersImplyWhileTheSupervisorIsFrozen) {
  const EchoScene scene(4);
  ASSERT_TRUE(scene.up());
  const pid_t supervisor = supervisor_of(scene);
  ASSERT_GT(supervisor, 0);
  const Asker first(scene, "udp", "client", "node-0");
  const Asker second(scene, "udp", "node-2", "node-0");
  const Asker never(scene, "udp", "node-1", "node-0");
  const Asker one_way(scene, "udp", "node-3", "node-0");

  const auto asked = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--from", "all,client", "--for", "2s"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--from", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--from", "node-2", "--for", "5s"}).ok());
  ASSERT_TRUE(
      scene.tinet({"partition", "node-3", "--to", "node-0", "--direction", "out", "--for", "7s"})
          .ok());
  const auto cut = monotonic_ms();
  {
    const Frozen frozen(supervisor);
    EXPECT_TRUE(first.answered_after(std::max(cut, asked + 2000)));
    EXPECT_TRUE(second.answered_after(std::max(cut, asked + 5000)));
    EXPECT_TRUE(one_way.answered_after(std::max(cut, asked + 7000)));
  }
  EXPECT_TRUE(first.silent(cut, asked + 2000 - kJiffyMs));
  EXPECT_TRUE(second.silent(cut, asked + 5000 - kJiffyMs));
  EXPECT_TRUE(one_way.silent(cut, asked + 7000 - kJiffyMs));
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal", "f2"}).ok());
  EXPECT_TRUE(never.answered_after(before_heal));
  EXPECT_TRUE(never.silent(cut, before_heal));
}

TEST(TimedFault, EndsEarlyWhenItIsHealedAndLeavesTheOthers) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker asker(scene, "udp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--for", "1h"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--from", "node-1", "--for", "2h"}).ok());
  const auto cut = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal", "f1"}).ok());
  EXPECT_EQ(text_at(scene.json({"why", "node-1", "node-0"}), "/faults"), R"(["f2"])");
  EXPECT_EQ(text_at(scene.json({"why", "node-2", "node-0"}), "/reachable"), "yes");
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal", "f2"}).ok());
  EXPECT_TRUE(asker.answered_after(before_heal));
  EXPECT_TRUE(asker.silent(cut, before_heal));
}

TEST(TimedFault, IsNotedWhenItIsHealedAfterItsEnd) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto events = scene.beside({"events", "--follow"});
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--for", "100ms"}).ok());
  EXPECT_TRUE(events->wait_for_output("fault-expired", 60s));
  EXPECT_TRUE(scene.tinet({"wait", "--fault-ended", "f1"}).ok());
  const RunResult healed = scene.tinet({"heal", "f1"});
  EXPECT_EQ(healed.exit_code, 0);
  EXPECT_THAT(healed.out + healed.err, HasSubstr("f1 had expired already"));
}

}  // namespace
}  // namespace tinet::test
