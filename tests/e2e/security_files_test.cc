// Paths that are not what they seem, under sudo: tinet as root reads, writes and removes nothing
// that the user could not. What root alone may touch lies in a "vault".

#include <filesystem>
#include <map>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"
#include "tests/e2e/process_facts.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kSecret = "only root may know";

/// Instances with a settings file, which is written anew at every start.
constexpr const char* kConfigured = R"(tinet: 1
name: configured
components:
  node:
    count: 2
    program: /bin/sleep
    args: ["1000000"]
    files: {settings: "of {name}\n"}
    ready: {process: true, timeout: 10s}
    stop: {signal: TERM, grace: 10s}
)";

class UnderSudo : public ::testing::Test {
 protected:
  void SetUp() override {
    TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
    user_ = ordinary_user_with_home();
    TINET_NEED(user_, kNeedsUser);
    scene_.emplace(*user_);
    vault_ = scene_->path("vault");
    fs::create_directory(vault_);
    scene_->write("vault/secret", std::string(kSecret) + "\n", 0600);
    fs::create_directory(vault_ + "/tmp");
    ASSERT_EQ(::chmod(vault_.c_str(), 0700), 0);
    before_ = vault();
  }

  /// Every path in the vault with its attributes, and the content of files.
  [[nodiscard]] std::map<std::string, std::string> vault() const {
    std::map<std::string, std::string> facts;
    for (const auto& entry : fs::recursive_directory_iterator(vault_)) {
      struct stat attributes {};
      static_cast<void>(::lstat(entry.path().c_str(), &attributes));
      facts[entry.path()] = std::to_string(attributes.st_mode) + " " +
                            std::to_string(attributes.st_uid) + " " +
                            (entry.is_regular_file() ? content_of(entry.path()) : "");
    }
    return facts;
  }

  [[nodiscard]] RunResult sudo(const std::vector<std::string>& words) const {
    return scene_->tinet(words, sudo_options(*scene_, *user_));
  }
  [[nodiscard]] RunResult sh(const std::string& script) const {
    return run({"sh", "-c", script}, scene_->options());
  }
  [[nodiscard]] bool start() const {
    const RunResult started = sudo(scene_->start_words(kConfigured));
    EXPECT_TRUE(started.ok()) << started;
    return started.ok();
  }
  /// Where an instance's things are.
  [[nodiscard]] std::string of(const std::string& instance, const std::string& what) const {
    return text_at(named_in(scene_->json({"status"}), "instances", instance), what);
  }

  std::optional<User> user_;
  std::optional<Scene> scene_;
  std::string vault_;
  std::map<std::string, std::string> before_;
};

TEST_F(UnderSudo, ARestartFollowsNoLinkToWhatIsNotTheUsers) {
  ASSERT_TRUE(start());
  const std::string log = of("node-0", "/log");
  const std::string directory = scene_->data_dir() + "/node-0";
  const std::string settings = sh("find '" + directory + "' -name settings").out;
  ASSERT_THAT(settings, HasSubstr("/settings\n"));
  struct Trick {
    std::string path;
    std::string target;
  };
  for (const Trick& trick :
       {Trick{settings.substr(0, settings.size() - 1), "/secret"}, Trick{log, "/secret"},
        Trick{log, "/new"}, Trick{directory + "/tmp", "/tmp"}, Trick{directory, ""}}) {
    SCOPED_TRACE(trick.path + " -> vault" + trick.target);
    const std::string moved = "'" + trick.path + ".moved'";
    const std::string path = "'" + trick.path + "'";
    const auto made =
        sh("mv " + path + " " + moved + " && ln -s '" + vault_ + trick.target + "' " + path);
    ASSERT_TRUE(made.ok()) << made;
    for (const auto& words : {std::vector<std::string>{"restart", "node-0", "--wait", "running"},
                              {"logs", "node-0"},
                              {"collect", scene_->data_dir() + "-collected"}}) {
      const auto result = sudo(words);
      EXPECT_THAT(result.out + result.err, Not(HasSubstr(kSecret)));
      EXPECT_NE(result.exit_code, 128 + SIGSEGV) << result;
    }
    EXPECT_THAT(sh("cat -- '" + scene_->data_dir() + "-collected'/* 2>/dev/null").out,
                Not(HasSubstr(kSecret)));
    EXPECT_EQ(vault(), before_);
    const auto undone = sh("rm -rf '" + scene_->data_dir() + "-collected'; rm -rf " + path +
                           " && mv " + moved + " " + path);
    ASSERT_TRUE(undone.ok()) << undone;
  }
  const auto restarted = sudo({"restart", "node-0"});
  EXPECT_TRUE(restarted.ok()) << restarted;
  EXPECT_TRUE(scene_->tinet({"stop"}).ok());
  EXPECT_THAT(scene_->left(), IsEmpty());
}

