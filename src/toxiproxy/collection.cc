#include "src/toxiproxy/collection.h"

#include <set>
#include <utility>

#include "src/toxiproxy/address.h"
#include "src/toxiproxy/api_error.h"
#include "src/toxiproxy/fields.h"

namespace tinet::toxiproxy {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// @param where behind the field's name in errors, e.g. " at proxy 2"
ProxySpec read_spec(const json::object& object, const std::string& where = {}) {
  ProxySpec spec;
  spec.name = text_field(object, "name", "");
  spec.listen = text_field(object, "listen", "");
  spec.upstream = text_field(object, "upstream", "");
  spec.enabled = bool_field(object, "enabled", true);
  if (spec.name.empty()) {
    throw ApiError(400, "missing required field: name" + where);
  }
  if (spec.upstream.empty()) {
    throw ApiError(400, "missing required field: upstream" + where);
  }
  return spec;
}

void refuse_adopted(const Proxy& proxy) {
  if (proxy.spec().open) {
    throw ApiError(403, "proxy '" + proxy.spec().name + "' is a relay of a cluster");
  }
}

}  // namespace

Collection::Collection(asio::any_io_executor executor, proxy::RelayLoop& loop, Options options)
    : executor_(std::move(executor)), loop_(loop), options_(std::move(options)) {}

/// Works out what the addresses stand for.
asio::awaitable<ProxySpec> Collection::understand(ProxySpec spec) const {
  spec.find_upstream = upstream(executor_, spec.upstream);
  spec.endpoint = co_await listen_address(spec.listen, options_.allow_remote);
  co_return spec;
}

/// Adds the proxy, in place of another one of its name, once it listens.
Proxy& Collection::put(ProxySpec spec) {
  const bool is_wanted = spec.enabled;
  auto proxy = std::make_unique<Proxy>(loop_, std::move(spec), options_.seed);
  const std::string& name = proxy->spec().name;
  if (const auto old = proxies_.find(name); old != proxies_.end()) {
    old->second->stop();
  }
  if (is_wanted) {
    proxy->start();
  }
  return *(proxies_[name] = std::move(proxy));
}

void Collection::adopt(ProxySpec spec) {
  static_cast<void>(put(std::move(spec)));
}

asio::awaitable<Proxy*> Collection::create(json::object object) {
  ProxySpec spec = read_spec(object);
  spec = co_await understand(std::move(spec));
  if (proxies_.contains(spec.name)) {
    throw ApiError(409, "proxy already exists");
  }
  co_return &put(std::move(spec));
}

asio::awaitable<Proxy*> Collection::update(std::string name, json::object object) {
  const ProxySpec& present = get(name).spec();
  ProxySpec spec;
  spec.name = name;
  spec.listen = text_field(object, "listen", present.listen);
  spec.upstream = text_field(object, "upstream", present.upstream);
  const bool is_present_listen = spec.listen == present.listen;
  const proxy::Endpoint endpoint = present.endpoint;
  spec = co_await understand(std::move(spec));
  if (is_present_listen) {
    // A name may stand for another address by now; nobody asked for that.
    spec.endpoint = endpoint;
  }
  Proxy& proxy = get(name);
  spec.enabled = bool_field(object, "enabled", proxy.spec().enabled);
  proxy.update(std::move(spec));
  co_return &proxy;
}

asio::awaitable<std::vector<Proxy*>> Collection::populate(json::value body) {
  if (!body.is_array()) {
    throw_bad_body("it is not an array of proxies");
  }
  std::vector<ProxySpec> specs;
  std::set<std::string> names;
  for (const json::value& entry : body.as_array()) {
    const std::string where = " at proxy " + std::to_string(specs.size() + 1);
    if (!entry.is_object()) {
      throw_bad_body("no object" + where);
    }
    ProxySpec spec = read_spec(entry.as_object(), where);
    if (!names.insert(spec.name).second) {
      throw ApiError(400, "duplicate name '" + spec.name + "'" + where);
    }
    specs.push_back(std::move(spec));
  }
  for (ProxySpec& spec : specs) {
    spec = co_await understand(std::move(spec));
  }
  for (const ProxySpec& spec : specs) {
    const auto known = proxies_.find(spec.name);
    if (known != proxies_.end() && known->second->differs(spec)) {
      refuse_adopted(*known->second);
    }
  }
  std::vector<Proxy*> proxies;
  for (ProxySpec& spec : specs) {
    const auto known = proxies_.find(spec.name);
    const bool stays = known != proxies_.end() && !known->second->differs(spec);
    proxies.push_back(stays ? known->second.get() : &put(std::move(spec)));
  }
  co_return proxies;
}

Proxy& Collection::get(const std::string& name) {
  if (const auto found = proxies_.find(name); found != proxies_.end()) {
    return *found->second;
  }
  if (auto hidden = options_.find ? options_.find(name) : std::nullopt) {
    return put(std::move(*hidden));
  }
  throw ApiError(404, "proxy not found");
}

void Collection::remove(const std::string& name) {
  refuse_adopted(get(name));
  get(name).stop();
  proxies_.erase(name);
}

void Collection::reset() {
  for (const auto& [name, proxy] : proxies_) {
    proxy->start();
    proxy->clear_toxics();
  }
}

}  // namespace tinet::toxiproxy
