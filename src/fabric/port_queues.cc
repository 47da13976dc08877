#include "src/fabric/port_queues.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "netns/link.h"
#include "netns/qdisc.h"
#include "src/base/error.h"
#include "src/fabric/leaf.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

namespace {

/// A class that only delays: faster than any veth.
constexpr std::uint64_t kUnlimited = 100'000'000'000;

HtbClassSpec class_of(const ClassKey& key, const PortClass& port_class) {
  HtbClassSpec spec;
  spec.link = port_index(key.link.to);
  spec.minor = port_class.minor;
  const auto& rate = port_class.shape.rate;
  spec.rate = rate ? std::max<std::uint64_t>(rate->bits_per_second / 8, 1) : kUnlimited / 8;
  spec.burst = rate ? rate->burst_bytes : 0;
  return spec;
}

void put_class(netlink::Request& request, const ClassKey& key, const PortClass& port_class) {
  put_htb_class(request, class_of(key, port_class));
  const IfIndex port = port_index(key.link.to);
  const Leaf leaf = leaf_of(port_class.shape);
  if (leaf.netem) {
    put_netem_leaf(request, port, port_class.minor, *leaf.netem);
  } else {
    put_pfifo_leaf(request, port, port_class.minor, leaf.limit);
  }
}

std::set<Endpoint> ports_of(const std::map<ClassKey, PortClass>& classes) {
  std::set<Endpoint> ports;
  for (const auto& [key, port_class] : classes) {
    ports.insert(key.link.to);
  }
  return ports;
}

std::vector<HtbClassInfo> classes_at(netlink::Socket& socket, Endpoint port) {
  return list_htb_classes(socket, port_index(port));
}

bool is_our_root(const QdiscInfo& info) {
  return info.kind == "htb" && info.handle == class_id(0);
}

bool is_intact(const ClassKey& key, const PortClass& port_class,
               const std::vector<HtbClassInfo>& classes, const std::vector<QdiscInfo>& leaves) {
  const HtbClassSpec wanted = class_of(key, port_class);
  const Leaf leaf = leaf_of(port_class.shape);
  const std::optional<NetemSpec> netem =
      leaf.netem ? std::optional(as_told(*leaf.netem)) : std::nullopt;
  return std::any_of(classes.begin(), classes.end(),
                     [&](const HtbClassInfo& info) {
                       return info.minor == wanted.minor && info.rate == wanted.rate;
                     }) &&
         std::any_of(leaves.begin(), leaves.end(), [&](const QdiscInfo& info) {
           return info.parent == class_id(wanted.minor) &&
                  info.kind == (netem ? "netem" : "pfifo") && info.limit == leaf.limit &&
                  info.netem == netem;
         });
}

}  // namespace

bool PortQueues::has_netem() {
  netlink::Request root;
  put_htb_root(root, kLoopback);
  if (!socket_.try_execute(root).empty()) {
    return false;
  }
  netlink::Request leaf;
  HtbClassSpec spec;
  spec.link = kLoopback;
  spec.minor = 1;
  spec.rate = kUnlimited / 8;
  put_htb_class(leaf, spec);
  put_netem_leaf(leaf, kLoopback, spec.minor, {});
  const bool works = socket_.try_execute(leaf).empty();
  netlink::Request clean;
  put_delete_root(clean, kLoopback);
  static_cast<void>(socket_.try_execute(clean));
  return works;
}

void PortQueues::make_roots() {
  netlink::Request roots;
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    put_htb_root(roots, port_index(static_cast<Endpoint>(port)));
  }
  has_htb_ = socket_.try_execute(roots).empty();
}

void PortQueues::add(const std::map<ClassKey, PortClass>& classes) {
  if (classes.empty()) {
    return;
  }
  // There already, unless somebody removed it or this kernel has none.
  netlink::Request roots;
  for (const Endpoint port : ports_of(classes)) {
    put_htb_root(roots, port_index(port));
  }
  for (const netlink::Refusal& refusal : socket_.try_execute(roots)) {
    if (refusal.error != EEXIST) {
      throw_unavailable("cannot shape packets: " + netlink::describe(refusal),
                        "load the kernel module sch_htb");
    }
  }
  netlink::Request request;
  for (const auto& [key, port_class] : classes) {
    put_class(request, key, port_class);
  }
  // Some of them may be made when it fails: follow() removes those, and an audit mends the others.
  made_.insert(classes.begin(), classes.end());
  socket_.execute(request);
}

std::set<ClassKey> PortQueues::busy(const Installed& installed) {
  std::map<ClassKey, std::uint16_t> idle;
  for (const auto& [key, use] : installed.classes) {
    if (use.users == 0) {
      idle.emplace(key, use.port_class.minor);
    }
  }
  std::set<ClassKey> busy;
  if (idle.empty()) {
    return busy;
  }
  const Leaves leaves = read_leaves();
  for (const auto& [key, minor] : idle) {
    const auto leaf = leaves.find({port_index(key.link.to), class_id(minor)});
    if (leaf != leaves.end() && leaf->second.queued_packets > 0) {
      busy.insert(key);
    }
  }
  return busy;
}

