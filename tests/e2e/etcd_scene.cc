#include "tests/e2e/etcd_scene.h"

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/support/eventually.h"

namespace tinet::test {

namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 90s;

bool on_this_machine(const std::string& program) {
  return run({"/bin/sh", "-c", "command -v " + program}).ok();
}

/// A write that comes while etcd votes, or just before, is answered like this (etcd's
/// server/etcdserver/errors.go): nothing is wrong, and etcdctl does not try a write again.
bool wants_it_again(const RunResult& result) {
  for (const char* answer : {"etcdserver: request timed out", "etcdserver: leader changed",
                             "etcdserver: no leader", "etcdserver: not leader"}) {
    if (result.err.find(answer) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

EtcdScene::EtcdScene(int members, const std::vector<std::string>& start_words) : count_(members) {
  if (!on_this_machine("etcd") || !on_this_machine("etcdctl")) {
    [] { GTEST_SKIP() << "needs etcd and etcdctl"; }();
    return;
  }
  std::vector<std::string> words = {"start",     "etcd", "--etcd", std::to_string(members),
                                    "--publish", "none"};
  const std::vector<std::string> network = network_words();
  words.insert(words.end(), network.begin(), network.end());
  words.insert(words.end(), start_words.begin(), start_words.end());
  RunOptions with_patience = options();
  with_patience.timeout = 130s;
  const RunResult started = tinet(words, with_patience);
  EXPECT_TRUE(started.ok()) << started;
  up_ = started.ok();
}

std::vector<std::string> EtcdScene::members() const {
  std::vector<std::string> names;
  for (int i = 0; i < count_; ++i) {
    names.push_back("etcd-" + std::to_string(i));
  }
  return names;
}

RunResult EtcdScene::ctl(const std::string& member, std::vector<std::string> args) const {
  args.insert(args.begin(), {"exec", member, "--", "etcdctl"});
  return tinet(args);
}

bool EtcdScene::stays_silent(const std::string& member, std::vector<std::string> args) const {
  args.insert(args.begin(), "--command-timeout=1s");
  const RunResult result = ctl(member, std::move(args));
  // Not some other error, and no answer from a member that was merely slow to start. The member
  // gives up together with its client, and may still be the first to say so.
  const auto says = [&](const char* words) { return result.err.find(words) != std::string::npos; };
  const bool silent =
      !result.ok() && (says("deadline exceeded") || says("etcdserver: request timed out"));
  EXPECT_TRUE(silent) << result;
  return silent;
}

bool EtcdScene::put(const std::string& member, const std::string& key,
                    const std::string& value) const {
  RunResult result;
  const bool ended = eventually(
      [&] {
        result = ctl(member, {"--command-timeout=30s", "put", key, value});
        return result.ok() || !wants_it_again(result);
      },
      kPatience);
  const bool accepted = ended && result.ok();
  EXPECT_TRUE(accepted) << result;
  return accepted;
}

std::unique_ptr<Program> EtcdScene::watch(const std::string& member, const std::string& writer,
                                          const std::string& key) const {
  const RunResult address = tinet({"address", member, "client"});
  EXPECT_TRUE(address.ok()) << address;
  auto watch =
      beside({"exec", "client", "--", "env", "ETCDCTL_API=3", "etcdctl",
              "--endpoints=http://" + address.out.substr(0, address.out.find('\n')), "watch", key});
  // It says nothing when it has begun; the first change that it tells shows it.
  int tries = 0;
  const bool told = eventually(
      [&] {
        return put(writer, key, "before-" + std::to_string(++tries)) &&
               watch->wait_for_output("before-", 500ms);
      },
      50s);
  EXPECT_TRUE(told);
  return told ? std::move(watch) : nullptr;
}

std::int64_t EtcdScene::write_ms(const std::string& member) const {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(put(member, "timed", "x"));
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               before)
      .count();
}

std::string EtcdScene::local_value(const std::string& member, const std::string& key) const {
  const RunResult result = ctl(member, {"get", "--consistency=s", "--print-value-only", key});
  return result.out.substr(0, result.out.find('\n'));
}

std::string EtcdScene::leader() const {
  const auto status = json({"status"});
  std::string leader;
  for (const auto& instance : status.at("instances").as_array()) {
    const auto& roles = instance.at("roles").as_array();
    if (std::find(roles.begin(), roles.end(), "etcd-leader") != roles.end()) {
      EXPECT_TRUE(leader.empty()) << leader << " and another: " << status;
      leader = text_at(instance, "/name");
    }
  }
  return leader;
}

std::string EtcdScene::await_leader(const std::vector<std::string>& not_these) const {
  std::string found;
  const bool came = eventually(
      [&] {
        found = leader();
        return !found.empty() &&
               std::find(not_these.begin(), not_these.end(), found) == not_these.end();
      },
      kPatience);
  EXPECT_TRUE(came) << "leader: '" << found << "'";
  return came ? found : "";
}

std::vector<std::string> EtcdScene::followers(const std::string& leader) const {
  std::vector<std::string> names = members();
  names.erase(std::remove(names.begin(), names.end(), leader), names.end());
  return names;
}

json::value EtcdScene::endpoint_status(const std::string& member) const {
  const RunResult result = ctl(member, {"endpoint", "status", "-w", "json"});
  std::error_code error;
  json::value answer = json::parse(result.out, error);
  return error ? json::value{} : answer;
}

std::int64_t EtcdScene::term(const std::string& member) const {
  return std::stoll("0" + text_at(endpoint_status(member), "/0/Status/raftTerm"));
}

std::int64_t EtcdScene::entries(const std::string& member) const {
  return std::stoll("0" + text_at(endpoint_status(member), "/0/Status/raftIndex"));
}

bool EtcdScene::misses_its_leader(const std::string& member) const {
  return eventually(
      [&] {
        const json::value answer = endpoint_status(member);
        // A member that has not answered says nothing; etcd leaves out what is zero.
        if (text_at(answer, "/0/Status/raftTerm").empty()) {
          return false;
        }
        const std::string leader = text_at(answer, "/0/Status/leader");
        return leader.empty() || leader == "0";
      },
      kPatience);
}

int EtcdScene::said(const std::string& member, const std::string& text) const {
  const std::string log = tinet({"logs", member}).out;
  int count = 0;
  for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
    ++count;
  }
  return count;
}

std::string EtcdScene::hash(const std::string& member) const {
  const RunResult result = ctl(member, {"endpoint", "hashkv", "-w", "json"});
  std::error_code error;
  const json::value answer = json::parse(result.out, error);
  return error ? ""
               : text_at(answer, "/0/HashKV/header/revision") + ":" +
                     text_at(answer, "/0/HashKV/hash");
}

bool EtcdScene::become_equal() const {
  return eventually(
      [&] {
        const std::string first = hash("etcd-0");
        const auto all = members();
        return first.size() > 1 && std::all_of(all.begin(), all.end(), [&](const auto& member) {
                 return hash(member) == first;
               });
      },
      kPatience);
}

}  // namespace tinet::test
