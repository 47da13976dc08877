// Every way in which a start can fail has its own message, hint and exit code, is a document under
// --json, and leaves nothing behind.

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/unique_fd.h"
#include "tests/e2e/scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

struct Failure {
  int exit_code = 0;
  std::string kind;
  std::string message;  ///< a part of it
  std::string hint;     ///< a part of it
};

/// @return the "error" of the document on stdout
json::value check_failure(const RunResult& result, const Failure& expected) {
  EXPECT_EQ(result.exit_code, expected.exit_code) << result;
  EXPECT_FALSE(result.timed_out || result.output_held) << result;
  EXPECT_THAT(result.err, HasSubstr("tinet: error: "));
  EXPECT_THAT(result.err, HasSubstr("tinet: hint: "));
  std::error_code bad;
  const json::value document = json::parse(result.out, bad);
  EXPECT_FALSE(bad) << result;
  EXPECT_EQ(text_at(document, "/error/kind"), expected.kind) << result;
  EXPECT_THAT(text_at(document, "/error/message"), HasSubstr(expected.message)) << result;
  EXPECT_THAT(text_at(document, "/error/hint"), HasSubstr(expected.hint)) << result;
  const auto* error = document.if_object() ? document.as_object().if_contains("error") : nullptr;
  return error == nullptr ? json::value() : *error;
}

json::value expect_failure(const Scene& scene, Words words, const Failure& expected) {
  words.emplace_back("--json");
  json::value error = check_failure(scene.tinet(words), expected);
  EXPECT_THAT(scene.left(), IsEmpty());
  return error;
}

std::string topology_of(const std::string& component) {
  return "tinet: 1\nname: broken\ncomponents:\n  node:\n" + component;
}

constexpr const char* kNeverReady = R"(    count: 2
    program: /bin/sleep
    args: ["1000000"]
    services: {client: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {tcp: {service: client}, timeout: 60s}
)";

TEST(FailingStart, NamesTheMissingProgramAndWhereItWasSought) {
  const Scene scene;
  expect_failure(scene, scene.start_words(topology_of("    program: no-such-program-anywhere\n")),
                 {3, "unavailable", "no-such-program-anywhere", "--node.path"});
}

TEST(FailingStart, SaysHowToInstallTiDBWhenTheRealOneIsAskedFor) {
  const Scene scene;
  RunOptions options = scene.options();
  options.env["PATH"] = "/nonexistent";
  options.env["TIUP_HOME"] = "/nonexistent";
  check_failure(scene.tinet({"start", "--store", "real", "--json"}, options),
                {3, "unavailable", "pd", "tiup install pd tikv tidb"});
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(FailingStart, RefusesAProgramThatMayNotBeExecuted) {
  const Scene scene;
  const std::string program = scene.write("program", "#!/bin/sh\n", 0644);
  expect_failure(scene, scene.start_words(kSleepers, {"--node.path", program}),
                 {3, "unavailable", program, ""});
}

TEST(FailingStart, NamesLineAndNearestKeyOfAMisspeltTopology) {
  const Scene scene;
  expect_failure(scene, scene.start_words(topology_of("    program: /bin/sleep\n    cuont: 3\n")),
                 {2, "usage", "topology.yaml:6: ", "count"});
}

TEST(FailingStart, NamesTheLineOfAFaultThatMeansNobodyAndMakesNothing) {
  const Scene scene;
  const std::string faults =
      scene.write("faults.yaml", "- {partition: node-0}\n- {partition: nodes-0}\n");
  const std::string data = scene.path("data");
  expect_failure(scene, scene.start_words(kSleepers, {"--faults", faults, "--data-dir", data}),
                 {2, "usage", "faults.yaml:2: no instance or component 'nodes-0'", "node-0"});
  EXPECT_FALSE(fs::exists(data));
}

TEST(FailingStart, RefusesASettingThatTinetOwns) {
  const Scene scene;
  const std::string config = scene.write("etcd.yaml", "listen-peer-urls: http://0.0.0.0:1\n");
  RunOptions options = scene.options();
  options.env["TINET_ETCD_PATH"] = "/bin/true";
  const Words words = {"start", "etcd", "--etcd.config", config, "--json"};
  check_failure(scene.tinet(words, options), {2, "usage", "listen-peer-urls", ""});
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(FailingStart, RefusesAPublishedPortThatIsTaken) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(socket.get(), generic, size), 0);
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  ASSERT_EQ(::getsockname(socket.get(), generic, &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));

  const Scene scene;
  expect_failure(scene, scene.start_words(kSleepers, {"--publish", "node-0:client=" + port}),
                 {4, "conflict", port, "--publish"});
}

