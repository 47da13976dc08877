#pragma once
/// One relayed connection: accepted, dialled on, and two directions of bytes until both have ended.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "src/proxy/direction.h"
#include "src/proxy/relay_loop.h"
#include "src/proxy/rule_set.h"
#include "src/proxy/sockets.h"

namespace tinet::proxy {

/// Calls back with the addresses to try, in order; none: there is nobody to dial. May call back at
/// once or later, on the thread of the loop.
using FindUpstream = std::function<void(std::function<void(std::vector<Endpoint>)>)>;

/// Rule sets of both directions.
struct RulePair {
  std::shared_ptr<RuleSet> forward = std::make_shared<RuleSet>();   ///< dialer to upstream
  std::shared_ptr<RuleSet> backward = std::make_shared<RuleSet>();  ///< upstream to dialer
};

/// The rule sets of a connection.
struct Rules {
  RulePair own;  ///< keep the counts; refusal and accept delay count in `forward`
  /// Rules that hold as well, e.g. for all connections of a listener.
  std::vector<RulePair> more{};
};

/// Who keeps connections.
class ConnectionOwner {
 public:
  ConnectionOwner(const ConnectionOwner&) = delete;
  ConnectionOwner& operator=(const ConnectionOwner&) = delete;
  virtual ~ConnectionOwner() = default;
  /// The connection has ended; the owner gives it to the loop to bury.
  virtual void ended(class Connection& connection) = 0;
  /// No address of the upstream took the connection; the dialer was reset.
  virtual void dial_failed() = 0;

 protected:
  ConnectionOwner() = default;
};

/// Lives in one loop. A connection that cannot be dialled on is reset, so that the dialer does not
/// take it for one that was served.
class Connection final : public Task,
                         public RuleObserver,
                         public std::enable_shared_from_this<Connection> {
 public:
  struct Sockets {
    UniqueFd client;  ///< the dialer's
    UniqueFd spare;   ///< unused, for dialling on; may be invalid
    KeepAlive keep_alive;
  };
  /// @param number among the connections of the listener, from 0
  Connection(RelayLoop& loop, ConnectionOwner& owner, Sockets sockets, const Rules& rules,
             std::uint64_t number);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection() override;

  void start(FindUpstream find, TimePoint now);

  /// The dialer; nullopt when it is gone.
  [[nodiscard]] std::optional<Endpoint> peer() const noexcept {
    return peer_endpoint(client_.fd.get());
  }

  /// Resets both ends.
  void abort();
  /// Ends both directions in order, and waits until the peers have read what was passed on.
  void close();
  /// Ends both directions now: in order, but a peer that goes on sending takes it as a reset.
  void drop();

  void run(TimePoint now) noexcept override;
  void rules_changed() noexcept override;

 private:
  enum class Stage {
    Waiting,   ///< delayed or held before dialling on
    Finding,   ///< for the addresses
    Dialling,  ///< for the upstream to answer
    Open,
    Lingering,  ///< closed by us; the ends read what was sent
    Ended,
  };

  void run_waiting(TimePoint now);
  void dial_next();
  void run_dialling(TimePoint now);
  void run_open(TimePoint now);
  void run_lingering(TimePoint now);
  [[nodiscard]] bool check(TimePoint now);
  [[nodiscard]] bool obey(Direction::Outcome outcome);
  void set_time();
  void finish();

  RelayLoop& loop_;
  ConnectionOwner& owner_;
  End client_;
  End upstream_;
  UniqueFd spare_;
  KeepAlive keep_alive_;
  Direction forward_;
  Direction backward_;
  FindUpstream find_;
  std::vector<Endpoint> addresses_;  ///< still to be tried, the next one last
  TimePoint dial_at_{};
  TimePoint linger_until_{};
  Stage stage_ = Stage::Waiting;
};

}  // namespace tinet::proxy
