// The main job without root, and clear words where it cannot be done.

#include <csignal>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Whether an ordinary user may make user namespaces here; asked of another program than tinet.
bool user_namespaces_work(const User& user) {
  RunOptions options;
  options.user = user;
  return run({"unshare", "--user", "--map-root-user", "--net", "true"}, options).ok();
}

constexpr const char* kNeedsUserNamespaces = "needs unprivileged user namespaces";

TEST(Rootless, DoesTheMainJob) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  TINET_NEED(user_namespaces_work(*user), kNeedsUserNamespaces);
  TINET_NEED(run({"sh", "-c", "command -v etcd"}).ok(), "needs etcd");
  const Scene scene(*user);
  const auto started =
      scene.tinet({"start", "etcd", "--subnet", scene.subnet(), "--publish", "none"});
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(text_at(scene.json({"status"}), "/backend"), "rootless");

  const auto fault = scene.json({"partition", "role:etcd-leader", "--for", "3s"});
  const std::string cut_off = text_at(fault, "/target/0");
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", cut_off), "/network"), "cut");
  const auto ended =
      scene.tinet({"wait", "--fault-ended", text_at(fault, "/id"), "--timeout", "30s"});
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", cut_off), "/network"), "ok");

  const auto restarted = scene.tinet({"restart", cut_off});
  EXPECT_TRUE(restarted.ok()) << restarted;
  RunResult put;
  // The cluster may still vote for a leader, which etcdctl does not wait for.
  EXPECT_TRUE(eventually(
      [&] {
        put = scene.tinet({"exec", cut_off, "--", "etcdctl", "put", "key", "value"});
        return put.ok();
      },
      60s))
      << put;
  const auto stopped = scene.tinet({"stop", "--must-exist"});
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Rootless, LeavesNothingWhenItsSupervisorIsKilled) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  TINET_NEED(user_namespaces_work(*user), kNeedsUserNamespaces);
  const Scene scene(*user);
  ASSERT_TRUE(scene.start(kSleepers, {"--network", "rootless"}));
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--for", "1m"}).ok());
  const std::string supervisor = text_at(scene.json({"status"}), "/supervisor_pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(supervisor)), SIGKILL), 0);
  EXPECT_THAT(scene.left(MayStay::DataAndState), IsEmpty());
  EXPECT_EQ(scene.tinet({"status"}).exit_code, 4);
}

TEST(Rootless, RefusesTheNetnsBackendWithAHint) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  const auto refused = scene.tinet(scene.start_words(kSleepers, {"--network", "netns"}));
  EXPECT_EQ(refused.exit_code, 3) << refused;
  EXPECT_THAT(refused.err, HasSubstr("the netns backend cannot be used"));
  EXPECT_THAT(refused.err, AnyOf(HasSubstr("hint: run with sudo"), HasSubstr("hint: run as root")));
  EXPECT_THAT(scene.left(), IsEmpty());
}

/// `tinet start` in a user namespace of the user where `sysctl` is 0.
RunResult start_where_forbidden(const Scene& scene, const User& user, const std::string& sysctl,
                                const std::vector<std::string>& more) {
  std::string script = "echo 0 >/proc/sys/user/" + sysctl + " && exec setpriv --inh-caps=-all " +
                       "--bounding-set=-all --securebits +noroot '" + tinet_binary() + "'";
  for (const auto& word : scene.start_words(kSleepers, more)) {
    script += " '" + word + "'";
  }
  RunOptions options = scene.options();
  options.user = user;
  return run({"unshare", "--user", "--map-root-user", "sh", "-c", script}, options);
}

TEST(Rootless, NamesTheBlockerAndTheSysctlWhereUserNamespacesAreForbidden) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  TINET_NEED(user_namespaces_work(*user), kNeedsUserNamespaces);
  const Scene scene(*user);
  for (const char* sysctl : {"max_user_namespaces", "max_net_namespaces"}) {
    SCOPED_TRACE(sysctl);
    const auto refused = start_where_forbidden(scene, *user, sysctl, {"--network", "rootless"});
    EXPECT_EQ(refused.exit_code, 3) << refused;
    EXPECT_THAT(refused.err, HasSubstr("cannot make the namespace"));
    EXPECT_THAT(refused.err, HasSubstr("user." + std::string(sysctl) + " = 0"));
    EXPECT_THAT(refused.err, HasSubstr("tinet: hint: raise user."));
  }
  EXPECT_THAT(scene.left(), IsEmpty());
}

}  // namespace
}  // namespace tinet::test
