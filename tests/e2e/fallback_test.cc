// Where no namespace can be made, `tinet start` takes the backend without them and says so once.

#include <random>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"
#include "tests/e2e/scene.h"

namespace tinet::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string program(const std::string& name) {
  return std::string(TINET_TEST_PROGRAMS) + "/" + name;
}

std::vector<std::string> start_words(const Scene& scene) {
  std::random_device random;
  const std::string subnet = "127." + std::to_string(128 + random() % 127) + "." +
                             std::to_string(random() % 256) + ".0/24";
  return {tinet_binary(), "start", scene.write("topology.yaml", kSleepers), "--subnet", subnet};
}

/// One line that names backend and blocker, and a cluster that can be broken and stopped.
void expect_proxy(const Scene& scene, const RunResult& started, const std::string& blocker) {
  ASSERT_TRUE(started.ok()) << started;
  const auto first = started.err.find("backend proxy: ");
  ASSERT_NE(first, std::string::npos) << started;
  const std::string line = started.err.substr(first, started.err.find('\n', first) - first);
  EXPECT_THAT(line, AllOf(HasSubstr("namespace"), HasSubstr(blocker), HasSubstr("relays can")));
  EXPECT_EQ(started.err.find("backend ", first + 1), std::string::npos) << "said once: " << started;
  EXPECT_EQ(text_at(scene.json({"status"}), "/backend"), "proxy");
  EXPECT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Fallback, IsTheProxyUnderASeccompFilter) {
  const Scene scene;
  std::vector<std::string> words = start_words(scene);
  words.insert(words.begin(), program("without_namespaces"));
  expect_proxy(scene, run(words, scene.options()), "Operation not permitted");
}

TEST(Fallback, IsTheProxyWhereSysctlsForbidNamespaces) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  RunOptions as_user;
  as_user.user = *user;
  const std::vector<std::string> unshare = {"unshare", "--user", "--map-current-user",
                                            "--keep-caps"};
  std::vector<std::string> probe = unshare;
  probe.insert(probe.end(), {"sh", "-c", "echo 1 >/proc/sys/user/max_ipc_namespaces"});
  TINET_NEED(run(probe, as_user).ok(), "needs unprivileged user namespaces with sysctls");
  for (const std::string sysctl : {"max_user_namespaces", "max_net_namespaces"}) {
    SCOPED_TRACE(sysctl);
    const Scene scene(*user);
    std::string script = "echo 0 >/proc/sys/user/" + sysctl +
                         " && exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all";
    for (const std::string& word : start_words(scene)) {
      script += " '" + word + "'";
    }
    std::vector<std::string> words = unshare;
    words.insert(words.end(), {"sh", "-c", script});
    expect_proxy(scene, run(words, scene.options()), "user." + sysctl + " = 0");
  }
}

TEST(Fallback, IsNotTakenForASubnetThatNeedsNamespaces) {
  const Scene scene;
  const RunResult refused =
      run({program("without_namespaces"), tinet_binary(), "start",
           scene.write("topology.yaml", kSleepers), "--subnet", "10.99.99.0/24"},
          scene.options());
  EXPECT_EQ(refused.exit_code, 3) << refused;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("--subnet '10.99.99.0/24' needs namespaces"),
                                 HasSubstr("tinet: hint: ")));
  EXPECT_THAT(scene.left(), IsEmpty());
}

}  // namespace
}  // namespace tinet::test
