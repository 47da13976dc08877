// A program in an instance that attacks what holds it, and strangers at the cluster's door.

#include <algorithm>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"

namespace tinet::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Where a control socket of this cluster is, and where others of the user may be.
std::vector<std::string> doors(const Scene& scene, const std::string& uid) {
  const auto status = scene.json({"status"});
  const std::string state = text_at(status, "/state_dir");
  return {text_at(status, "/control_socket"),
          state,
          state + "/netns/switch",
          state + "/netns/node-1",
          "/run/tinet/" + uid,
          "/run/user/" + uid + "/tinet",
          "/tmp/tinet-" + uid};
}

void expect_all_refused(const RunResult& attacks) {
  EXPECT_THAT(attacks.out, HasSubstr("\ndone\n"));
  std::istringstream lines(attacks.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, Not(HasSubstr("ALLOWED")));
  }
}

TEST(HostileInstance, GetsNowhere) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const auto before = scene.json({"status"});
  std::vector<std::string> attack = {"exec", "node-0", "--", TINET_HOSTILE_PROGRAM,
                                     text_at(before, "/supervisor_pid")};
  const auto paths = doors(scene, std::to_string(::geteuid()));
  attack.insert(attack.end(), paths.begin(), paths.end());

  const auto attacks = scene.tinet(attack);
  SCOPED_TRACE(attacks.out);
  expect_all_refused(attacks);
  for (const char* line :
       {"signal the supervisor: ESRCH", "trace the reaper: EPERM", "open /proc/1/root: EACCES",
        "add a link: EPERM", "read the rules: EPERM", "mount: EPERM", "make a device: EPERM",
        "enter a network namespace: EPERM"}) {
    EXPECT_THAT(attacks.out, HasSubstr(line));
  }
  EXPECT_THAT(attacks.out, AnyOf(HasSubstr("userns: see the bridge: ENODEV"),
                                 HasSubstr("make a user namespace: ")));
  const auto after = scene.json({"status"});
  EXPECT_EQ(text_at(after, "/state"), "ready");
  EXPECT_EQ(text_at(named_in(after, "instances", "node-0"), "/pid"),
            text_at(named_in(before, "instances", "node-0"), "/pid"));
}

/// Two clusters of one user, FIRST without root and SECOND with sudo, on a /run of their own with a
/// runtime directory of the user; then an instance of the second looks for the socket of the first.
constexpr const char* kTwoClusters = R"(set -e
mount -t tmpfs tmpfs /run
runtime=/run/user/$SUDO_UID
install -d /run/user
install -d -o "$SUDO_UID" -g "$SUDO_GID" -m 700 "$runtime"
as_user() {
  setpriv --reuid "$SUDO_UID" --regid "$SUDO_GID" --clear-groups --inh-caps=-all \
    env -u SUDO_UID -u SUDO_GID "$TINET" "$@"
}
trap 'as_user -T "$FIRST" stop -q; as_user -T "$SECOND" stop -q' EXIT
as_user -T "$FIRST" start "$TOPOLOGY" --subnet "$FIRST_SUBNET"
"$TINET" -T "$SECOND" start "$TOPOLOGY" --subnet "$SECOND_SUBNET"
test -S "$runtime/tinet/$FIRST/control.sock"
as_user -T "$SECOND" exec node-0 -- ls -A "$runtime/tinet" >"$SEEN"
)";

TEST(HostileInstance, SeesNoOtherClusterOfItsUser) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene first(*user);
  const Scene second(*user);
  RunOptions options = sudo_options(second, *user);
  options.env.insert({{"TINET", tinet_binary()},
                      {"TOPOLOGY", first.write("topology.yaml", kSleepers)},
                      {"FIRST", first.tag()},
                      {"FIRST_SUBNET", first.subnet()},
                      {"SECOND", second.tag()},
                      {"SECOND_SUBNET", second.subnet()},
                      {"SEEN", first.write("seen", "not yet")}});
  const auto result = run({"unshare", "--mount", "sh", "-c", kTwoClusters}, options);
  ASSERT_TRUE(result.ok()) << result;
  std::ifstream seen(first.path("seen"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(seen), {}), "");
  EXPECT_THAT(first.left(), IsEmpty());
  EXPECT_THAT(second.left(), IsEmpty());
}

TEST(ControlSocket, IsForItsUserAlone) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const User stranger{65534, 65534, "nobody", "/nonexistent"};
  for (const auto& owner : {current_user(), *user}) {
    SCOPED_TRACE(owner.name);
    const Scene scene(owner);
    ASSERT_TRUE(scene.start());
    const auto status = scene.json({"status"});
    const std::string socket = text_at(status, "/control_socket");
    EXPECT_THAT(errno_as(stranger, [&] { return connect_to(socket); }), AnyOf(EACCES, ECONNRESET));
    const std::string state = text_at(status, "/state_dir");
    for (const char* file : {"/state.json", "/journal.jsonl", "/lock", "/netns/switch"}) {
      const std::string path = state + file;
      ASSERT_EQ(::access((state + "/state.json").c_str(), F_OK), 0);
      EXPECT_EQ(errno_as(stranger, [&] { return ::open(path.c_str(), O_RDONLY); }), EACCES) << path;
      EXPECT_EQ(errno_as(stranger, [&] { return ::open(path.c_str(), O_WRONLY); }), EACCES) << path;
    }
    EXPECT_EQ(errno_as(stranger, [&] { return ::unlink(socket.c_str()); }), EACCES);
    EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
  }
}

}  // namespace
}  // namespace tinet::test
