// What the reference store promises beyond the lab's single cases, while tinet kills, starts and
// cuts off its servers: a chain of puts stays whole, writers at the same time, a way back.

#include <atomic>
#include <map>
#include <thread>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/refstore/kv_state.h"
#include "tests/e2e/refstore/cluster.h"
#include "tests/e2e/scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

namespace json = boost::json;

using namespace std::chrono_literals;
using refstore::chain_hash;
using refstore::test::Reply;
using refstore::test::request;

constexpr auto kPatience = 60s;
constexpr auto kInTime = "?timeout_ms=30000";

/// A store whose services are published, so that requests go to it straight from the test.
class Store : public Scene {
 public:
  explicit Store(int servers, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"start",
                                      "--tikv",
                                      std::to_string(servers),
                                      "--store",
                                      "reference",
                                      "--publish",
                                      "tidb:client,pd:client,tikv:client"};
    const std::vector<std::string> network = network_words();
    words.insert(words.end(), network.begin(), network.end());
    words.insert(words.end(), more.begin(), more.end());
    RunOptions with_patience = options();
    with_patience.timeout = 130s;
    const RunResult started = tinet(words, with_patience);
    EXPECT_TRUE(started.ok()) << started;
    if (!started.ok()) {
      return;
    }
    const auto status = json({"status"});
    for (const auto& instance : status.at("instances").as_array()) {
      const std::string name = text_at(instance, "/name");
      published_[name] = text_at(instance, "/published/client");
      by_address_[text_at(instance, "/address")] = name;
    }
    up_ = settled();
  }

  [[nodiscard]] bool up() const noexcept { return up_; }

  [[nodiscard]] Reply get(const std::string& key) const {
    return request("GET", published_.at("tidb-0"), "/kv/" + key + kInTime);
  }
  [[nodiscard]] Reply put(const std::string& key, const std::string& value,
                          const std::string& more = "") const {
    return request("PUT", published_.at("tidb-0"), "/kv/" + key + kInTime + more, value);
  }
  /// Straight to a server, over a connection from inside its own network.
  [[nodiscard]] Reply get_from(const std::string& server, const std::string& key) const {
    return request("GET", published_.at(server), "/kv/get?key=" + key, "", 5s);
  }

  [[nodiscard]] std::string primary() const { return member("primary"); }
  [[nodiscard]] std::string backup() const { return member("backup"); }
  /// Waits until the view is acknowledged and its backup has the whole state.
  [[nodiscard]] bool settled() const {
    return eventually(
        [&] {
          const json::value now = view();
          return text_at(now, "/acknowledged") == "true" && text_at(now, "/synced") == "true";
        },
        kPatience);
  }

  /// Appends links from..to-1 to the chain at `key`; `value` is what is there, before and after.
  void extend_chain(const std::string& key, int from, int to, std::string& value) const {
    for (int i = from; i < to; ++i) {
      const Reply reply = put(key, std::to_string(i), "&hash=1");
      ASSERT_EQ(reply.status, 200) << reply.body;
      ASSERT_EQ(reply.body, value) << "link " << i;
      value = chain_hash(value + std::to_string(i));
    }
  }

 private:
  [[nodiscard]] json::value view() const {
    std::error_code error;
    json::value view =
        json::parse(request("GET", published_.at("pd-0"), "/refstore/view").body, error);
    return error ? json::value() : view;
  }
  [[nodiscard]] std::string member(const std::string& role) const {
    const std::string address = text_at(view(), "/view/" + role + "/address");
    const auto known = by_address_.find(address.substr(0, address.find(':')));
    return known == by_address_.end() ? "" : known->second;
  }

  std::map<std::string, std::string> published_;
  std::map<std::string, std::string> by_address_;
  bool up_ = false;
};

TEST(StoreFailover, AChainOfPutsIsWholeThoughServersAreUnreliableAndDie) {
  const Store store(3, {"--tikv.env", "TINET_REFSTORE_UNRELIABLE=1"});
  ASSERT_TRUE(store.up());
  std::string value;
  store.extend_chain("chain", 0, 40, value);
  for (int round = 0; round < 2 && !::testing::Test::HasFatalFailure(); ++round) {
    const std::string dead = round == 0 ? store.primary() : store.backup();
    ASSERT_TRUE(store.tinet({"kill", dead}).ok());
    store.extend_chain("chain", 40 + 30 * round, 70 + 30 * round, value);
    ASSERT_TRUE(store.tinet({"start-instance", dead, "--wait", "running"}).ok());
    ASSERT_TRUE(store.settled());
  }
  EXPECT_EQ(store.get("chain").body, value);
}

TEST(StoreFailover, WritersAtTheSameTimeLeavePrimaryAndBackupEqual) {
  const Store store(2);
  ASSERT_TRUE(store.up());
  std::atomic<int> failed = 0;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&store, &failed, writer] {
      for (int i = 0; i < 40; ++i) {
        const std::string value = std::to_string(writer) + "/" + std::to_string(i);
        failed += store.put((i + writer) % 2 == 0 ? "x" : "y", value).status == 200 ? 0 : 1;
      }
    });
  }
  for (auto& writer : writers) {
    writer.join();
  }
  EXPECT_EQ(failed, 0);
  const std::string x = store.get("x").body;
  const std::string y = store.get("y").body;
  ASSERT_TRUE(store.settled());
  ASSERT_TRUE(store.tinet({"kill", store.primary()}).ok());
  EXPECT_EQ(store.get("x").body, x);
  EXPECT_EQ(store.get("y").body, y);
}

TEST(StoreFailover, APrimaryCutOffFromEverybodyIsReplacedAndComesBackWithNothingStale) {
  const Store store(3);
  ASSERT_TRUE(store.up());
  ASSERT_EQ(store.put("a", "1").status, 200);
  const std::string old = store.primary();
  EXPECT_EQ(store.get_from(old, "a").status, 200);
  ASSERT_TRUE(store.tinet({"partition", old}).ok());
  EXPECT_EQ(store.put("a", "2").status, 200);
  EXPECT_NE(store.primary(), old);
  EXPECT_NE(store.get_from(old, "a").status, 200);
  ASSERT_TRUE(store.tinet({"heal"}).ok());
  ASSERT_TRUE(store.settled());
  EXPECT_EQ(store.get("a").body, "2");
  const Reply late = store.get_from(old, "a");
  EXPECT_THAT(late.body, ::testing::Not(::testing::HasSubstr(R"("value":"1")")));
}

}  // namespace
}  // namespace tinet::test
