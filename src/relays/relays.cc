#include "src/relays/relays.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/ip/address_v4.hpp>

namespace tinet::relays {

namespace asio = boost::asio;

namespace {

MonoTime now_is() {
  return std::chrono::steady_clock::now();
}

proxy::Endpoint endpoint_at(Ipv4 address, std::uint16_t port) {
  return {asio::ip::address_v4(address.value), port};
}

std::vector<std::uint8_t> bytes_of(const proxy::Endpoint& endpoint) {
  const auto bytes = endpoint.address().to_v4().to_bytes();
  return {bytes.begin(), bytes.end()};
}

void make_equal(proxy::RuleSet& set, const WayRules::Rules& wanted) {
  std::vector<proxy::RuleSet::Key> gone;
  for (const auto& [key, entry] : set.entries()) {
    if (!wanted.contains(key)) {
      gone.push_back(key);
    }
  }
  for (const auto key : gone) {
    set.remove(key);
  }
  for (const auto& [key, rule] : wanted) {
    set.put(key, rule);
  }
}

bool stops(const Effect& effect) {
  return std::any_of(effect.clauses.begin(), effect.clauses.end(), [](const EffectClause& clause) {
    return clause.action.cut || clause.action.hold;
  });
}

proxy::Counters since(const proxy::Counters& now, const proxy::Counters& before) {
  proxy::Counters delta;
  delta.bytes = now.bytes - before.bytes;
  delta.chunks = now.chunks - before.chunks;
  delta.refused = now.refused - before.refused;
  delta.reset = now.reset - before.reset;
  delta.held = now.held - before.held;
  return delta;
}

}  // namespace

Relays::Relays(const asio::any_io_executor& executor, const FabricPlan& plan, Dialers& dialers)
    : dialers_(dialers), loop_(executor), next_end_(executor) {
  for (std::size_t i = 0; i < plan.endpoints.size(); ++i) {
    const FabricEndpoint& endpoint = plan.endpoints[i];
    names_.push_back(endpoint.name);
    const std::set<std::uint16_t> ports(endpoint.ports.begin(), endpoint.ports.end());
    for (const std::uint16_t port : ports) {
      services_.push_back({static_cast<Endpoint>(i),
                           port,
                           endpoint_at(endpoint.address, port),
                           endpoint_at(endpoint.listen_address, port),
                           {},
                           nullptr});
      listen(services_.size() - 1);
    }
  }
}

void Relays::listen(std::size_t service) {
  Service& place = services_[service];
  proxy::ListenerOptions options;
  options.bind = place.address;
  options.find_upstream = proxy::dial({place.upstream});
  options.on_accept = [this, service](const proxy::Endpoint& peer) {
    return rules_for(service, peer);
  };
  place.listener = std::make_unique<proxy::RelayListener>(loop_, std::move(options));
}

std::optional<Endpoint> Relays::find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? std::nullopt
                               : std::optional(static_cast<Endpoint>(found - names_.begin()));
}

std::vector<Relays::Place> Relays::places() const {
  std::vector<Place> places;
  for (const Service& service : services_) {
    places.push_back({service.endpoint, service.port, service.address, service.upstream});
  }
  return places;
}

const proxy::RulePair& Relays::rules_of_place(std::size_t place) const {
  return services_.at(place).more;
}

const proxy::RulePair& Relays::rules_of_way(const Way& way, std::size_t place) {
  return state_of(way, place, now_is()).more;
}

void Relays::open(std::size_t place) {
  Service& service = services_.at(place);
  if (!service.listener) {
    listen(place);
    // Its connections are numbered anew: all are newer than every fault.
    for (auto& [fault, numbers] : first_numbers_) {
      numbers[place] = 0;
    }
    follow_all(now_is());
  }
}

void Relays::close(std::size_t place) {
  services_.at(place).listener.reset();
}

std::optional<proxy::Rules> Relays::rules_for(std::size_t service, const proxy::Endpoint& peer) {
  const Service& dialled = services_[service];
  const Dialer dialer = dialers_.find(plain(peer), plain(dialled.address));
  const MonoTime now = now_is();
  if (dialer.kind == DialerKind::Unknown && is_impaired(dialled.endpoint, now)) {
    // It might be one that must not get through.
    return std::nullopt;
  }
  if (dialer.kind != DialerKind::Endpoint || dialer.endpoint == dialled.endpoint) {
    return proxy::Rules{outside_, {dialled.more}};
  }
  const Way way{dialer.endpoint, dialled.endpoint, dialled.port};
  const WayState& state = state_of(way, service, now);
  return proxy::Rules{state.own, {state.more, dialled.more}};
}

