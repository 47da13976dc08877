// What tinet does not have and does not open: privileges on its programs, processes of other users,
// ports beyond loopback.

#include <filesystem>
#include <set>
#include <sstream>

#include <netinet/in.h>
#include <sched.h>
#include <sys/xattr.h>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"
#include "tests/e2e/people.h"
#include "tests/e2e/process_facts.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;

TEST(Programs, HaveNeitherSetuidNorCapabilities) {
  const fs::path directory = fs::path(tinet_binary()).parent_path();
  for (const fs::path& program : {fs::path(tinet_binary()), directory / "tinet-refstore"}) {
    struct stat attributes {};
    ASSERT_EQ(::stat(program.c_str(), &attributes), 0) << program;
    EXPECT_EQ(attributes.st_mode & (S_ISUID | S_ISGID), 0U) << program;
    EXPECT_LT(::getxattr(program.c_str(), "security.capability", nullptr, 0), 0) << program;
    EXPECT_TRUE(errno == ENODATA || errno == ENOTSUP) << program << ": " << errno;
  }
}

TEST(Processes, ThatAreNotTinetItselfAreTheInvokingUsers) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  const std::string topology = R"(tinet: 1
name: checked
components:
  node:
    count: 2
    program: /bin/sleep
    args: ["1000000"]
    ready: {exec: [/bin/sh, -c, "id -u >>as && id -G >>as"], timeout: 20s}
)";
  const auto started = scene.tinet(scene.start_words(topology), sudo_options(scene, *user));
  ASSERT_TRUE(started.ok()) << started;
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "1ms", "--jitter", "1ms"}).ok());
  const std::string tinet = fs::canonical(tinet_binary());
  int programs = 0;
  for (const auto& process : scene.processes()) {
    const std::string directory = "/proc/" + std::to_string(process.pid);
    std::error_code gone;
    if (fs::read_symlink(directory + "/exe", gone) == tinet || gone) {
      continue;
    }
    ++programs;
    std::istringstream ids(status_field(content_of(directory + "/status"), "Uid"));
    const std::set<std::string> uids{std::istream_iterator<std::string>(ids), {}};
    EXPECT_EQ(uids, std::set{std::to_string(user->uid)}) << process.command;
  }
  EXPECT_EQ(programs, 2);
  // What asks whether an instance is ready is a program, too.
  std::istringstream words(
      run({"sh", "-c", "cat $(find '" + scene.data_dir() + "' -name as)"}).out);
  const std::set<std::string> ids{std::istream_iterator<std::string>(words), {}};
  std::istringstream groups(run({"id", "-G", user->name}).out);
  std::set<std::string> expected{std::istream_iterator<std::string>(groups), {}};
  expected.insert(std::to_string(user->uid));
  EXPECT_EQ(ids, expected);
}

/// Sockets of this network namespace and of this user that the network could reach: listening TCP
/// and bound UDP, as "FILE ADDRESS:PORT INODE", without loopback's.
std::set<std::string> open_to_the_network() {
  std::set<std::string> open;
  for (const std::string file : {"tcp", "tcp6", "udp", "udp6", "raw", "raw6"}) {
    std::istringstream lines(content_of("/proc/net/" + file));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
      if (fields.size() < 10) {
        ADD_FAILURE() << file << ": " << line;
        continue;
      }
      const std::string& local = fields[1];
      const bool is_listener = !file.starts_with("tcp") || fields[3] == "0A";
      // As the machine's words in hexadecimal: 127.0.0.1 is 0100007F.
      const std::string address = local.substr(0, local.find(':'));
      const bool is_loopback =
          address == "00000000000000000000000001000000" ||
          ((address.size() == 8 || address.starts_with("0000000000000000FFFF0000")) &&
           address.ends_with("7F"));
      if (is_listener && !is_loopback && fields[7] == std::to_string(::geteuid())) {
        open.insert(file + " " + local + " " + fields[9]);
      }
    }
  }
  return open;
}

class Ports : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(OfEveryBackend, Ports, ::testing::Values("auto", "rootless"),
                         [](const auto& backend) { return backend.param; });

/// A port of loopback that was free a moment ago.
int free_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

/// Makes the test's process a host of its own with a network besides loopback; only root can.
void become_a_host() {
  if (is_root()) {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    ASSERT_TRUE(run({"ip", "link", "set", "lo", "up"}).ok());
    ASSERT_TRUE(run({"ip", "link", "add", "wan", "up", "type", "bridge"}).ok());
    ASSERT_TRUE(run({"ip", "address", "add", "192.0.2.1/24", "dev", "wan"}).ok());
  }
}

TEST(Relays, OfAClusterWithoutNamespacesListenOnLoopbackOnly) {
  ASSERT_NO_FATAL_FAILURE(become_a_host());
  const auto before = open_to_the_network();
  const Scene scene;
  const std::string topology = scene.write("topology.yaml", R"(tinet: 1
name: sleepers
components:
  node:
    count: 2
    program: /bin/sleep
    args: ["1000000"]
    env: {LISTEN: "{listen_ip}"}
    services: {client: 7000}
    ready: {process: true, timeout: 10s}
    stop: {signal: TERM, grace: 10s}
)");
  const auto started = scene.tinet({"start", topology, "--network", "proxy", "--toxiproxy-api",
                                    "127.0.0.1:" + std::to_string(free_port())});
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_THAT(open_to_the_network(), IsSubsetOf(before));
  const std::string address =
      text_at(named_in(scene.json({"status"}), "instances", "node-0"), "/address");
  EXPECT_TRUE(address.starts_with("127.")) << address;
  // The relay is there: who connects is let in, and reset because nothing is behind it.
  EXPECT_NE(run({support_program("tcp_dial"), address, "7000", "5000"}).out, "refused\n");
}

TEST_P(Ports, BeyondLoopbackAreOpenedByNobody) {
  ASSERT_NO_FATAL_FAILURE(become_a_host());
  const auto before = open_to_the_network();
  const EchoScene scene(2, {"--network", GetParam(), "--publish", "node:echo"});
  ASSERT_TRUE(scene.up());
  Program proxy({tinet_binary(), "proxy", "--listen", "127.0.0.1:0"}, scene.options());
  ASSERT_TRUE(proxy.wait_for_output("\n", std::chrono::seconds(20)));
  EXPECT_TRUE(scene.tinet({"delay", "node-0", "1ms", "--jitter", "1ms"}).ok());
  EXPECT_THAT(open_to_the_network(), IsSubsetOf(before));

  const std::string published =
      text_at(named_in(scene.json({"status"}), "instances", "node-1"), "/published/echo");
  ASSERT_TRUE(published.starts_with("127.0.0.1:")) << published;
  const std::string port = published.substr(published.find(':') + 1);
  const auto dial = [&](const std::string& address) {
    return run({support_program("tcp_dial"), address, port, "5000"}).out;
  };
  EXPECT_EQ(dial("127.0.0.1"), "connected\n");
  EXPECT_EQ(dial("127.0.0.2"), "refused\n");
  if (is_root()) {
    EXPECT_EQ(dial("192.0.2.1"), "refused\n");
  }
}

}  // namespace
}  // namespace tinet::test
