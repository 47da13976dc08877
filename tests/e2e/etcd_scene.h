#pragma once
/// A cluster of real etcd members, asked with etcdctl from inside each member's own network, so
/// that a member answers whatever is cut.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "tests/e2e/scene.h"

namespace tinet::test {

/// With pre-vote a member asks whether it would be elected before it begins a term; etcd has that
/// on by default from 3.5 on only.
inline const std::vector<std::string> kPreVote = {"--etcd.args", "--pre-vote=true"};
inline const std::vector<std::string> kNoPreVote = {"--etcd.args", "--pre-vote=false"};

class EtcdScene : public Scene {
 public:
  /// Starts that many members. Skips the test when there is no etcd or no etcdctl on this machine.
  explicit EtcdScene(int members, const std::vector<std::string>& start_words = {});

  [[nodiscard]] bool up() const noexcept { return up_; }
  [[nodiscard]] std::vector<std::string> members() const;

  /// `etcdctl ARGS...` in the place of a member, which answers it.
  [[nodiscard]] RunResult ctl(const std::string& member, std::vector<std::string> args) const;
  /// Whether the member has no answer to that, which would come within tens of milliseconds; a
  /// failed test when it has.
  [[nodiscard]] bool stays_silent(const std::string& member, std::vector<std::string> args) const;
  /// Writes, again while etcd says that it has just changed or not yet found its leader; a failed
  /// test when that comes to nothing.
  [[nodiscard]] bool put(const std::string& member, const std::string& key,
                         const std::string& value) const;
  /// A client that watches a key through `member`, and has told a first change of it: writes
  /// "before-1" and further ones at `writer` until then. Null, and a failed test, when it tells
  /// none.
  [[nodiscard]] std::unique_ptr<Program> watch(const std::string& member, const std::string& writer,
                                               const std::string& key) const;
  /// Milliseconds that a write at that member takes.
  [[nodiscard]] std::int64_t write_ms(const std::string& member) const;
  /// What the member has, without asking the others; empty for none.
  [[nodiscard]] std::string local_value(const std::string& member, const std::string& key) const;

  /// Who leads according to `status`; a failed test when it names two at once. Empty: nobody.
  [[nodiscard]] std::string leader() const;
  /// Waits until `status` names one who is none of `not_these`. Empty: there came none.
  [[nodiscard]] std::string await_leader(const std::vector<std::string>& not_these = {}) const;
  /// Those that are not `leader`.
  [[nodiscard]] std::vector<std::string> followers(const std::string& leader) const;
  /// A member's term; 0 when it does not answer.
  [[nodiscard]] std::int64_t term(const std::string& member) const;
  /// How many entries the member has in its log so far; 0 when it does not answer.
  [[nodiscard]] std::int64_t entries(const std::string& member) const;
  /// Waits until the member has had no leader for so long that it asked for votes: with pre-vote in
  /// vain.
  [[nodiscard]] bool misses_its_leader(const std::string& member) const;
  /// How often that is in the member's log.
  [[nodiscard]] int said(const std::string& member, const std::string& text) const;
  /// Waits until every member has the same revision and the same hash of all keys.
  [[nodiscard]] bool become_equal() const;

 private:
  /// `etcdctl endpoint status` of a member; null when it does not answer.
  [[nodiscard]] boost::json::value endpoint_status(const std::string& member) const;
  /// Revision and hash of a member's keys; empty when it does not answer.
  [[nodiscard]] std::string hash(const std::string& member) const;

  int count_;
  bool up_ = false;
};

}  // namespace tinet::test