Relays::WayState& Relays::state_of(const Way& way, std::size_t service, MonoTime now) {
  const auto [found, is_new] = ways_.try_emplace(way);
  if (is_new) {
    found->second.service = service;
    follow(way, found->second, now);
  }
  return found->second;
}

Effect Relays::effect_on(Link link, MonoTime now) const {
  const auto schedule = schedules_.find(link);
  const fabric::TimedEffect* const entry =
      schedule == schedules_.end() ? nullptr : fabric::effect_at(*schedule->second, now);
  return entry == nullptr ? Effect{} : entry->effect;
}

bool Relays::is_impaired(Endpoint endpoint, MonoTime now) const {
  return std::any_of(schedules_.begin(), schedules_.end(), [&](const auto& entry) {
    const auto& [link, schedule] = entry;
    return (link.from == endpoint || link.to == endpoint) && !effect_on(link, now).empty();
  });
}

WayEffects Relays::effects_of(const Way& way, MonoTime now) const {
  return {concerning(effect_on(way.there(), now), way.port, true),
          concerning(effect_on(way.back(), now), way.port, false)};
}

WayRules Relays::rules_for_effects(const WayEffects& effects, std::size_t service) const {
  return rules_of(effects, [&](FaultId fault) {
    const auto numbers = first_numbers_.find(fault);
    return numbers == first_numbers_.end() ? 0 : numbers->second.at(service);
  });
}

void Relays::follow(const Way& way, WayState& state, MonoTime now) {
  count(way, state);
  state.effects = effects_of(way, now);
  const WayRules rules = rules_for_effects(state.effects, state.service);
  make_equal(*state.own.forward, rules.forward);
  make_equal(*state.own.backward, rules.backward);
}

void Relays::follow_all(MonoTime now) {
  for (auto& [way, state] : ways_) {
    follow(way, state, now);
  }
  arm(now);
}

/// Ends of faults need nobody: the relays' own timer uncovers what comes after them.
void Relays::arm(MonoTime now) {
  std::optional<MonoTime> next;
  for (const auto& [link, schedule] : schedules_) {
    for (const fabric::TimedEffect& entry : *schedule) {
      if (entry.end && *entry.end > now) {
        next = next ? std::min(*next, *entry.end) : *entry.end;
        break;
      }
    }
  }
  next_end_.cancel();
  if (!next) {
    return;
  }
  next_end_.expires_at(*next);
  next_end_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      follow_all(now_is());
    }
  });
}

std::size_t Relays::apply(const std::vector<Fault>& active, const fabric::LinkSchedules& wanted,
                          MonoTime now) {
  std::set<Link> concerned;
  for (const auto& [link, schedule] : schedules_) {
    concerned.insert(link);
  }
  std::map<Link, std::shared_ptr<const fabric::Schedule>> schedules;
  for (const fabric::LinkSchedule& link : wanted.links) {
    schedules[link.link] = link.schedule;
    concerned.insert(link.link);
  }
  std::set<FaultId> present;
  for (const Fault& fault : active) {
    present.insert(fault.id);
    std::vector<std::uint64_t>& numbers = first_numbers_[fault.id];
    for (std::size_t i = numbers.size(); i < services_.size(); ++i) {
      numbers.push_back(services_[i].listener ? services_[i].listener->next_number() : 0);
    }
  }
  std::erase_if(first_numbers_, [&](const auto& entry) { return !present.contains(entry.first); });

  std::map<Link, Effect> before;
  for (const Link& link : concerned) {
    before[link] = effect_on(link, now);
  }
  schedules_ = std::move(schedules);
  follow_all(now);
  return static_cast<std::size_t>(std::count_if(
      before.begin(), before.end(),
      [&](const auto& entry) { return entry.second != effect_on(entry.first, now); }));
}

