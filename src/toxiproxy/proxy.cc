#include "src/toxiproxy/proxy.h"

#include <algorithm>
#include <utility>

#include "src/proxy/random.h"
#include "src/toxiproxy/api_error.h"

namespace tinet::toxiproxy {

namespace json = boost::json;

namespace {

/// FNV-1a: the same on every machine, so that a seed means the same everywhere.
std::uint64_t hash(std::string_view text) noexcept {
  std::uint64_t value = 0xcbf29ce484222325U;
  for (const char letter : text) {
    value = (value ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return value;
}

}  // namespace

Proxy::Proxy(proxy::RelayLoop& loop, ProxySpec spec, std::uint64_t seed)
    : loop_(loop),
      spec_(std::move(spec)),
      rules_(spec_.rules),
      seed_(proxy::mix(seed, hash(spec_.name))) {
  spec_.enabled = false;
}

void Proxy::start() {
  if (spec_.enabled) {
    return;
  }
  if (spec_.open) {
    opened_ = spec_.open();
    spec_.enabled = true;
    return;
  }
  proxy::ListenerOptions options;
  options.bind = spec_.endpoint;
  options.find_upstream = spec_.find_upstream;
  options.on_accept = [this](const proxy::Endpoint& /*peer*/) { return proxy::Rules{rules_, {}}; };
  listener_ = std::make_unique<proxy::RelayListener>(loop_, std::move(options));
  spec_.endpoint = listener_->endpoint();
  spec_.listen = proxy::to_string(spec_.endpoint);
  spec_.enabled = true;
}

void Proxy::stop() {
  listener_.reset();
  opened_.reset();
  spec_.enabled = false;
}

bool Proxy::differs(const ProxySpec& spec) const {
  return spec.endpoint != spec_.endpoint || spec.upstream != spec_.upstream;
}

void Proxy::update(ProxySpec spec) {
  const bool is_wanted = spec.enabled;
  if (differs(spec) && spec_.open) {
    throw ApiError(403, "this proxy is a relay of a cluster, which gave it its addresses");
  }
  if (differs(spec)) {
    stop();
    spec_ = std::move(spec);
    spec_.enabled = false;
  }
  if (is_wanted) {
    start();
  } else {
    stop();
  }
}

const std::shared_ptr<proxy::RuleSet>& Proxy::rules(Stream stream) const {
  return stream == Stream::Upstream ? rules_.forward : rules_.backward;
}

const proxy::Counters& Proxy::count(Stream stream) const {
  return rules(stream)->counters();
}

void Proxy::apply(const Entry& entry) {
  const Toxic& toxic = entry.toxic;
  rules(toxic.stream)->put(entry.key, to_rule(toxic, proxy::mix(seed_, hash(toxic.name))));
}

/// toxics_.size() when there is none.
std::size_t Proxy::find(const std::string& name) const {
  const auto found = std::find_if(toxics_.begin(), toxics_.end(),
                                  [&](const Entry& entry) { return entry.toxic.name == name; });
  return static_cast<std::size_t>(found - toxics_.begin());
}

const Toxic& Proxy::toxic(const std::string& name) const {
  const std::size_t index = find(name);
  if (index == toxics_.size()) {
    throw ApiError(404, "toxic not found");
  }
  return toxics_[index].toxic;
}

const Toxic& Proxy::add_toxic(Toxic toxic) {
  if (find(toxic.name) != toxics_.size()) {
    throw ApiError(409, "toxic already exists");
  }
  toxics_.push_back({.key = next_key_++, .toxic = std::move(toxic)});
  apply(toxics_.back());
  return toxics_.back().toxic;
}

const Toxic& Proxy::change_toxic(const std::string& name, const json::object& object) {
  Toxic changed = changed_toxic(toxic(name), object);
  Entry& entry = toxics_[find(name)];
  entry.toxic = std::move(changed);
  apply(entry);
  return entry.toxic;
}

void Proxy::remove_toxic(const std::string& name) {
  const Stream stream = toxic(name).stream;
  const std::size_t index = find(name);
  rules(stream)->remove(toxics_[index].key);
  toxics_.erase(toxics_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Proxy::clear_toxics() {
  rules_.forward->clear();
  rules_.backward->clear();
  toxics_.clear();
}

json::array Proxy::toxics_json() const {
  json::array array;
  for (const Stream stream : {Stream::Upstream, Stream::Downstream}) {
    for (const Entry& entry : toxics_) {
      if (entry.toxic.stream == stream) {
        array.push_back(toxiproxy::to_json(entry.toxic));
      }
    }
  }
  return array;
}

json::object Proxy::to_json() const {
  return {{"name", spec_.name},
          {"listen", spec_.listen},
          {"upstream", spec_.upstream},
          {"enabled", spec_.enabled},
          {"toxics", toxics_json()}};
}

}  // namespace tinet::toxiproxy
