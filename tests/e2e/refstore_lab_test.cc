/// The cases of MIT 6.824 lab 2B against the reference store, with tinet's own verbs and faults as
/// the hand that kills and cuts. A case without network trouble on one machine is in refstore's own
/// tests. A busy machine may starve a server into a view change, so tests kill by role.

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/e2e/scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;

class Lab : public Scene {
 public:
  explicit Lab(int servers, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"start",   "tidb",      "--tikv",    std::to_string(servers),
                                      "--store", "reference", "--publish", "none"};
    const std::vector<std::string> network = network_words();
    words.insert(words.end(), network.begin(), network.end());
    words.insert(words.end(), more.begin(), more.end());
    const RunResult started = tinet(words);
    EXPECT_TRUE(started.ok()) << started;
  }

  /// Where the key is; to be asked from the client's namespace.
  [[nodiscard]] static std::string front(const std::string& key) {
    return "http://tidb-0:4000/kv/" + key + "?timeout_ms=30000";
  }

  /// A request from the client's namespace.
  [[nodiscard]] RunResult curl(std::vector<std::string> args, int seconds = 40) const {
    std::vector<std::string> words = {"exec", "client", "--",         "curl",
                                      "-sS",  "-f",     "--max-time", std::to_string(seconds)};
    words.insert(words.end(), args.begin(), args.end());
    return tinet(words);
  }
  bool put(const std::string& key, const std::string& value) const {
    const RunResult result = curl({"-X", "PUT", "-d", value, front(key)});
    EXPECT_TRUE(result.ok()) << result;
    return result.ok();
  }
  [[nodiscard]] std::string get(const std::string& key) const { return curl({front(key)}).out; }

  /// Waits until the view is acknowledged and its backup has the whole state. Before that, the
  /// primary's death makes the store unavailable for good.
  [[nodiscard]] bool settled() const {
    return eventually(
        [&] {
          std::error_code error;
          const auto view = boost::json::parse(curl({"http://pd-0:2379/refstore/view"}).out, error);
          return !error && text_at(view, "/acknowledged") == "true" &&
                 text_at(view, "/synced") == "true";
        },
        60s);
  }

  /// Kills who holds the role now, which `status` may know a second late. @return who that was
  [[nodiscard]] std::string kill_holder(const std::string& role) const {
    const auto status = json({"kill", "role:" + role});
    for (const auto& instance : status.at("instances").as_array()) {
      if (text_at(instance, "/state") == "stopped") {
        return text_at(instance, "/name");
      }
    }
    ADD_FAILURE() << "no instance was stopped";
    return "";
  }
  /// Waits until `status` says that the role is held, by somebody else than `not_this`.
  [[nodiscard]] std::string await(const std::string& role, const std::string& not_this = "") const {
    std::string found;
    EXPECT_TRUE(eventually(
        [&] {
          found = holder(role);
          return !found.empty() && found != not_this;
        },
        30s))
        << role;
    return found;
  }

 private:
  /// Who holds a role according to `status`; empty: nobody.
  [[nodiscard]] std::string holder(const std::string& role) const {
    const auto status = json({"status"});
    for (const auto& instance : status.at("instances").as_array()) {
      const auto& roles = instance.at("roles").as_array();
      if (std::find(roles.begin(), roles.end(), boost::json::value(role)) != roles.end()) {
        return std::string(instance.at("name").as_string());
      }
    }
    return "";
  }
};

TEST(LabS201, ASinglePrimaryServes) {
  const Lab lab(1);
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_TRUE(lab.put(key, std::string("v") + key));
    EXPECT_EQ(lab.get(key), std::string("v") + key);
  }
}

TEST(LabS202, ABackupJoinsAndIsBroughtUpToDate) {
  const Lab lab(2);
  const std::string backup = lab.await("backup");
  ASSERT_TRUE(lab.tinet({"stop-instance", backup}).ok());
  ASSERT_TRUE(lab.put("a", "1"));
  ASSERT_TRUE(lab.tinet({"start-instance", backup}).ok());
  ASSERT_TRUE(lab.settled());
  ASSERT_TRUE(lab.put("b", "2"));
  // The newcomer has what was written before it came: it answers alone.
  const std::string primary = lab.kill_holder("primary");
  EXPECT_EQ(lab.get("a"), "1");
  EXPECT_EQ(lab.get("b"), "2");
  EXPECT_FALSE(lab.await("primary", primary).empty());
}

