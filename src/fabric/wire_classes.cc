#include "src/fabric/wire_classes.h"

#include <algorithm>
#include <array>
#include <set>

#include <linux/netlink.h>
#include <sys/socket.h>

#include "src/base/error.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/static_table.h"

namespace tinet::fabric {

namespace {

WireShape wire_shape(const LinkAction& shape) {
  WireShape wire;
  wire.delay = shape.delay;
  wire.reorder = shape.reorder;
  wire.bursts = shape.bursts;
  wire.hold = shape.hold;
  wire.end = shape.hold_until;
  wire.seed = shape.seed;
  return wire;
}

std::uint64_t sum(const WireReport& report, ShapeId id, std::uint64_t WireCounters::*member) {
  std::uint64_t all = 0;
  for (const WireLane& lane : report.lanes) {
    all += lane.number == id.value ? lane.counters.*member : 0;
  }
  return all;
}

}  // namespace

/// Kernels that can't queue in the bridge get the packets to the hooks of IP first.
void WireClasses::start() {
  native_ = true;
  try {
    commit_table(connection_, make_wire_table(true));
  } catch (const Error&) {
    native_ = false;
    for (const char* call : {"iptables", "ip6tables"}) {
      wiring_.write_switch_sysctl(std::string("net/bridge/bridge-nf-call-") + call, "1");
    }
    commit_table(connection_, make_wire_table(false));
  }
  WireClientOptions options;
  options.open_queue = [this] { return wiring_.open_switch_socket(NETLINK_NETFILTER); };
  options.program = command_.program;
  options.argv = command_.words;
  client_.emplace(std::move(options));
}

void WireClasses::ensure() {
  static_cast<void>(client_->ensure());
  read_drops();
}

void WireClasses::add(ShapeId id, const LinkAction& shape, const ShapeCounts& counts) {
  if (!client_) {
    start();
  }
  ensure();
  counts_[id.value] = counts;
  if (!client_->classes().contains(id.value)) {
    client_->set_class(id.value, wire_shape(shape));
  }
}

std::vector<Count> WireClasses::drops() {
  read_drops();
  return drops_.counts();
}

void WireClasses::read_drops() {
  if (!client_) {
    return;
  }
  const bool alive = client_->alive();
  for (const WireReport& last : client_->take_ended()) {
    read_drops(last, true);
    // The next one counts from zero.
    drops_.end_all();
  }
  if (alive) {
    read_drops(client_->counts(), false);
  }
}

void WireClasses::read_drops(const WireReport& report, bool died) {
  for (const WireLane& lane : report.lanes) {
    const auto counts = counts_.find(lane.number);
    const auto link = link_of_ports(lane.link.in, lane.link.out);
    if (counts == counts_.end() || !link) {
      continue;
    }
    const WireCounters& counters = lane.counters;
    // The kernel drops what has no verdict when nobody is left who could give one.
    const std::uint64_t left = died ? counters.waiting : 0;
    drops_.read(*link, {lane.number}, counts->second,
                {counters.lost, counters.overflowed + counters.discarded + left});
  }
}

void WireClasses::follow(const Installed& installed, const Mechanisms& mechanisms) {
  if (!client_) {
    return;
  }
  std::set<std::uint16_t> used;
  for (const auto& [id, use] : installed.treatments) {
    for (const ShapePart& part : use.treatment.shapes) {
      if (wire_part(part.shape, mechanisms).shapes()) {
        used.insert(part.id.value);
      }
    }
  }
  const auto classes = client_->classes();
  const bool any_old = std::any_of(classes.begin(), classes.end(),
                                   [&](const auto& known) { return !used.contains(known.first); });
  if (!any_old || !client_->alive()) {
    return;
  }
  // No packet has had an unused class for seconds: its counts are final.
  static_cast<void>(client_->stats());
  read_drops();
  for (const auto& [number, shape] : classes) {
    if (!used.contains(number) && client_->alive()) {
      client_->remove_class(number);
      counts_.erase(number);
      drops_.end(ShapeId{number});
    }
  }
}

ReleaseReport WireClasses::release(ShapeId id, bool drop) {
  if (!client_ || !client_->alive()) {
    return {};
  }
  const WireReport before = client_->stats();
  const std::array<std::uint16_t, 1> numbers = {id.value};
  client_->release(numbers, drop ? HeldPackets::Drop : HeldPackets::Deliver);
  const WireReport after = client_->counts();
  return {sum(after, id, &WireCounters::released) - sum(before, id, &WireCounters::released),
          sum(after, id, &WireCounters::discarded) - sum(before, id, &WireCounters::discarded)};
}

std::vector<Drift> WireClasses::audit() {
  std::vector<Drift> drift;
  if (!client_) {
    return drift;
  }
  const bool died = !client_->alive();
  ensure();
  if (died) {
    drift.push_back({"the wire had died: packets passed undelayed meanwhile", true});
  }
  const StaticTable table = make_wire_table(native_);
  if (!is_intact(connection_, table)) {
    commit_table(connection_, table);
    drift.push_back({"table '" + nft::to_string(table.table.id) + "' was changed", true});
  }
  return drift;
}

std::optional<nft::TableId> WireClasses::table() const {
  return client_ ? std::optional(make_wire_table(native_).table.id) : std::nullopt;
}

}  // namespace tinet::fabric
