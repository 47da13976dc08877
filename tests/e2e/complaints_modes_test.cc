// What users of other tools complained about, by its number in the list that tinet was made with:
// how a cut answers, how far it goes, and what it leaves of connections.

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/exchange.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Lets scenes choose that backend, "" for the first that works, until its end.
class WithNetwork {
 public:
  explicit WithNetwork(const std::string& backend) : before_(chosen_network()) { choose(backend); }
  WithNetwork(const WithNetwork&) = delete;
  WithNetwork& operator=(const WithNetwork&) = delete;
  WithNetwork(WithNetwork&&) = delete;
  WithNetwork& operator=(WithNetwork&&) = delete;
  ~WithNetwork() { choose(before_); }

 private:
  static void choose(const std::string& backend) {
    ::setenv("TINET_TEST_NETWORK", backend.c_str(), 1);
  }
  std::string before_;
};

/// chaos-mesh #5067.
TEST(Complaint07, ACutMayVanishRefuseOrReset) {
  struct Mode {
    std::string name;
    std::string newcomer;  ///< what one gets who connects
    bool open_ends;        ///< an open connection breaks
  };
  for (const auto& [mode, newcomer, open_ends] :
       {Mode{"drop", "silence", false}, Mode{"reject", "refused", false},
        Mode{"reset", "refused", true}}) {
    SCOPED_TRACE(mode);
    const EchoScene scene;
    ASSERT_TRUE(scene.up());
    const auto open = scene.beside({"exec", "node-1", "--", support_program("echo_ping"), "tcp",
                                    scene.address("node-0"), EchoScene::kPort});
    ASSERT_TRUE(open->wait_for_output("\n", 30s));
    const auto fault = scene.fault({"partition", "node-0", "--mode", mode});
    EXPECT_EQ(text_at(scene.json({"why", "node-1", "node-0"}), "/effects/cut"), mode);
    EXPECT_EQ(dial(scene, "node-2", "node-0"), newcomer);
    EXPECT_EQ(dial(scene, "node-0", "node-2"), newcomer);
    EXPECT_EQ(dial(scene, "node-1", "node-2"), "connected");
    if (open_ends) {
      EXPECT_EQ(open->finish().exit_code, 1);
    } else {
      EXPECT_TRUE(
          eventually([&] { return count_of(scene, "node-1", "node-0", "dropped") >= 2; }, 30s));
      ASSERT_TRUE(scene.tinet({"heal"}).ok());
      EXPECT_TRUE(open->wait_for_output("\n", 30s)) << "the open connection did not go on";
    }
  }
  const EchoScene scene;
  // What a client gets to see of each is explained where it is chosen.
  EXPECT_THAT(scene.tinet({"partition", "--help"}).out,
              AllOf(HasSubstr("packets vanish"), HasSubstr("refused at once"), HasSubstr("RST")));
}

/// chaosblade #24, #131, #385: says that it cleaned up, and did not.
TEST(Complaint13, AStopThatCannotCleanUpFailsAndShowsWhatIsLeft) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const std::string obstacle = scene.data_dir() + "/obstacle";
  ASSERT_EQ(::mkdir(obstacle.c_str(), 0755), 0);
  // Nobody removes what something is mounted on; an ordinary user nothing from a closed directory.
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::mount("none", obstacle.c_str(), "tmpfs", 0, "size=64k"), 0);
  } else {
    std::ofstream(obstacle + "/file") << "x";
    ASSERT_EQ(::chmod(obstacle.c_str(), 0500), 0);
  }
  const RunResult stopped = scene.tinet({"stop"});
  if (root) {
    EXPECT_EQ(::umount2(obstacle.c_str(), MNT_DETACH), 0);
  } else {
    EXPECT_EQ(::chmod(obstacle.c_str(), 0700), 0);
  }
  EXPECT_NE(stopped.exit_code, 0);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("tinet: error: "), HasSubstr(obstacle)));
  EXPECT_EQ(::access(obstacle.c_str(), F_OK), 0) << "it is what it says";
  EXPECT_THAT(scene.processes(), IsEmpty());
  // Once the obstacle is gone, so is the rest.
  const RunResult again = scene.tinet({"cleanup"});
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_THAT(scene.left(), IsEmpty()) << again;
}

/// chaosblade #402: a long list of ports cut the whole host off. (That the host is never
/// touched: HostUntouched.)
TEST(Complaint14, AFaultGoesNoFurtherThanItsWords) {
  const EchoScene scene(4);
  ASSERT_TRUE(scene.up());
  std::string ports = "1";
  for (int port = 2; port <= 1000; ++port) {
    ports += "," + std::to_string(port);
  }
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1", "--port", ports}).ok());
  for (const std::string port : {"1", "2", "500", "1000"}) {
    EXPECT_EQ(dial(scene, "node-1", "node-0", port), "silence") << port;
  }
  // Nobody listens there: who gets through is refused.
  for (const std::string port : {"1001", "65535"}) {
    EXPECT_EQ(dial(scene, "node-1", "node-0", port), "refused") << port;
  }
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "connected");
  EXPECT_EQ(dial(scene, "node-2", "node-0", "500"), "refused");
  EXPECT_EQ(dial(scene, "node-0", "node-2", "500"), "refused");
  EXPECT_EQ(dial(scene, "client", "node-0", "500"), "refused");
  int touched = 0;
  const auto links = scene.json({"links"});
  for (const auto& link : links.as_array()) {
    touched += text_at(link, "/effects") == "{}" ? 0 : 1;
  }
  EXPECT_EQ(touched, 2);
}

