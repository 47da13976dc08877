#include "src/fabric/wire_classes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/static_table.h"
#include "src/fabric/tally.h"

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

/// "f1, f3"; "nobody" when it only runs.
std::string faults_of_wire(const Installed& installed) {
  std::set<FaultId> faults;
  for (const auto& [id, use] : installed.treatments) {
    if (use.users > 0 && use.treatment.wire) {
      for (const FaultId fault : use.treatment.effect.faults()) {
        faults.insert(fault);
      }
    }
  }
  std::vector<std::string> names;
  for (const FaultId fault : faults) {
    names.push_back(to_string(fault));
  }
  return names.empty() ? "nobody" : join(names, ", ");
}

}  // namespace

void WireClasses::call_ip_hooks(bool call) {
  for (const char* family : {"iptables", "ip6tables"}) {
    wiring_.write_switch_sysctl(std::string("net/bridge/bridge-nf-call-") + family,
                                call ? "1" : "0");
  }
}

void WireClasses::start() {
  try {
    make_tables();
    make_client();
    static_cast<void>(client_->ensure());
  } catch (const Error&) {
    // Nobody knows of a wire now, so nobody would remove or mend what belongs to it.
    client_.reset();
    remove_tables();
    throw;
  }
}

/// Kernels that can't queue in the bridge get the packets to the hooks of IP first.
void WireClasses::make_tables() {
  native_ = true;
  try {
    commit_table(connection_, make_wire_table(true));
  } catch (const Error&) {
    native_ = false;
    call_ip_hooks(true);
    commit_table(connection_, make_wire_table(false));
  }
  commit_table(connection_, make_unread_table(native_));
}

/// Whatever of make_tables() is there; what cannot be removed is told of by audits.
void WireClasses::remove_tables() noexcept {
  for (const StaticTable& table : {make_unread_table(native_), make_wire_table(native_)}) {
    nft::Batch batch;
    // Adding it first makes the deletion safe when it is not there.
    batch.add_table(table.table);
    batch.delete_table(table.table.id);
    try {
      static_cast<void>(nft::try_commit(connection_, std::move(batch).seal()));
    } catch (const Error&) {
    }
  }
  if (!native_) {
    try {
      call_ip_hooks(false);
    } catch (const Error&) {
    }
  }
}

void WireClasses::make_client() {
  WireClientOptions options;
  options.open_queue = [this] { return open_queue(); };
  options.program = command_.program;
  options.argv = command_.words;
  client_.emplace(std::move(options));
}

/// The guard is there a moment before the queue: packets of that moment are dropped, and counted.
UniqueFd WireClasses::open_queue() {
  nft::Connection guard(wiring_.open_switch_netlink(NETLINK_NETFILTER));
  commit_table(guard, make_guard_table(native_));
  guard_port_ = guard.socket().port();
  UniqueFd queue(::fcntl(guard.socket().fd(), F_DUPFD_CLOEXEC, 0));
  if (const int error = errno; !queue) {
    throw_errno(error, "cannot open the queue of the userspace wire");
  }
  return queue;
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
    if (!client_->holds(id.value)) {
      throw_operation("cannot shape packets: the userspace wire does something else than asked");
    }
  }
}

std::vector<Count> WireClasses::drops() {
  read_drops();
  std::vector<Count> all = drops_.counts();
  const std::vector<Count> unread = unread_.counts();
  all.insert(all.end(), unread.begin(), unread.end());
  return all;
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
  read_unread();
}

void WireClasses::read_unread() {
  std::map<std::pair<Link, std::uint16_t>, Drops> sums;
  undelayed_ = 0;
  for (const nft::Element& element :
       nft::list_elements(connection_, make_unread_table(native_).table.id, kUnreadSet)) {
    if (const auto count = count_of(element)) {
      const std::uint32_t mark = count->id.value;
      Drops& sum = sums[{count->link, static_cast<std::uint16_t>(mark & kWireMask)}];
      const bool unread = (mark & kUnreadBit) != 0;
      (unread ? sum.overflowed : sum.undelayed) += count->packets;
      undelayed_ += unread ? 0 : count->packets;
    }
  }
  for (const auto& [key, sum] : sums) {
    if (const auto counts = counts_.find(key.second); counts != counts_.end()) {
      unread_.read(key.first, {key.second}, counts->second, sum);
    }
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
    left_ += left;
    drops_.read(*link, {lane.number}, counts->second,
                {counters.lost, counters.overflowed + counters.discarded + left});
  }
}

