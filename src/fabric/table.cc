#include "src/fabric/table.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/encode.h"
#include "src/fabric/verify.h"

namespace tinet::fabric {

namespace {

/// A fresh counter is the most expensive part of a change: more than these go ahead, so that the
/// transaction that decides stays short.
constexpr std::size_t kCountersPerPart = 256;
constexpr std::size_t kElementsPerPart = 1024;
/// Room for the message that ends a batch.
constexpr std::size_t kBatchEnd = 64;
/// The kernel may start an element's timeout as late as the commit took. After longer than this it
/// is not left at that.
constexpr std::chrono::seconds kCommitDurationMax{1};

/// Elements that have timed out stay in their map until the kernel's collector comes by, once a
/// second. Many of one key fill its hash chain, and the kernel refuses further ones with EBUSY
/// until then. That it has come sends no event.
constexpr std::chrono::milliseconds kBusyPause{50};
constexpr int kBusyAttempts = 40;

bool is_busy(const nft::CommitResult& result) {
  return std::any_of(result.refusals.begin(), result.refusals.end(),
                     [](const netlink::Refusal& refusal) { return refusal.error == EBUSY; });
}

/// The caller's clock goes on while the kernel works.
class Stopwatch {
 public:
  explicit Stopwatch(MonoTime start) : start_(start) {}
  [[nodiscard]] MonoTime now() const {
    return start_ + (std::chrono::steady_clock::now() - began_);
  }

