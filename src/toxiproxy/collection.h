#pragma once
/// The proxies by name, and what requests do to them. Names are unique.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

#include "src/toxiproxy/proxy.h"

namespace tinet::toxiproxy {

/// Single-threaded. While a name is looked up other requests go on; what they did meanwhile counts.
class Collection {
 public:
  struct Options {
    bool allow_remote = false;  ///< proxies may listen on other than loopback addresses
    std::uint64_t seed = 0;     ///< of everything that toxics draw
    /// Relays of somebody else that are too many to be listed before they are used: asked for a
    /// name that no proxy has, adopted when there is one.
    std::function<std::optional<ProxySpec>(const std::string& name)> find{};
  };

  Collection(boost::asio::any_io_executor executor, proxy::RelayLoop& loop, Options options);

  /// Adds a relay that is somebody else's (ProxySpec::open), and opens it. Its addresses stay, and
  /// it cannot be removed.
  /// @throws Error when it cannot listen
  void adopt(ProxySpec spec);
  /// @throws ApiError 400, 403, 409; Error when it cannot listen
  [[nodiscard]] boost::asio::awaitable<Proxy*> create(boost::json::object object);
  /// Members that are missing stay as they are.
  /// @throws ApiError 400, 403, 404; Error when it cannot listen
  [[nodiscard]] boost::asio::awaitable<Proxy*> update(std::string name, boost::json::object object);
  /// Creates each proxy of an array, or replaces one of that name that listens or dials elsewhere;
  /// leaves it alone otherwise. Nothing is changed when the array has an error.
  /// @throws ApiError 400, 403; Error when one cannot listen: those before it are done
  [[nodiscard]] boost::asio::awaitable<std::vector<Proxy*>> populate(boost::json::value body);

  /// @throws ApiError 404
  [[nodiscard]] Proxy& get(const std::string& name);
  /// Closes its listener and its connections.
  /// @throws ApiError 404, 403 for one that was adopted
  void remove(const std::string& name);
  /// Enables all proxies and removes all toxics.
  /// @throws Error when one cannot listen
  void reset();

  using Proxies = std::map<std::string, std::unique_ptr<Proxy>>;
  [[nodiscard]] const Proxies& proxies() const noexcept { return proxies_; }

 private:
  [[nodiscard]] boost::asio::awaitable<ProxySpec> understand(ProxySpec spec) const;
  [[nodiscard]] Proxy& put(ProxySpec spec);

  boost::asio::any_io_executor executor_;
  proxy::RelayLoop& loop_;
  Options options_;
  Proxies proxies_;
};

}  // namespace tinet::toxiproxy