TEST(LabS203, TheBackupTakesOverFromAKilledPrimary) {
  const Lab lab(2);
  ASSERT_TRUE(lab.settled());
  ASSERT_TRUE(lab.put("k", "old"));
  const std::string primary = lab.kill_holder("primary");
  ASSERT_FALSE(lab.await("primary", primary).empty());
  EXPECT_EQ(lab.get("k"), "old");
}

TEST(LabS204, ABlankServerNeverServes) {
  const Lab lab(2);
  ASSERT_TRUE(lab.settled());
  ASSERT_TRUE(lab.put("k", "v"));
  ASSERT_TRUE(lab.tinet({"kill", "tikv"}).ok());
  ASSERT_TRUE(lab.tinet({"start-instance", "tikv-0", "--wait", "running"}).ok());
  EXPECT_FALSE(lab.curl({"http://tidb-0:4000/kv/k"}, 2).ok());
}

TEST(LabS205, UnreliableServersTakeEachPutOnce) {
  const Lab lab(1, {"--tikv.env", "TINET_REFSTORE_UNRELIABLE=1"});
  // Prints per round what the put says was there before, and what is there after.
  constexpr auto kRounds = R"(
    for i in $(seq 40); do
      curl -sS -f --max-time 40 -X PUT -d "$i" "$0&hash=1"; echo
      curl -sS -f --max-time 40 "$0"; echo
    done)";
  const RunResult result =
      lab.tinet({"exec", "client", "--", "sh", "-e", "-c", kRounds, Lab::front("counter")});
  ASSERT_TRUE(result.ok()) << result;
  std::istringstream lines(result.out);
  std::string last;
  int rounds = 0;
  for (std::string before, after; std::getline(lines, before) && std::getline(lines, after);) {
    EXPECT_EQ(before, last) << rounds;
    ASSERT_FALSE(after.empty()) << rounds;
    last = after;
    ++rounds;
  }
  EXPECT_EQ(rounds, 40);
}

TEST(LabS206, APutRightAfterTheBackupsDeathSurvives) {
  const Lab lab(3);
  ASSERT_TRUE(lab.settled());
  const std::string backup = lab.kill_holder("backup");
  ASSERT_TRUE(lab.put("k", "during"));
  ASSERT_FALSE(lab.await("backup", backup).empty());
  EXPECT_EQ(lab.get("k"), "during");
}

TEST(LabS207, APutRightAfterThePrimarysDeathSurvives) {
  const Lab lab(3);
  ASSERT_TRUE(lab.settled());
  for (const char* key : {"a", "b"}) {
    ASSERT_TRUE(lab.put(key, key));
  }
  ASSERT_TRUE(lab.settled());
  const std::string primary = lab.kill_holder("primary");
  ASSERT_TRUE(lab.put("c", "c"));
  ASSERT_FALSE(lab.await("primary", primary).empty());
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_EQ(lab.get(key), key);
  }
}

TEST(LabS212, AStalePrimaryNeverAnswers) {
  const Lab lab(2);
  ASSERT_TRUE(lab.settled());
  ASSERT_TRUE(lab.put("k", "1"));
  const std::string old = lab.await("primary");
  // Cut off from the view service only: it still reaches its backup and its clients.
  ASSERT_TRUE(lab.tinet({"partition", old, "--from", "pd-0"}).ok());
  ASSERT_FALSE(lab.await("primary", old).empty());
  ASSERT_TRUE(lab.put("k", "2"));
  const RunResult stale = lab.curl({"http://" + old + ":20160/kv/get?key=k"}, 4);
  EXPECT_EQ(stale.out.find("\"1\""), std::string::npos) << stale;
  EXPECT_EQ(lab.get("k"), "2");
}

}  // namespace
}  // namespace tinet::test
