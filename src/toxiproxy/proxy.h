#pragma once
/// One proxy of the API: a relay that can be taken down and up again, and its toxics.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "src/proxy/listener.h"
#include "src/toxiproxy/toxic.h"

namespace tinet::toxiproxy {

/// What a proxy is to be, with its addresses understood.
struct ProxySpec {
  std::string name;
  std::string listen;        ///< as it was asked for
  proxy::Endpoint endpoint;  ///< what `listen` stands for
  std::string upstream;      ///< as it was asked for
  proxy::FindUpstream find_upstream;
  bool enabled = true;
  /// For a relay that is somebody else's: opens it, and what this returns closes it when it is
  /// destroyed. Empty: the proxy has a relay of its own.
  /// @throws Error Conflict when the address is in use
  std::function<std::shared_ptr<void>()> open{};
  /// Where the toxics' rules go; of a relay that is somebody else's.
  proxy::RulePair rules{};
};

class Proxy {
 public:
  /// Down at first.
  /// @param seed of everything that its toxics draw
  Proxy(proxy::RelayLoop& loop, ProxySpec spec, std::uint64_t seed);

  /// Listens. Nothing happens when it does already.
  /// @throws Error Conflict when the address is in use
  void start();
  /// Stops listening and closes the connections. The toxics stay.
  void stop();
  /// Another listen address or upstream restarts it and drops its connections; then it is taken up
  /// or down as `spec.enabled` says.
  /// @throws ApiError 403 for a relay that is somebody else's
  /// @throws Error as start(), and it is down then
  void update(ProxySpec spec);
  /// True when it would listen or dial elsewhere.
  [[nodiscard]] bool differs(const ProxySpec& spec) const;

  [[nodiscard]] const ProxySpec& spec() const noexcept { return spec_; }

  /// @throws ApiError 409 when there is one of that name
  const Toxic& add_toxic(Toxic toxic);
  /// @throws ApiError 404, or 400 as changed_toxic()
  const Toxic& change_toxic(const std::string& name, const boost::json::object& object);
  /// @throws ApiError 404
  void remove_toxic(const std::string& name);
  void clear_toxics();
  /// @throws ApiError 404
  [[nodiscard]] const Toxic& toxic(const std::string& name) const;

  [[nodiscard]] boost::json::object to_json() const;
  [[nodiscard]] boost::json::array toxics_json() const;

  [[nodiscard]] const proxy::Counters& count(Stream stream) const;

 private:
  struct Entry {
    proxy::RuleSet::Key key = 0;
    Toxic toxic;
  };
  [[nodiscard]] std::size_t find(const std::string& name) const;
  void apply(const Entry& entry);
  [[nodiscard]] const std::shared_ptr<proxy::RuleSet>& rules(Stream stream) const;

  proxy::RelayLoop& loop_;
  ProxySpec spec_;
  proxy::RulePair rules_;  ///< stay when the proxy gets other addresses
  std::uint64_t seed_;
  std::vector<Entry> toxics_;
  proxy::RuleSet::Key next_key_ = 0;
  std::unique_ptr<proxy::RelayListener> listener_;
  std::shared_ptr<void> opened_;  ///< instead of it, of somebody else's relay
};

}  // namespace tinet::toxiproxy
