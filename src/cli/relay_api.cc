#include "src/cli/relay_api.h"

#include <limits>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "netns/socket_owner.h"
#include "src/base/error.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace asio = boost::asio;

namespace {

/// "tikv-0:client"; of several services at one port the first.
std::string proxy_name(const InstancePlan& instance, std::uint16_t port) {
  for (const ServicePort& service : instance.services) {
    if (service.port == port) {
      return instance.name + ":" + service.name;
    }
  }
  return instance.name + ":" + std::to_string(port);
}

toxiproxy::ProxySpec spec_of(const relays::Relays::Place& place) {
  toxiproxy::ProxySpec spec;
  spec.endpoint = place.address;
  spec.listen = proxy::to_string(place.address);
  spec.upstream = proxy::to_string(place.upstream);
  return spec;
}

/// Not among the keys of toxics, which are counted from 0.
constexpr proxy::RuleSet::Key kClosed = std::numeric_limits<proxy::RuleSet::Key>::max();

/// "tikv-0>tikv-1:client": the connections that one of the cluster opens to a service of another.
std::optional<toxiproxy::ProxySpec> pair_spec(const ClusterPlan& plan, relays::Relays& relays,
                                              const std::string& name) {
  const auto arrow = name.find('>');
  const auto dialer = relays.find(std::string_view(name).substr(0, arrow));
  if (arrow == std::string::npos || !dialer) {
    return std::nullopt;
  }
  const auto places = relays.places();
  for (std::size_t i = 0; i < places.size(); ++i) {
    const relays::Relays::Place& place = places[i];
    if (place.endpoint == *dialer ||
        proxy_name(plan.instances.at(place.endpoint), place.port) != name.substr(arrow + 1)) {
      continue;
    }
    toxiproxy::ProxySpec spec = spec_of(place);
    spec.name = name;
    spec.rules = relays.rules_of_way({*dialer, place.endpoint, place.port}, i);
    // The relay serves others, too: who is closed out is refused.
    spec.open = [rules = spec.rules] {
      rules.forward->remove(kClosed);
      return std::shared_ptr<void>(nullptr, [rules](void*) {
        proxy::Rule closed;
        closed.refuse = true;
        closed.reset_after = Nanoseconds(0);
        rules.forward->put(kClosed, closed);
      });
    };
    return spec;
  }
  return std::nullopt;
}

}  // namespace

proxy::Endpoint parse_api_address(const std::string& text, const std::string& what) {
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (colon == std::string::npos || error || !address.is_loopback()) {
    throw_usage(what + ": '" + text + "' is no loopback address with a port",
                "write e.g. " + what + " 127.0.0.1:8474");
  }
  const auto port = parse_number(text.substr(colon + 1), what, 1, 65'535);
  return {address, static_cast<std::uint16_t>(port)};
}

std::function<bool(const http::ConnectionEnds&)> only(uid_t user) {
  auto diagnostics = std::make_shared<netlink::Socket>([] {
    try {
      return open_socket_diagnostics();
    } catch (const Error& error) {
      throw_unavailable(std::string("cannot tell which user a request comes from: ") + error.what(),
                        "let every user of this machine use the API: --any-user");
    }
  }());
  return [diagnostics, user](const http::ConnectionEnds& ends) {
    const auto owner =
        find_tcp_owner(*diagnostics, relays::plain(ends.peer), relays::plain(ends.local));
    // A socket that nobody holds any more counts as root's for the kernel: whoever sends something
    // and closes could be anybody.
    return owner && owner->inode != 0 && (owner->uid == user || owner->uid == 0);
  };
}

std::shared_ptr<void> serve_relay_api(const ClusterPlan& plan, asio::io_context& loop,
                                      relays::Relays& relays) {
  toxiproxy::ServerOptions options;
  options.collection.seed = std::random_device{}();
  options.collection.find = [plan, &relays](const std::string& name) {
    return pair_spec(plan, relays, name);
  };
  options.may_use = only(plan.user.uid);
  auto server = std::make_shared<toxiproxy::Server>(loop.get_executor(), std::move(options));
  const auto places = relays.places();
  for (std::size_t i = 0; i < places.size(); ++i) {
    toxiproxy::ProxySpec spec = spec_of(places[i]);
    spec.name = proxy_name(plan.instances.at(places[i].endpoint), places[i].port);
    spec.rules = relays.rules_of_place(i);
    spec.open = [&relays, i] {
      relays.open(i);
      return std::shared_ptr<void>(nullptr, [&relays, i](void*) { relays.close(i); });
    };
    server->adopt(std::move(spec));
  }
  server->listen_at(parse_api_address(plan.toxiproxy_api, "--toxiproxy-api"));
  return server;
}

}  // namespace tinet::cli