void PortQueues::follow(const Installed& installed) {
  std::map<ClassKey, PortClass> old;
  for (const auto& [key, port_class] : made_) {
    if (!installed.classes.contains(key)) {
      old.emplace(key, port_class);
    }
  }
  if (old.empty()) {
    return;
  }
  const Leaves leaves = read_leaves();
  netlink::Request request;
  for (const auto& [key, port_class] : old) {
    put_delete_htb_class(request, port_index(key.link.to), port_class.minor);
  }
  const auto refusals = socket_.try_execute(request);
  note_drops(leaves, old);
  for (const auto& [key, port_class] : old) {
    made_.erase(key);
    drops_.end(key.link, key.shape);
  }
  for (const netlink::Refusal& refusal : refusals) {
    if (refusal.error != ENOENT && refusal.error != EINVAL) {
      throw_operation("cannot remove a class that is not needed any more: " +
                      netlink::describe(refusal));
    }
  }
}

std::vector<Count> PortQueues::drops() {
  if (!made_.empty()) {
    note_drops(read_leaves(), made_);
  }
  return drops_.counts();
}

PortQueues::Leaves PortQueues::read_leaves() {
  Leaves leaves;
  for (const QdiscInfo& info : list_qdiscs(socket_)) {
    leaves[{info.link, info.parent}] = info.stats;
  }
  return leaves;
}

void PortQueues::note_drops(const Leaves& leaves, const std::map<ClassKey, PortClass>& classes) {
  for (const auto& [key, port_class] : classes) {
    const auto leaf = leaves.find({port_index(key.link.to), class_id(port_class.minor)});
    if (leaf == leaves.end()) {
      continue;
    }
    const std::uint64_t dropped = leaf->second.dropped;
    // A netem does not tell losses from what found it full, which its limit makes the rare case.
    const bool loses = !port_class.shape.bursts.empty();
    drops_.read(key.link, key.shape, port_class.counts, {loses ? dropped : 0, loses ? 0 : dropped});
  }
}

std::uint64_t PortQueues::waiting(const std::set<Link>& links) {
  std::uint64_t packets = 0;
  if (made_.empty()) {
    return packets;
  }
  const Leaves leaves = read_leaves();
  for (const auto& [key, port_class] : made_) {
    const auto leaf = leaves.find({port_index(key.link.to), class_id(port_class.minor)});
    if (links.contains(key.link) && leaf != leaves.end()) {
      packets += leaf->second.queued_packets;
    }
  }
  return packets;
}

void PortQueues::audit(const Installed& installed, std::vector<Drift>& drift) {
  std::map<IfIndex, std::vector<QdiscInfo>> qdiscs;
  for (QdiscInfo& info : list_qdiscs(socket_)) {
    qdiscs[info.link].push_back(std::move(info));
  }
  std::map<ClassKey, PortClass> broken;
  const std::set<Endpoint> rootless = audit_roots(qdiscs, drift);
  for (const Endpoint port : ports_of(made_)) {
    // A root that was removed took all its classes along.
    const bool gone = rootless.contains(port);
    const auto there = gone ? std::vector<HtbClassInfo>{} : classes_at(socket_, port);
    for (const auto& [key, port_class] : made_) {
      if (key.link.to == port && installed.classes.contains(key) &&
          (gone || !is_intact(key, port_class, there, qdiscs[port_index(port)]))) {
        broken.emplace(key, port_class);
        drift.push_back({"class of packets from '" + ports_.at(key.link.from) + "' at port '" +
                             ports_.at(port) + "' is missing or changed",
                         true, port});
      }
    }
  }
  for (const auto& [key, port_class] : broken) {
    drops_.end(key.link, key.shape);
  }
  add(broken);
}

/// @return ports whose root had to be made anew
std::set<Endpoint> PortQueues::audit_roots(const std::map<IfIndex, std::vector<QdiscInfo>>& qdiscs,
                                           std::vector<Drift>& drift) {
  std::set<Endpoint> rootless;
  for (std::size_t number = 0; has_htb_ && number < ports_.size(); ++number) {
    const auto port = static_cast<Endpoint>(number);
    const auto there = qdiscs.find(port_index(port));
    // A port that is gone is told of by the wiring.
    if (there == qdiscs.end() ||
        std::any_of(there->second.begin(), there->second.end(), is_our_root)) {
      continue;
    }
    netlink::Request other;
    put_delete_root(other, port_index(port));
    static_cast<void>(socket_.try_execute(other));
    netlink::Request root;
    put_htb_root(root, port_index(port));
    drift.push_back({"root queue of port '" + ports_[number] + "' is missing or another",
                     socket_.try_execute(root).empty(), port});
    rootless.insert(port);
  }
  return rootless;
}

}  // namespace tinet::fabric