/// pumba #96: no command for the commonest of all faults.
TEST(Complaint19, PartitionIsTheFirstVerb) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const std::string help = scene.tinet({"--help"}).out;
  EXPECT_THAT(help, HasSubstr("\nFaults\n  partition "));
  // One word and a name are enough, and mean all its links, both ways.
  EXPECT_EQ(EchoScene::links_of(scene.fault({"partition", "node-0"})),
            "node-0>node-1 node-0>node-2 node-1>node-0 node-2>node-0");
  EXPECT_FALSE(answers(scene, "node-1", "node-0", 300ms));
  EXPECT_EQ(dial(scene, "node-0", "node-2"), "silence");
  EXPECT_TRUE(answers(scene, "node-1", "node-2"));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  // Groups as one would write them down; who is not named is one more.
  EXPECT_EQ(EchoScene::links_of(scene.fault({"partition", "node-0 / node-1"})).size(),
            std::string("node-0>node-1 ").size() * 6 - 1);
}

/// toxiproxy's timeout, testcontainers #3453: the end of a cut closed every connection.
class Complaint28 : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Backends, Complaint28, ::testing::Values("", "proxy"),
                         [](const auto& backend) {
                           return backend.param.empty() ? std::string("netns") : backend.param;
                         });

TEST_P(Complaint28, ACutIsNoBlip) {
  const WithNetwork network(GetParam());
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker talking(scene, "tcp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  const auto cut = monotonic_ms();
  EXPECT_TRUE(
      eventually([&] { return stopped_at(scene.json({"faults"}), "/0/packets") >= 1; }, 30s));
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  // An asker has one connection and ends when that breaks; its question is answered, not lost.
  EXPECT_TRUE(talking.answered_after(before_heal));
  EXPECT_TRUE(talking.silent(cut, before_heal));
  const auto echoes = talking.echoes();
  EXPECT_TRUE(std::any_of(echoes.begin(), echoes.end(), [&](const Echo& echo) {
    return echo.asked_ms < before_heal && echo.answered_ms >= before_heal;
  })) << "what was asked meanwhile got no answer";
}

/// etcd #17737, #18641, #21310: a proxy before the listener sees half of the connections.
TEST(Complaint29, NoLinkLeaksWithNamespaces) {
  const EchoScene scene(4);
  ASSERT_TRUE(scene.up());
  const auto fault = scene.fault({"partition", "node-0", "--from", "all,client", "--verify"});
  EXPECT_EQ(text_at(fault, "/verify/pairs"), "8");
  EXPECT_EQ(text_at(fault, "/verify/wrong"), "[]");
  for (const std::string other : {"node-1", "node-2", "node-3", "client"}) {
    EXPECT_EQ(dial(scene, other, "node-0"), "silence") << other;
    if (other != "client") {
      EXPECT_EQ(dial(scene, "node-0", other), "silence") << other;
      EXPECT_FALSE(answers(scene, "node-0", other, 100ms)) << other;
    }
  }
  EXPECT_THAT(scene.tinet({"links"}).out, ::testing::Not(HasSubstr("unseen")));
}

TEST(Complaint29, LeakyPairsAreMarked) {
  // One has a service, behind a relay; the other one only asks, and nobody can reach it.
  const WithNetwork network("proxy");
  const Scene scene;
  ASSERT_TRUE(scene.start(R"(tinet: 1
name: leaky
components:
  heard:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    services: {echo: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {process: true, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
  mute:
    count: 2
    program: /bin/sleep
    args: ["1000000"]
    ready: {process: true, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
)"));
  int marked = 0;
  const auto links = scene.json({"links"});
  for (const auto& link : links.as_array()) {
    const bool between_mutes =
        text_at(link, "/from").starts_with("mute") && text_at(link, "/to").starts_with("mute");
    if (between_mutes) {
      ++marked;
      EXPECT_EQ(text_at(link, "/seen"), "false") << link;
    } else if (!text_at(link, "/from").starts_with("client")) {
      EXPECT_EQ(text_at(link, "/seen"), "true") << link;
    }
  }
  EXPECT_EQ(marked, 2);
  EXPECT_THAT(scene.tinet({"links"}).out, HasSubstr("unseen"));
}

}  // namespace
}  // namespace tinet::test
