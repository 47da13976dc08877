#pragma once
/// The relays of a cluster: one before every service, and what each pair of endpoints suffers.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "src/fabric/effects.h"
#include "src/fabric/fabric.h"
#include "src/proxy/listener.h"
#include "src/proxy/relay_loop.h"
#include "src/relays/dialers.h"
#include "src/relays/relay_rules.h"

namespace tinet::relays {

/// Lives on one thread, that of its executor.
class Relays {
 public:
  /// Listens at every service's address. `dialers` must outlive it.
  /// @throws Error Conflict when an address is in use
  Relays(const boost::asio::any_io_executor& executor, const FabricPlan& plan, Dialers& dialers);
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;
  Relays(Relays&&) = delete;
  Relays& operator=(Relays&&) = delete;
  ~Relays() = default;

  /// One relay: an endpoint's address at a port.
  struct Place {
    Endpoint endpoint = 0;
    std::uint16_t port = 0;
    proxy::Endpoint address;   ///< where it listens
    proxy::Endpoint upstream;  ///< where the program does
  };
  [[nodiscard]] std::vector<Place> places() const;
  /// The endpoint of that name; nullopt when there is none.
  [[nodiscard]] std::optional<Endpoint> find(std::string_view name) const;
  /// Rules for every connection of a relay, whoever dials, in addition to those of links.
  [[nodiscard]] const proxy::RulePair& rules_of_place(std::size_t place) const;
  /// Rules for the connections of a way, in addition. The place is that of its listener and port.
  [[nodiscard]] const proxy::RulePair& rules_of_way(const Way& way, std::size_t place);
  /// Listens again where it does not. @throws Error Conflict when the address is in use
  void open(std::size_t place);
  /// Stops listening and ends the connections.
  void close(std::size_t place);

  /// From here on links suffer what these faults imply, also when they end one after the other. No
  /// byte is judged by half a change: all rules change between two turns of the relays.
  /// @param wanted of exactly these faults
  /// @return links whose present effect has changed
  std::size_t apply(const std::vector<Fault>& active, const fabric::LinkSchedules& wanted,
                    MonoTime now);

  [[nodiscard]] std::vector<LinkState> links(MonoTime now);
  [[nodiscard]] PacketCounts packets(FaultId fault);
  /// Pieces of data that endpoints have sent one another, also those that a fault stopped.
  [[nodiscard]] std::uint64_t chunks() const;
  [[nodiscard]] Effect effect_on(Link link, MonoTime now) const;
  /// Rules of the ways between the two, in words.
  [[nodiscard]] std::vector<std::string> rules_on(Link link, std::optional<std::uint16_t> port,
                                                  MonoTime now) const;
  /// Connections that are open between the ends of these links, as packets of each link show them.
  /// @param links sorted
  [[nodiscard]] std::vector<Flow> flows(const std::vector<Link>& links);

 private:
  struct Service {
    Endpoint endpoint = 0;
    std::uint16_t port = 0;
    proxy::Endpoint address;
    proxy::Endpoint upstream;
    proxy::RulePair more{};                          ///< for all its connections
    std::unique_ptr<proxy::RelayListener> listener;  ///< null while it is closed
  };
  struct WayState {
    proxy::RulePair own;           ///< of the links' effects
    proxy::RulePair more;          ///< of whoever else acts on it
    proxy::Counters forward_seen;  ///< what was attributed already
    proxy::Counters backward_seen;
    WayEffects effects;
    std::size_t service = 0;
  };

  void listen(std::size_t service);
  [[nodiscard]] std::optional<proxy::Rules> rules_for(std::size_t service,
                                                      const proxy::Endpoint& peer);
  [[nodiscard]] bool is_impaired(Endpoint endpoint, MonoTime now) const;
  [[nodiscard]] WayEffects effects_of(const Way& way, MonoTime now) const;
  [[nodiscard]] WayRules rules_for_effects(const WayEffects& effects, std::size_t service) const;
  [[nodiscard]] WayState& state_of(const Way& way, std::size_t service, MonoTime now);
  void follow(const Way& way, WayState& state, MonoTime now);
  void follow_all(MonoTime now);
  void arm(MonoTime now);
  void count(const Way& way, WayState& state);
  void count_all();
  void add(Link link, const std::vector<FaultId>& faults, const PacketCounts& counts);

  Dialers& dialers_;
  proxy::RelayLoop loop_;
  std::vector<std::string> names_;
  proxy::RulePair outside_;  ///< of connections that no fault concerns
  boost::asio::steady_timer next_end_;
  std::map<Link, std::shared_ptr<const fabric::Schedule>> schedules_;
  std::map<Way, WayState> ways_;
  /// For each fault, of each service: connections from that number on are newer than it.
  std::map<FaultId, std::vector<std::uint64_t>> first_numbers_;
  std::map<Link, PacketCounts> link_counts_;
  std::map<FaultId, PacketCounts> fault_counts_;
  std::vector<Service> services_;  ///< last: their ends use what is above
};

}  // namespace tinet::relays
