#pragma once
/// A relay: what dials its address is dialled on to an upstream, under rules that the owner gives
/// and changes while data flows. It knows nothing of who the two sides are; the owner tells by
/// callbacks.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "src/proxy/connection.h"
#include "src/proxy/relay_loop.h"
#include "src/proxy/rule_set.h"
#include "src/proxy/sockets.h"

namespace tinet::proxy {

struct ListenerOptions {
  Endpoint bind;  ///< port 0 takes a free one
  /// Asked for every connection, once it may be dialled on. See dial().
  FindUpstream find_upstream;
  /// Who dials? The rules for a connection from `peer`; std::nullopt resets it. An exception does,
  /// too. Called before a byte is read, so that no connection slips by without its rules.
  std::function<std::optional<Rules>(const Endpoint& peer)> on_accept;
  KeepAlive keep_alive{};
};

/// An upstream of fixed addresses, tried in order.
[[nodiscard]] FindUpstream dial(std::vector<Endpoint> addresses);

/// Since the listener was made.
struct ListenerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;      ///< reset because on_accept gave no rules
  std::uint64_t dial_failed = 0;  ///< reset because no upstream took them
  std::uint64_t starved = 0;      ///< how often accepting waited for descriptors
};

/// Lives in one loop, which must outlive it. No descriptors left to accept or to dial with: dialers
/// wait in the kernel's queue until there are some; open connections go on.
class RelayListener final : public Task, private ConnectionOwner {
 public:
  /// Listens at once and accepts from the loop's next turn on.
  /// @throws Error Conflict when the address is in use, Unavailable or Operation
  RelayListener(RelayLoop& loop, ListenerOptions options);
  RelayListener(const RelayListener&) = delete;
  RelayListener& operator=(const RelayListener&) = delete;
  RelayListener(RelayListener&&) = delete;
  RelayListener& operator=(RelayListener&&) = delete;
  /// Ends the connections now. @see Connection::drop()
  ~RelayListener() override;

  /// Where it listens, with the port that it got.
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] std::size_t open() const noexcept { return connections_.size(); }
  [[nodiscard]] const ListenerCounters& counters() const noexcept { return counters_; }
  /// The other ends of the connections that are open.
  [[nodiscard]] std::vector<Endpoint> peers() const;
  /// Of the next connection; those before have lower ones.
  [[nodiscard]] std::uint64_t next_number() const noexcept { return next_number_; }

  /// For connections that are not dialled on yet, and all further ones.
  void set_upstream(FindUpstream find) { options_.find_upstream = std::move(find); }
  /// Ends all connections in order. They may need a second to be gone.
  void close_connections();
  void reset_connections();

  void run(TimePoint now) noexcept override;

 private:
  /// Accepted in one turn, then it is others' turn.
  static constexpr int kBatch = 16;

  [[nodiscard]] bool accept_one(TimePoint now);
  void begin(Accepted accepted, TimePoint now);
  [[nodiscard]] std::optional<Rules> rules_for(const Endpoint& peer) noexcept;
  void starve();
  void ended(Connection& connection) override;
  void dial_failed() override { ++counters_.dial_failed; }
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const;

  RelayLoop& loop_;
  ListenerOptions options_;
  UniqueFd fd_;
  Endpoint endpoint_;
  Watched watched_;
  UniqueFd spare_;  ///< for dialling on: had before a connection is accepted that would need it
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  ListenerCounters counters_;
  std::uint64_t next_number_ = 0;
};

}  // namespace tinet::proxy