TEST(FailingStart, ShowsTheLastLinesOfAProgramThatExitsAtOnce) {
  const Scene scene;
  const auto topology = topology_of(
      "    program: /bin/sh\n    args: [\"-c\", \"echo the disk is on fire; exit 7\"]\n"
      "    ready: {exec: [/bin/false], timeout: 60s}\n");
  const json::value error = expect_failure(
      scene, scene.start_words(topology),
      {1, "operation", "'node-0' ended before it was ready", "logs and configs were kept in"});
  EXPECT_EQ(text_at(error, "/instance"), "node-0");
  EXPECT_THAT(text_at(error, "/log_tail"), HasSubstr("the disk is on fire"));
  EXPECT_THAT(text_at(error, "/message"), HasSubstr("7"));
}

TEST(FailingStart, KeepsTheLogsOfTheLastThree) {
  const Scene scene;
  const auto words = scene.start_words(
      topology_of("    program: /bin/sh\n    args: [\"-c\", \"echo last words; exit 1\"]\n"
                  "    ready: {exec: [/bin/false]}\n"));
  std::string kept;
  for (int i = 0; i < 5; ++i) {
    const RunResult result = scene.tinet(words);
    EXPECT_EQ(result.exit_code, 1) << result;
    constexpr std::string_view kWords = "kept in ";
    const auto at = result.err.find(kWords);
    ASSERT_NE(at, std::string::npos) << result;
    kept = result.err.substr(at + kWords.size());
    kept = kept.substr(0, kept.find('\n'));
  }
  std::ifstream log(kept + "/node-0/node-0.log");
  std::string line;
  std::getline(log, line);
  EXPECT_EQ(line, "last words") << kept;
  const auto all = fs::directory_iterator(fs::path(kept).parent_path());
  EXPECT_EQ(std::distance(fs::begin(all), fs::end(all)), 3);
}

TEST(FailingStart, EndsWithItsTimeoutAndSaysWhatItWaitedFor) {
  const Scene scene;
  const json::value error = expect_failure(
      scene, scene.start_words(topology_of(kNeverReady), {"--timeout", "2s"}),
      {1, "operation", "'node-0' was not ready after ", "logs and configs were kept in"});
  EXPECT_THAT(text_at(error, "/message"), HasSubstr("port 7000: "));
}

/// A file system of a few inodes, in a mount namespace of this process's own.
class TinyDisk {
 public:
  TinyDisk(std::string path, const std::string& options) : path_(std::move(path)) {
    fs::create_directory(path_);
    EXPECT_EQ(::unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()), 0);
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  TinyDisk(TinyDisk&&) = delete;
  TinyDisk& operator=(TinyDisk&&) = delete;
  /// A supervisor that has said all there is to say may still be on its way out.
  ~TinyDisk() {
    EXPECT_TRUE(eventually([this] { return ::umount(path_.c_str()) == 0; }, 10s));
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

TEST(FailingStart, ReportsADiskThatIsFullForTheInstances) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "a small file system needs root";
  }
  const Scene scene;
  const TinyDisk disk(scene.path("disk"), "nr_inodes=6");
  expect_failure(scene, scene.start_words(kSleepers, {"--data-dir", disk.path() + "/data"}),
                 {1, "operation", "No space left on device", "kept in"});
}

TEST(FailingStart, ReportsADiskThatIsFullFromTheBeginningAndWorksOnceItIsNot) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "a small file system needs root";
  }
  const Scene scene;
  const TinyDisk disk(scene.path("disk"), "size=256k");
  const std::string ballast = disk.path() + "/ballast";
  std::ofstream(ballast) << std::string(1U << 20U, 'x');
  const auto words = scene.start_words(kSleepers, {"--data-dir", disk.path() + "/data"});
  expect_failure(scene, words, {1, "operation", "No space left on device", "make room"});
  fs::remove(ballast);
  EXPECT_TRUE(scene.tinet(words).ok());
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
}

TEST(FailingStart, RefusesASubnetThatNobodyCanHave) {
  const Scene scene;
  expect_failure(scene,
                 {"start", scene.write("topology.yaml", kSleepers), "--subnet", "127.0.0.0/16"},
                 {2, "usage", "'127.0.0.0/16'", "10.213.0.0/16"});
}

TEST(FailingStart, RefusesASubnetThatTheHostUses) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "a network namespace to be the host needs root";
  }
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  ASSERT_TRUE(run({"ip", "address", "add", "10.77.3.1/24", "dev", "lo"}).ok());
  const Scene scene;
  expect_failure(scene,
                 {"start", scene.write("topology.yaml", kSleepers), "--subnet", "10.77.0.0/16"},
                 {4, "conflict", "10.77.0.0/16", "--subnet"});
}