/// What has been counted since the last time, by what the connections suffered meanwhile. A cut of
/// one link stops both directions: what the other direction counts is that cut's, too, unless its
/// own link is cut as well.
void Relays::count(const Way& way, WayState& state) {
  const proxy::Counters forward = since(state.own.forward->counters(), state.forward_seen);
  const proxy::Counters backward = since(state.own.backward->counters(), state.backward_seen);
  state.forward_seen = state.own.forward->counters();
  state.backward_seen = state.own.backward->counters();
  const bool there_stops = stops(state.effects.there);
  const bool back_stops = stops(state.effects.back);
  for (const bool is_there : {true, false}) {
    const proxy::Counters& own = is_there ? forward : backward;
    const proxy::Counters& other = is_there ? backward : forward;
    const bool other_stops = is_there ? back_stops : there_stops;
    for (const EffectClause& clause :
         (is_there ? state.effects.there : state.effects.back).clauses) {
      PacketCounts counts;
      const LinkAction& action = clause.action;
      if (action.cut || action.hold) {
        counts.held = own.held + (other_stops ? 0 : other.held);
      }
      if (action.cut && *action.cut != CutMode::Drop) {
        // New connections are refused in the direction of the dialer, whichever link is cut.
        counts.rejected = own.reset + (is_there || !there_stops ? forward.refused : 0);
      }
      if (action.delay || action.rate) {
        counts.delayed = own.chunks;
      }
      if (clause.match.after_bytes) {
        counts.passed = own.chunks;
      }
      add(is_there ? way.there() : way.back(), clause.faults, counts);
    }
  }
}

void Relays::count_all() {
  for (auto& [way, state] : ways_) {
    count(way, state);
  }
}

void Relays::add(Link link, const std::vector<FaultId>& faults, const PacketCounts& counts) {
  if (counts == PacketCounts{}) {
    return;
  }
  link_counts_[link] += counts;
  for (const FaultId fault : faults) {
    fault_counts_[fault] += counts;
  }
}

std::vector<LinkState> Relays::links(MonoTime now) {
  count_all();
  std::map<Link, LinkState> states;
  for (const auto& [link, counts] : link_counts_) {
    states[link].packets = counts;
  }
  for (const auto& [link, schedule] : schedules_) {
    states[link].effect = effect_on(link, now);
  }
  return in_order(std::move(states));
}

std::uint64_t Relays::chunks() const {
  std::uint64_t sum = 0;
  for (const auto& [way, state] : ways_) {
    for (const auto& set : {state.own.forward, state.own.backward}) {
      const proxy::Counters& counters = set->counters();
      sum += counters.chunks + counters.held + counters.refused;
    }
  }
  return sum;
}

PacketCounts Relays::packets(FaultId fault) {
  count_all();
  const auto found = fault_counts_.find(fault);
  return found == fault_counts_.end() ? PacketCounts{} : found->second;
}

std::vector<std::string> Relays::rules_on(Link link, std::optional<std::uint16_t> port,
                                          MonoTime now) const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const Service& service = services_[i];
    const bool is_there = service.endpoint == link.to;
    if ((!is_there && service.endpoint != link.from) || (port && *port != service.port)) {
      continue;
    }
    const Way way{is_there ? link.from : link.to, service.endpoint, service.port};
    const WayRules rules = rules_for_effects(effects_of(way, now), i);
    const std::string connections = "relay " + names_[way.dialer] + " -> " + names_[way.listener] +
                                    ":" + std::to_string(way.port);
    for (const auto& [key, rule] : is_there ? rules.forward : rules.backward) {
      std::string line = connections + (is_there ? " requests: " : " replies: ") + describe(rule);
      if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
        lines.push_back(std::move(line));
      }
    }
  }
  return lines;
}

std::vector<Flow> Relays::flows(const std::vector<Link>& links) {
  std::vector<Flow> flows;
  for (const Service& service : services_) {
    const proxy::Endpoint& local = service.address;
    const auto peers =
        service.listener ? service.listener->peers() : std::vector<proxy::Endpoint>();
    for (const proxy::Endpoint& peer : peers) {
      const Dialer dialer = dialers_.find(plain(peer), plain(local));
      if (dialer.kind != DialerKind::Endpoint) {
        continue;
      }
      const Way way{dialer.endpoint, service.endpoint, service.port};
      if (std::binary_search(links.begin(), links.end(), way.there())) {
        flows.push_back({bytes_of(peer), peer.port(), bytes_of(local), local.port()});
      }
      if (std::binary_search(links.begin(), links.end(), way.back())) {
        flows.push_back({bytes_of(local), local.port(), bytes_of(peer), peer.port()});
      }
    }
  }
  return flows;
}

}  // namespace tinet::relays
