/// The cases of MIT 6.824 lab 2B against the reference store, with tinet's own verbs and faults as
/// the hand that kills and cuts. A case without network trouble on one machine is in refstore's own
/// tests.

#include <algorithm>
#include <chrono>
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
    std::vector<std::string> words = {"start",    "tidb",      "--tikv",    std::to_string(servers),
                                      "--store",  "reference", "--publish", "none",
                                      "--subnet", subnet()};
    words.insert(words.end(), more.begin(), more.end());
    const RunResult started = tinet(words);
    EXPECT_TRUE(started.ok()) << started;
  }

  /// A request from the client's namespace.
  [[nodiscard]] RunResult curl(std::vector<std::string> args, int seconds = 10) const {
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
  /// @return the value before
  [[nodiscard]] std::string put_hash(const std::string& key, const std::string& value) const {
    const RunResult result = curl({"-X", "PUT", "-d", value, front(key) + "?hash=1"}, 20);
    EXPECT_TRUE(result.ok()) << result;
    return result.out;
  }
  [[nodiscard]] std::string get(const std::string& key) const { return curl({front(key)}).out; }

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
  /// Waits until somebody else than `not_this` holds the role.
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
  static std::string front(const std::string& key) { return "http://tidb-0:4000/kv/" + key; }
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
  EXPECT_EQ(lab.await("backup"), backup);
  ASSERT_TRUE(lab.put("b", "2"));
  // The newcomer has what was written before it came: it answers alone.
  ASSERT_TRUE(lab.tinet({"kill", lab.holder("primary")}).ok());
  EXPECT_EQ(lab.await("primary", ""), backup);
  EXPECT_EQ(lab.get("a"), "1");
  EXPECT_EQ(lab.get("b"), "2");
}

TEST(LabS203, TheBackupTakesOverFromAKilledPrimary) {
  const Lab lab(2);
  ASSERT_FALSE(lab.await("backup").empty());
  ASSERT_TRUE(lab.put("k", "old"));
  const std::string primary = lab.holder("primary");
  ASSERT_TRUE(lab.tinet({"kill", primary}).ok());
  ASSERT_FALSE(lab.await("primary", primary).empty());
  EXPECT_EQ(lab.get("k"), "old");
}

TEST(LabS204, ABlankServerNeverServes) {
  const Lab lab(2);
  ASSERT_FALSE(lab.await("backup").empty());
  ASSERT_TRUE(lab.put("k", "v"));
  ASSERT_TRUE(lab.tinet({"kill", "tikv"}).ok());
  ASSERT_TRUE(lab.tinet({"start-instance", "tikv-0", "--wait", "running"}).ok());
  EXPECT_FALSE(lab.curl({"http://tidb-0:4000/kv/k"}, 2).ok());
}

TEST(LabS205, UnreliableServersTakeEachPutOnce) {
  const Lab lab(1, {"--tikv.env", "TINET_REFSTORE_UNRELIABLE=1"});
  std::string last;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(lab.put_hash("counter", std::to_string(i)), last) << i;
    last = lab.get("counter");
    ASSERT_FALSE(last.empty()) << i;
  }
}

TEST(LabS206, APutRightAfterTheBackupsDeathSurvives) {
  const Lab lab(3);
  const std::string backup = lab.await("backup");
  ASSERT_TRUE(lab.tinet({"kill", backup}).ok());
  ASSERT_TRUE(lab.put("k", "during"));
  ASSERT_FALSE(lab.await("backup", backup).empty());
  EXPECT_EQ(lab.get("k"), "during");
}

TEST(LabS207, APutRightAfterThePrimarysDeathSurvives) {
  const Lab lab(3);
  ASSERT_FALSE(lab.await("backup").empty());
  for (const char* key : {"a", "b"}) {
    ASSERT_TRUE(lab.put(key, key));
  }
  const std::string primary = lab.holder("primary");
  ASSERT_TRUE(lab.tinet({"kill", primary}).ok());
  ASSERT_TRUE(lab.put("c", "c"));
  ASSERT_FALSE(lab.await("primary", primary).empty());
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_EQ(lab.get(key), key);
  }
}

TEST(LabS212, AStalePrimaryNeverAnswers) {
  const Lab lab(2);
  ASSERT_FALSE(lab.await("backup").empty());
  ASSERT_TRUE(lab.put("k", "1"));
  const std::string old = lab.holder("primary");
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