TEST_F(UnderSudo, StopAndCleanupRemoveNothingThatIsNotTheUsers) {
  ASSERT_TRUE(start());
  const std::string data = scene_->data_dir();
  const auto linked = sh("mv '" + data + "' '" + data + ".moved' && ln -s '" + vault_ + "' '" +
                         data + "' && ln -s '" + vault_ + "' '" + data + ".moved/inside'");
  ASSERT_TRUE(linked.ok()) << linked;
  static_cast<void>(sudo({"stop", "--save", data + "/saved"}));
  EXPECT_EQ(vault(), before_);
  static_cast<void>(sudo({"cleanup"}));
  static_cast<void>(sudo(scene_->start_words(kConfigured)));
  EXPECT_EQ(vault(), before_);
  static_cast<void>(scene_->tinet({"stop", "--force"}));
  EXPECT_TRUE(sh("rm -rf '" + data + "' '" + data + ".moved'").ok());
}

TEST_F(UnderSudo, FilesThatWordsNameAreOpenedAsTheUser) {
  const std::string secret = vault_ + "/secret";
  const std::string new_file = vault_ + "/new.pcap";
  const auto refused = [&](const std::vector<std::string>& words) {
    const auto result = sudo(words);
    EXPECT_NE(result.exit_code, 0) << words.front();
    EXPECT_THAT(result.out + result.err, Not(HasSubstr(kSecret)));
    EXPECT_THAT(result.err, HasSubstr("ermission denied")) << result;
    EXPECT_EQ(vault(), before_);
  };
  refused({"start", secret + "", "--subnet", scene_->subnet()});
  refused({"start", "etcd", "--etcd.config", secret, "--subnet", scene_->subnet(), "--dry-run"});
  refused({"proxy", "--listen", "127.0.0.1:0", "--config", secret});
  ASSERT_TRUE(start());
  refused({"apply", secret});
  refused({"delay", "node-0", "10ms", "--jitter", "1ms", "--distribution", secret});
  refused({"capture", "node-0", "-w", secret, "-c", "1"});
  refused({"capture", "node-0", "-w", new_file, "-c", "1"});
  refused({"collect", vault_ + "/collected"});
}

TEST(Log, ThatIsANamedPipeHoldsNobodyUp) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const std::string log = text_at(named_in(scene.json({"status"}), "instances", "node-0"), "/log");
  const auto made = run({"sh", "-c", "rm -f '" + log + "' && mkfifo '" + log + "'"});
  ASSERT_TRUE(made.ok()) << made;
  const auto restarted = scene.tinet({"restart", "node-0"});
  EXPECT_EQ(restarted.exit_code, 1) << restarted;
  EXPECT_THAT(restarted.err, HasSubstr(log));
  EXPECT_LT(restarted.duration, std::chrono::seconds(20)) << restarted;
  const auto other = scene.tinet({"restart", "node-1"});
  EXPECT_TRUE(other.ok()) << other;
}

TEST(Log, WithoutLineEndsIsNotKeptInMemory) {
  const Scene scene;
  ASSERT_TRUE(scene.start(R"(tinet: 1
name: talkers
components:
  node:
    count: 1
    program: /bin/sh
    args: ["-c", "head -c 100000000 /dev/zero; echo; echo ready; exec sleep 1000000"]
    ready: {log: "^ready", timeout: 60s}
    stop: {signal: TERM, grace: 10s}
)"));
  EXPECT_LT(peak_memory_kib(supervisor_of(scene)), 64 << 10);
}

}  // namespace
}  // namespace tinet::test
