#pragma once
/// The view service of the reference store: decides who is primary and who is backup from the pings
/// that it gets. A pure state machine: time comes in as a parameter, nothing is sent or stored.
///
/// Rules. The view changes only when the primary of the current view has acknowledged it (pinged
/// with its number). A primary that dies or restarts is replaced by its backup, and only if the
/// primary had reported the backup as synced in this very view; so no server without the complete
/// state ever becomes primary, except the first server of view 1. When nobody is fit, the view
/// stands and the store is unavailable: that is the lab's choice of consistency over availability.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "src/refstore/view.h"

namespace tinet::refstore {

using Time = std::chrono::steady_clock::time_point;

inline constexpr std::chrono::milliseconds kPingInterval{100};
/// A server is dead when this many intervals have passed without a ping.
inline constexpr int kDeadPings = 5;
inline constexpr std::chrono::milliseconds kDeadAfter = kPingInterval * kDeadPings;

/// What a server tells about itself for PD's /stores.
struct StoreInfo {
  std::string status_address;
  std::string version;
  std::vector<std::pair<std::string, std::string>> labels;
  friend bool operator==(const StoreInfo&, const StoreInfo&) = default;
};

struct Ping {
  std::string address;
  std::uint64_t incarnation = 0;
  std::uint64_t view_number = 0;  ///< newest view that the server knows; 0: none
  bool synced = false;            ///< as primary of that view: its backup has the complete state
  StoreInfo info;
};

/// A server that has pinged at least once; never forgotten.
struct StoreRecord {
  std::uint64_t id = 0;
  std::string address;
  StoreInfo info;
  friend bool operator==(const StoreRecord&, const StoreRecord&) = default;
};

/// The part that has to survive a restart of the view service: views must not start anew while
/// servers hold state.
struct DurableState {
  View view;
  bool acknowledged = false;  ///< the primary knows the view
  bool synced = false;        ///< the primary has given the backup everything
  std::vector<StoreRecord> stores;
  friend bool operator==(const DurableState&, const DurableState&) = default;
};

class ViewService {
 public:
  /// @param saved state of an earlier life; its members count as seen at `now`
  ViewService(DurableState saved, Time now);

  /// Takes a server's ping and returns the view that it is to know.
  const View& ping(const Ping& ping, Time now);

  /// Looks for deaths; to be called every kPingInterval.
  void tick(Time now);

  [[nodiscard]] const DurableState& state() const noexcept { return state_; }
  [[nodiscard]] const View& view() const noexcept { return state_.view; }

  /// Has pinged within kDeadAfter, in whichever incarnation.
  [[nodiscard]] bool is_up(const std::string& address, Time now) const;
  [[nodiscard]] std::size_t count_up(Time now) const;

  /// The one region lacks a replica that it could have: no synced backup although two servers are
  /// up, or no live primary.
  [[nodiscard]] bool misses_peer(Time now) const;

 private:
  struct Server {
    std::uint64_t incarnation = 0;
    Time last_ping;
  };

  void forgive_own_pause(Time now);
  void record_store(const Ping& ping);
  void acknowledge(const Ping& ping);
  void advance(Time now);
  void change_view(Member primary, Member backup);
  [[nodiscard]] bool lives(const Member& member, Time now) const;
  [[nodiscard]] Member idle_server(Time now) const;
  [[nodiscard]] Member member_at(const std::string& address) const;

  DurableState state_;
  std::map<std::string, Server> servers_;
  Time last_activity_;
};

}  // namespace tinet::refstore