void WireClasses::follow(const Installed& installed, const Mechanisms& mechanisms) {
  if (!client_ || client_->silent()) {
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
      // The client counts it as gone even when that throws.
      counts_.erase(number);
      drops_.end(ShapeId{number});
      client_->remove_class(number);
    }
  }
}

void WireClasses::hold_again(const Installed& installed, const Mechanisms& mechanisms) {
  if (let_go_.empty() || !client_) {
    return;
  }
  std::set<TreatmentId> deciding;
  for (const auto& [link, record] : installed.links) {
    if (record.deciding) {
      const auto& treatments = record.deciding->plan->treatments;
      deciding.insert(treatments.begin(), treatments.end());
    }
  }
  for (const TreatmentId id : deciding) {
    for (const ShapePart& part : installed.treatments.at(id).treatment.shapes) {
      if (let_go_.contains(part.id)) {
        client_->set_class(part.id.value, wire_shape(wire_part(part.shape, mechanisms)));
      }
    }
  }
  let_go_.clear();
}

ReleaseReport WireClasses::release(ShapeId id, bool drop) {
  if (!client_ || !client_->alive()) {
    return {};
  }
  let_go_.insert(id);
  const WireReport before = client_->stats();
  const std::array<std::uint16_t, 1> numbers = {id.value};
  client_->release(numbers, drop ? HeldPackets::Drop : HeldPackets::Deliver);
  const WireReport after = client_->counts();
  return {sum(after, id, &WireCounters::released) - sum(before, id, &WireCounters::released),
          sum(after, id, &WireCounters::discarded) - sum(before, id, &WireCounters::discarded)};
}

std::uint64_t WireClasses::waiting(const std::set<Link>& links) const {
  std::uint64_t packets = 0;
  for (const WireLane& lane : client_ ? client_->counts().lanes : std::vector<WireLane>{}) {
    const auto link = link_of_ports(lane.link.in, lane.link.out);
    packets += link && links.contains(*link) ? lane.counters.waiting : 0;
  }
  return packets;
}

void WireClasses::audit(const Installed& installed, std::vector<Drift>& drift) {
  if (!client_) {
    return;
  }
  const std::array<StaticTable, 2> own = {make_wire_table(native_), make_unread_table(native_)};
  for (const StaticTable& table : own) {
    if (!is_intact(connection_, table)) {
      commit_table(connection_, table);
      drift.push_back({"table '" + nft::to_string(table.table.id) + "' was changed", true});
    }
  }
  died_ = died_ || !client_->alive();
  ensure();
  if (std::exchange(died_, false)) {
    drift.push_back({"the wire had died, which delays and holds for " + faults_of_wire(installed) +
                         ": " + std::to_string(undelayed_ - told_undelayed_) +
                         " packets passed undelayed meanwhile, " +
                         std::to_string(std::exchange(left_, 0)) + " that waited in it are lost",
                     true});
    told_undelayed_ = undelayed_;
  }
  try {
    for (const std::uint16_t number : client_->audit()) {
      drift.push_back({"class " + std::to_string(number) + " of the wire was changed", true});
    }
  } catch (const Error& error) {
    // Frozen, or it has just died; whatever else there is can be compared nevertheless.
    drift.push_back({error.what(), false});
  }
  const StaticTable guard = make_guard_table(native_);
  if (!is_intact(connection_, guard, guard_port_)) {
    // Its owner is the wire's process: only a new one can make it anew.
    drift.push_back({"table '" + nft::to_string(guard.table.id) + "' was changed", false});
  }
}

std::vector<nft::TableId> WireClasses::tables() const {
  if (!client_) {
    return {};
  }
  return {make_wire_table(native_).table.id, make_guard_table(native_).table.id,
          make_unread_table(native_).table.id};
}

}  // namespace tinet::fabric
