#include "src/model/traffic.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

using Ports = std::vector<std::uint16_t>;

bool has(const std::vector<Link>& sorted, Link link) {
  return std::binary_search(sorted.begin(), sorted.end(), link);
}

bool has(const Ports& sorted, std::uint16_t port) {
  return std::binary_search(sorted.begin(), sorted.end(), port);
}

/// The ports of each endpoint that a connection of the scope can go to.
class Listeners {
 public:
  Listeners(const TrafficWords& words, const ClusterPlan& plan) : service_(words.service) {
    anybody_ = words.ports;
    std::sort(anybody_.begin(), anybody_.end());
    anybody_.erase(std::unique(anybody_.begin(), anybody_.end()), anybody_.end());
    if (!service_.empty()) {
      for (const auto& instance : plan.instances) {
        const auto port = instance.port_of(service_);
        of_.push_back(port ? Ports{*port} : Ports{});
      }
    }
  }

  [[nodiscard]] const Ports& of(Endpoint endpoint) const {
    if (service_.empty()) {
      return anybody_;
    }
    return endpoint < of_.size() ? of_[endpoint] : none_;
  }

 private:
  const std::string& service_;
  Ports anybody_;
  std::vector<Ports> of_;
  Ports none_;
};

/// Nobody in scope has the service: the error lists what they have.
[[noreturn]] void refuse_service(const TrafficWords& words, const std::vector<Link>& links,
                                 const ClusterPlan& plan) {
  std::set<std::string> there;
  for (const auto& link : links) {
    for (const auto end : {link.to, words.packets ? link.from : link.to}) {
      if (end < plan.instances.size()) {
        for (const auto& service : plan.instances[end].services) {
          there.insert(service.name);
        }
      }
    }
  }
  const std::vector<std::string> names(there.begin(), there.end());
  const std::string meant = nearest(words.service, names);
  throw_usage("nobody who could be connected to has a service '" + words.service + "' (" +
                  (names.empty() ? "they have none" : "they have: " + join(names, ", ")) + ")",
              meant.empty() ? "name a port with --port" : "did you mean '" + meant + "'?");
}

std::vector<Link> with_opposites(const std::vector<Link>& links) {
  std::vector<Link> both = links;
  both.reserve(2 * links.size());
  for (const auto& link : links) {
    both.push_back({link.to, link.from});
  }
  std::sort(both.begin(), both.end());
  both.erase(std::unique(both.begin(), both.end()), both.end());
  return both;
}

}  // namespace

void check_traffic(TrafficWords& words) {
  const bool of_tcp = words.connections != Connections::All || words.replies_only;
  if (!words.service.empty() && !words.ports.empty()) {
    throw_usage("--service and --port name the same thing twice", "leave out one of them");
  }
  if (words.has_ports() && words.protocol == Protocol::Icmp) {
    throw_usage("--proto icmp has no ports", "leave out --service and --port");
  }
  if (std::count(words.ports.begin(), words.ports.end(), 0) > 0) {
    throw_usage("--port: 0 is no port", "ports are 1 to 65535");
  }
  if (of_tcp && words.protocol != Protocol::Any && words.protocol != Protocol::Tcp) {
    throw_usage(
        std::string(words.replies_only ? "--lost-reply is" : "--new and --established are") +
            " about TCP connections, and --proto is " + std::string(to_string(words.protocol)),
        "leave out --proto");
  }
  if (words.replies_only && !words.has_ports()) {
    throw_usage("--lost-reply needs to know who is asked: a reply is what a service sends",
                "add --service NAME or --port N");
  }
  if (words.replies_only && words.connections == Connections::New) {
    throw_usage("--lost-reply and --new exclude each other: a connection request is no reply");
  }
  if (words.first == 0U) {
    throw_usage("--first: at least one packet must be meant");
  }
  if (words.first && *words.first > kFirstMax) {
    throw_usage(
        "--first: " + std::to_string(*words.first) + " are too many packets",
        "at most " + std::to_string(kFirstMax) + " are possible; --after-bytes counts more");
  }
  if (words.after_bytes == 0U) {
    throw_usage("--after-bytes: at least one byte must pass before", "leave it out");
  }
  if (words.first && words.after_bytes) {
    throw_usage("--first and --after-bytes exclude each other");
  }
  if (words.replies_only && (words.first || words.after_bytes)) {
    throw_usage("--lost-reply chooses whole connections, --first and --after-bytes count packets",
                "leave out one of them");
  }
  if (words.after_bytes && words.connections == Connections::New) {
    throw_usage("--after-bytes and --new exclude each other: connection requests carry no data");
  }
  if (of_tcp) {
    words.protocol = Protocol::Tcp;
  }
}

ScopedLinks resolve_traffic(const TrafficWords& words, const std::vector<Link>& links,
                            const ClusterPlan& plan) {
  Match base;
  base.protocol = words.protocol;
  base.connections = words.connections;
  base.first = words.first;
  base.after_bytes = words.after_bytes;
  if (!words.has_ports()) {
    return {links, {base}, std::vector<std::uint32_t>(links.size(), 0)};
  }

  const Listeners listeners(words, plan);
  ScopedLinks scoped;
  std::map<std::pair<Ports, Ports>, std::uint32_t> known;
  for (const auto& link : words.packets ? links : with_opposites(links)) {
    Ports to;
    Ports from;
    if (words.packets || has(links, link)) {
      to = listeners.of(link.to);
    }
    if (words.packets || has(links, {link.to, link.from})) {
      from = listeners.of(link.from);
    }
    if (words.connections == Connections::New) {
      from.clear();
    }
    if (words.replies_only) {
      to.clear();
    }
    if (to.empty() && from.empty()) {
      continue;
    }
    const auto [at, added] = known.try_emplace({std::move(to), std::move(from)},
                                               static_cast<std::uint32_t>(scoped.matches.size()));
    if (added) {
      Match match = base;
      match.to_ports = at->first.first;
      match.from_ports = at->first.second;
      scoped.matches.push_back(std::move(match));
    }
    scoped.links.push_back(link);
    scoped.match_of.push_back(at->second);
  }
  if (scoped.links.empty()) {
    refuse_service(words, links, plan);
  }
  return scoped;
}

bool both_directions(const std::vector<Link>& sorted_links) {
  return std::all_of(sorted_links.begin(), sorted_links.end(), [&](const Link& link) {
    return has(sorted_links, {link.to, link.from});
  });
}

bool ports_match(const Match& match, const Flow& flow) {
  return !match.has_ports() || has(match.to_ports, flow.to_port) ||
         has(match.from_ports, flow.from_port);
}

}  // namespace tinet