TEST(FailingStart, RefusesTheSubnetOfAnotherClusterOfTheUser) {
  const Scene first;
  ASSERT_TRUE(first.start());
  const Scene second;
  // The network of the first.
  std::vector<std::string> words = first.network_words();
  words.insert(words.begin(), {"start", second.write("topology.yaml", kSleepers)});
  expect_failure(second, words, {4, "conflict", first.subnet(), "--subnet"});
}

TEST(FailingStart, LeavesTheRunningClusterOfTheSameTagAlone) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const auto pid = text_at(scene.json({"status"}), "/instances/0/pid");
  auto words = scene.start_words();
  words.emplace_back("--json");
  check_failure(scene.tinet(words), {4, "conflict", scene.tag(), "stop"});
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/state"), "ready");
  EXPECT_EQ(text_at(status, "/instances/0/pid"), pid);
}

TEST(FailingStart, StatesTheRuleForTags) {
  const Scene scene;
  auto words = scene.start_words();
  words.insert(words.end(), {"--tag", "Not_A_Tag"});
  expect_failure(scene, words, {2, "usage", "Not_A_Tag", "a-z"});
}

TEST(FailingStart, ExplainsWhatABareNumberLacks) {
  const Scene scene;
  expect_failure(scene, scene.start_words(kSleepers, {"--timeout", "5"}),
                 {2, "usage", "'5'", "5s"});
}

TEST(FailingStart, NeverTouchesADirectoryWithSomebodyElsesFiles) {
  const Scene scene;
  const std::string directory = scene.path("precious");
  fs::create_directory(directory);
  std::ofstream(directory + "/thesis.txt") << "years of work";
  expect_failure(scene, scene.start_words(kSleepers, {"--data-dir", directory}),
                 {4, "conflict", directory, "--data-dir"});
  EXPECT_TRUE(fs::exists(directory + "/thesis.txt"));
  EXPECT_FALSE(fs::exists(directory + "/cluster.json"));
}

TEST(FailingStart, NeedsPrivilegeForTheNetnsBackend) {
  const auto user = ordinary_user();
  if (!user) {
    GTEST_SKIP() << "only root can become an ordinary user";
  }
  const Scene scene(user);
  expect_failure(scene, scene.start_words(kSleepers, {"--network", "netns"}),
                 {3, "unavailable", "netns", "root"});
}

TEST(FailingStart, WithoutDescriptorsUndoesTheNetwork) {
  const Scene scene;
  auto words = scene.start_words(kSleepers, {"--node", "40"});
  Words command = {"/bin/sh", "-c", "ulimit -n 40; exec \"$0\" \"$@\"", tinet_binary()};
  command.insert(command.end(), words.begin(), words.end());
  command.emplace_back("--json");
  check_failure(run(command, scene.options()), {1, "operation", "Too many open files", "ulimit"});
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(FailingStart, InterruptedByTheUserIsUndoneWith130) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const Scene scene;
    auto words = scene.start_words(topology_of(kNeverReady));
    words.emplace_back("--json");
    const auto start = scene.beside(words);
    const auto runs = [&] { return text_at(scene.json({"status"}), "/instances/1/pid") != ""; };
    ASSERT_TRUE(eventually([&] { return scene.tinet({"status"}).ok() && runs(); }, 20s));
    start->signal(signal);
    check_failure(start->finish(), {130, "interrupted", "undone", "kept in"});
    EXPECT_THAT(scene.left(), IsEmpty());
  }
}

TEST(FailingStart, LosingItsCommandLineIsUndone) {
  const Scene scene;
  const auto start = scene.beside(scene.start_words(topology_of(kNeverReady)));
  ASSERT_TRUE(eventually([&] { return scene.tinet({"status"}).ok(); }, 20s));
  start->signal(SIGKILL);
  EXPECT_EQ(start->finish().exit_code, 128 + SIGKILL);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(FailingStart, StaysUpForALookWhenAskedTo) {
  const Scene scene;
  const auto topology = topology_of(
      "    program: /bin/sh\n    args: [\"-c\", \"echo help me; exit 7\"]\n"
      "    ready: {exec: [/bin/false], timeout: 60s}\n");
  auto words = scene.start_words(topology, {"--on-failure", "keep"});
  EXPECT_EQ(scene.tinet(words).exit_code, 1);
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/state"), "failed");
  EXPECT_EQ(text_at(status, "/instances/0/state"), "crashed");
  EXPECT_THAT(scene.tinet({"logs", "node-0"}).out, HasSubstr("help me"));
  EXPECT_EQ(scene.tinet({"exec", "node-0", "--", "/bin/true"}).exit_code, 0);
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
}

}  // namespace
}  // namespace tinet::test
