#pragma once
/// The members of the pd group as one of them knows them. Pure; time is a parameter.
///
/// The first name of --initial-cluster is the leader for good: it is the view service, and the
/// lab's view service is one process. The others report to it and learn from its answers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "src/refstore/view_service.h"

namespace tinet::refstore {

struct PdMember {
  std::string name;
  std::uint64_t id = 0;
  std::string peer_url;
  std::vector<std::string> client_urls;  ///< empty until it has reported
  bool healthy = false;
};

class PdMembers {
 public:
  /// @param initial_cluster "pd-0=http://10.9.0.11:2380,pd-1=..."
  /// @throws Error Usage for a malformed list, or one without `self`
  PdMembers(std::string_view initial_cluster, std::string self,
            std::vector<std::string> client_urls);

  [[nodiscard]] bool leads() const { return leader().name == self_; }
  [[nodiscard]] const PdMember& self() const;
  /// The fixed leader, reachable or not.
  [[nodiscard]] const PdMember& leader() const { return members_.front().member; }
  /// True on the leader; elsewhere: the leader has answered within kDeadAfter.
  [[nodiscard]] bool sees_leader(Time now) const;
  /// All members with their health as far as known here.
  [[nodiscard]] std::vector<PdMember> list(Time now) const;

  /// Follower: what it reports to the leader.
  [[nodiscard]] boost::json::object report() const;
  /// Leader: takes a report. @throws Error Usage for an unknown name
  void take_report(const boost::json::object& report, Time now);
  /// Leader: what it answers.
  [[nodiscard]] boost::json::object news(Time now) const;
  /// Follower: takes the answer. @throws Error Usage for what is no answer of a leader
  void take_news(const boost::json::object& news, Time now);

 private:
  struct Row {
    PdMember member;
    std::optional<Time> seen;  ///< leader: last report; follower: last news, on the leader's row
  };
  [[nodiscard]] Row& row(std::string_view name);
  [[nodiscard]] bool is_fresh(const Row& row, Time now) const;

  std::string self_;
  std::vector<Row> members_;
};

}  // namespace tinet::refstore