 private:
  MonoTime start_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Changes with at most `size` elements each, removals before additions.
std::vector<MapChange> split(const MapChange& change, std::size_t size) {
  std::vector<MapChange> parts;
  for (const auto list : {&MapChange::remove, &MapChange::remove_timed, &MapChange::add}) {
    const std::vector<Element>& elements = change.*list;
    for (std::size_t i = 0; i < elements.size(); i += size) {
      MapChange part;
      part.map = change.map;
      const auto end = std::min(elements.size(), i + size);
      (part.*list)
          .assign(elements.begin() + static_cast<std::ptrdiff_t>(i),
                  elements.begin() + static_cast<std::ptrdiff_t>(end));
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

std::string first_of(const std::vector<std::string>& drift) {
  return drift.front() +
         (drift.size() > 1 ? " (and " + std::to_string(drift.size() - 1) + " more)" : "");
}

/// Elements of one slot's counter map.
std::map<Slot, std::vector<nft::Element>> counter_elements(const CounterLedger& ledger) {
  std::map<Slot, std::vector<nft::Element>> slots;
  for (const CounterId& counter : ledger.counters()) {
    slots[counter.slot].push_back(encode(counter));
  }
  return slots;
}

}  // namespace

Table::Table(netlink::Socket socket, const FabricPlan& plan, std::vector<std::string> ports)
    : connection_(std::move(socket)), skeleton_(make_skeleton(plan)), ports_(std::move(ports)) {
  nft::Batch batch;
  put_skeleton(batch, skeleton_);
  send(std::move(batch));
}

std::size_t Table::apply(const std::vector<LinkSchedule>& wanted, MonoTime now) {
  const Difference difference = make_difference(applied_, ledger_, wanted, now);
  if (difference.empty()) {
    wanted_ = wanted;
    return 0;
  }
  const Stopwatch watch(now);
  const auto values = [this](const Difference& change) {
    return change.counters.needs_values() ? read_counters() : CounterValues{};
  };
  std::vector<MapId> maps;
  for (const MapChange& change : difference.maps) {
    maps.push_back(change.map);
  }
  const CounterValues before = values(difference);
  const MonoTime started = watch.now();
  commit(difference, before, started);
  const MonoTime committed = watch.now();
  try {
    read_back(maps, committed, committed - started);
  } catch (const Error&) {
    const Difference back = make_difference(applied_, ledger_, wanted_, watch.now());
    commit(back, values(back), watch.now());
    throw;
  }
  wanted_ = wanted;
  return difference.changed.size();
}

std::vector<std::string> Table::preview(const std::vector<LinkSchedule>& wanted,
                                        MonoTime now) const {
  return describe(make_difference(applied_, ledger_, wanted, now), ports_, now);
}

CounterValues Table::read_counters() {
  CounterValues values;
  for (const nft::Counter& counter : nft::list_counters(connection_, table_id())) {
    if (const auto id = parse_counter_name(counter.name)) {
      values[*id] = {counter.packets, counter.bytes};
    }
  }
  return values;
}

void Table::send(nft::Batch batch) {
  const nft::SealedBatch sealed = std::move(batch).seal();
  if (!connection_.fits(sealed.size_bytes())) {
    throw_unavailable(
        "cannot change so many links in one transaction: " + std::to_string(sealed.size_bytes()) +
            " bytes, at most " + std::to_string(connection_.socket().send_limit()) +
            " can be sent without root",
        "raise net.core.wmem_max, run as root, or name fewer links");
  }
  for (int attempt = 1; attempt < kBusyAttempts; ++attempt) {
    const nft::CommitResult result = nft::try_commit(connection_, sealed);
    if (result.ok()) {
      return;
    }
    if (!is_busy(result)) {
      break;
    }
    std::this_thread::sleep_for(kBusyPause);
  }
  nft::commit(connection_, sealed);
}

void Table::commit(Difference difference, const CounterValues& values, MonoTime now) {
  if (difference.counters.created.size() <= kCountersPerPart) {
    nft::Batch batch;
    put_difference(batch, difference, now);
    if (connection_.fits(batch.size_bytes() + kBatchEnd)) {
      send(std::move(batch));
      record(difference, values, applied_, ledger_);
      return;
    }
  }
  commit_in_parts(std::move(difference), values, now);
}

/// Counters and layers go ahead, because nothing refers to them yet; `decide` changes in one
/// transaction. Each part is noted when it is done, so that a later failure leaves a state that the
/// next change can start from.
void Table::commit_in_parts(Difference difference, const CounterValues& values, MonoTime now) {
  const Stopwatch watch(now);
  create_counters(difference.counters);
  if (!difference.counters.removed.empty()) {
    CounterChange removed;
    removed.removed = std::exchange(difference.counters.removed, {});
    nft::Batch batch;
    put_removed_counters(batch, removed);
    send(std::move(batch));
    ledger_.record(removed, values);
  }
  for (const MapChange& change : difference.maps) {
    if (change.map.kind == MapId::Kind::Layer) {
      write_layer(change, watch.now());
    }
  }
  nft::Batch batch;
  for (const MapChange& change : difference.maps) {
    if (change.map.kind == MapId::Kind::Decide) {
      put_map_change(batch, change, watch.now());
    }
  }
  send(std::move(batch));
  record(difference, values, applied_, ledger_);
}

void Table::create_counters(CounterChange& counters) {
  const auto created = std::exchange(counters.created, {});
  for (std::size_t i = 0; i < created.size(); i += kCountersPerPart) {
    CounterChange part;
    const auto end = std::min(created.size(), i + kCountersPerPart);
    part.created.assign(created.begin() + static_cast<std::ptrdiff_t>(i),
                        created.begin() + static_cast<std::ptrdiff_t>(end));
    nft::Batch batch;
    put_counters(batch, part);
    send(std::move(batch));
    ledger_.record(part, {});
  }
  counters.continued.insert(counters.continued.end(), created.begin(), created.end());
}

void Table::write_layer(const MapChange& change, MonoTime now) {
  const Stopwatch watch(now);
  for (const MapChange& part : split(change, kElementsPerPart)) {
    nft::Batch batch;
    put_map_change(batch, part, watch.now());
    send(std::move(batch));
    for (const auto* removed : {&part.remove, &part.remove_timed}) {
      for (const Element& element : *removed) {
        std::erase(applied_[element.link].stale, element);
      }
    }
    for (const Element& element : part.add) {
      applied_[element.link].stale.push_back(element);
    }
  }
}

void Table::read_back(const std::vector<MapId>& maps, MonoTime now,
                      std::chrono::nanoseconds commit_duration) {
  const Stopwatch watch(now);
  const auto tolerance = [](std::chrono::nanoseconds duration) {
    return kEndTolerance + std::chrono::ceil<std::chrono::milliseconds>(duration);
  };
  if (commit_duration <= kCommitDurationMax &&
      check_maps(maps, now, tolerance(commit_duration)).empty()) {
    return;
  }
  // For instance when this process was stopped between reading the clock and sending.
  const MonoTime started = watch.now();
  rebuild(started);
  const auto drift = check_maps(maps, watch.now(), tolerance(watch.now() - started));
  if (!drift.empty()) {
    throw_operation("cannot change links: the kernel does not hold what was sent: " +
                    first_of(drift));
  }
}

std::vector<std::string> Table::check_maps(const std::vector<MapId>& maps, MonoTime now,
                                           std::chrono::milliseconds end_tolerance) {
  const ExpectedElements expected = expected_elements(applied_);
  const Stopwatch watch(now);
  std::vector<std::string> drift;
  for (const MapId& map : maps) {
    static const std::map<Link, Element> kNone;
    const auto wanted = expected.find(map);
    const auto read = nft::list_elements(connection_, table_id(), map_name(map));
    auto found = compare_elements(map, wanted == expected.end() ? kNone : wanted->second, read,
                                  ports_, {watch.now(), end_tolerance});
    std::move(found.begin(), found.end(), std::back_inserter(drift));
  }
  return drift;
}

void Table::rebuild(MonoTime now) {
  const CounterValues values = read_counters();
  nft::Batch batch;
  // Adding it first makes the deletion safe when it is not there.
  batch.add_table(skeleton_.table);
  batch.delete_table(table_id());
  put_skeleton(batch, skeleton_);
  std::vector<nft::Counter> counters;
  std::vector<CounterId> lost;
  for (const CounterId& counter : ledger_.counters()) {
    const auto value = values.find(counter);
    if (value == values.end()) {
      lost.push_back(counter);
    }
    const PacketCounts start = value == values.end() ? PacketCounts{} : value->second;
    counters.push_back({table_id(), counter_name(counter), start.dropped, start.bytes_dropped});
  }
  if (!counters.empty()) {
    batch.add_counters(counters);
  }
  for (const auto& [slot, elements] : counter_elements(ledger_)) {
    batch.add_elements(map_spec({MapId::Kind::Counters, slot}), elements);
  }
  std::map<MapId, std::vector<nft::Element>> maps;
  for (const auto& [link, record] : applied_) {
    if (!record.deciding) {
      continue;
    }
    for (const Element& element : elements_of(link, *record.deciding)) {
      if (!element.end || *element.end > now) {
        maps[element.map].push_back(encode(element, now));
      }
    }
  }
  for (const auto& [map, elements] : maps) {
    batch.add_elements(map_spec(map), elements);
  }
  send(std::move(batch));
  for (auto& [link, record] : applied_) {
    record.stale.clear();
  }
  for (const CounterId& counter : lost) {
    ledger_.restart(counter);
  }
}

void Table::check_counters(std::vector<std::string>& drift) {
  const CounterValues values = read_counters();
  for (const CounterId& counter : ledger_.counters()) {
    if (!values.contains(counter)) {
      drift.push_back("counter " + counter_name(counter) + " is missing");
    }
  }
  const auto expected = counter_elements(ledger_);
  for (const Slot slot : all_slots()) {
    static const std::vector<nft::Element> kNone;
    const nft::SetSpec spec = map_spec({MapId::Kind::Counters, slot});
    const auto wanted = expected.find(slot);
    auto found = compare_fixed(spec, wanted == expected.end() ? kNone : wanted->second,
                               nft::list_elements(connection_, table_id(), spec.name));
    std::move(found.begin(), found.end(), std::back_inserter(drift));
  }
}

std::vector<std::string> Table::check_all(MonoTime now) {
  const Stopwatch watch(now);
  const auto tables = nft::list_tables(connection_, nft::Family::Bridge);
  const bool there = std::any_of(tables.begin(), tables.end(), [&](const nft::Table& table) {
    return table.id == table_id() && table.owner_port == connection_.socket().port();
  });
  if (!there) {
    return {"table " + nft::to_string(table_id()) + " is missing"};
  }
  std::vector<std::string> drift =
      compare_content(skeleton_, {nft::list_sets(connection_, table_id()),
                                  nft::list_chains(connection_, table_id()),
                                  nft::list_rules(connection_, table_id())});
  if (!drift.empty()) {
    return drift;  // maps may be missing, which can't be read then
  }
  for (const FixedMap& map : skeleton_.fixed) {
    auto found = compare_fixed(map.spec, map.elements,
                               nft::list_elements(connection_, table_id(), map.spec.name));
    std::move(found.begin(), found.end(), std::back_inserter(drift));
  }
  std::vector<MapId> maps = all_maps();
  std::erase_if(maps, [](const MapId& map) { return map.kind == MapId::Kind::Counters; });
  auto found = check_maps(maps, watch.now(), kEndTolerance + kCommitDurationMax);
  std::move(found.begin(), found.end(), std::back_inserter(drift));
  check_counters(drift);
  return drift;
}

std::vector<Drift> Table::audit(MonoTime now) {
  const Stopwatch watch(now);
  std::vector<Drift> drift;
  const auto differences = check_all(now);
  if (!differences.empty()) {
    rebuild(watch.now());
    const bool repaired = check_all(watch.now()).empty();
    for (const std::string& what : differences) {
      drift.push_back({what, repaired});
    }
  }
  for (const nft::Table& table : nft::list_tables(connection_)) {
    if (table.id != table_id()) {
      drift.push_back({"foreign table '" + nft::to_string(table.id) + "' in the switch", false});
    }
  }
  return drift;
}

}  // namespace tinet::fabric
