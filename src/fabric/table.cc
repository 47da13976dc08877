#include "src/fabric/table.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/audit_part.h"
#include "src/fabric/describe.h"
#include "src/fabric/encode.h"
#include "src/fabric/readback.h"
#include "src/fabric/verify.h"

namespace tinet::fabric {

namespace {

constexpr std::size_t kElementsPerPart = 1024;
/// Room for the message that ends a batch.
constexpr std::size_t kBatchEnd = 64;
/// The kernel may start an element's timeout as late as its transaction took. After longer than
/// this it is not left at that.
constexpr std::chrono::seconds kLatenessMax{1};

/// Counts of links and faults that are long gone are moved out of the kernel when there are more.
constexpr std::size_t kCountsKept = 1U << 16U;

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

}  // namespace

Table::Table(netlink::Socket socket, const FabricPlan& plan, std::vector<std::string> ports)
    : connection_(std::move(socket)), skeleton_(make_skeleton(plan)), ports_(std::move(ports)) {
  nft::Batch batch;
  put_skeleton(batch, skeleton_);
  send(std::move(batch));
}

void Table::note_busy(const std::set<ClassKey>& classes) {
  for (auto& [key, use] : installed_.classes) {
    use.busy = classes.contains(key);
  }
}

Difference Table::plan(const std::vector<LinkSchedule>& wanted, const Memories& memories,
                       const Mechanisms& mechanisms, MonoTime now) {
  std::set<ShapeId> shapes;
  for (const auto& [id, use] : installed_.treatments) {
    for (const ShapePart& part : use.treatment.shapes) {
      shapes.insert(part.id);
    }
  }
  registry_.keep_only(shapes);
  return make_difference(installed_, wanted, memories, mechanisms, registry_, now);
}

std::vector<std::string> Table::commit(const Difference& difference, MonoTime now) {
  const Stopwatch watch(now);
  Lateness lateness{};
  try {
    lateness = commit_changes(difference, watch.now());
  } catch (const Error&) {
    withdraw(difference, watch.now());
    throw;
  }
  try {
    return read_back(difference, watch.now(), lateness);
  } catch (const Error&) {
    undo(difference, watch.now());
    throw;
  }
}

/// Makes the links follow again what they followed before.
void Table::undo(const Difference& difference, MonoTime now) {
  std::map<Link, std::shared_ptr<const Schedule>> before;
  for (const auto& [link, record] : difference.before) {
    if (record.deciding) {
      const auto left = remaining(record.deciding->plan->schedule, now);
      if (!left.empty()) {
        before[link] = std::make_shared<const Schedule>(left.begin(), left.end());
      }
    }
  }
  std::vector<LinkSchedule> wanted;
  for (const auto& [link, record] : installed_.links) {
    const auto changed =
        std::binary_search(difference.changed.begin(), difference.changed.end(), link);
    if (!changed && record.deciding) {
      const auto left = remaining(record.deciding->plan->schedule, now);
      if (!left.empty()) {
        before[link] = std::make_shared<const Schedule>(left.begin(), left.end());
      }
    }
  }
  for (const auto& [link, schedule] : before) {
    wanted.push_back({link, schedule});
  }
  Memories memories = installed_.memories;
  for (const auto& [fault, memory] : difference.new_memories) {
    memories.erase(fault);
  }
  commit_changes(plan(wanted, memories, difference.mechanisms, now), now);
}

/// Removes what went ahead of a change that was not decided then.
void Table::withdraw(const Difference& failed, MonoTime now) {
  const Difference old = withdrawal(failed, installed_);
  nft::Batch batch;
  put_old_objects(batch, old);
  if (batch.empty()) {
    return;
  }
  try {
    send(std::move(batch));
    record(old, installed_, registry_, now);
  } catch (const Error&) {
    // It does nothing, and goes with a later change.
  }
}

std::vector<std::string> Table::preview(const Difference& difference, MonoTime now) const {
  return describe(difference, ports_, now);
}

std::vector<Count> Table::read_counts() {
  std::vector<Count> counts;
  for (const nft::Element& element :
       nft::list_elements(connection_, table_id(), counts_spec().name)) {
    if (const auto count = count_of(element)) {
      counts.push_back(*count);
    }
  }
  return counts;
}

PacketCounts Table::packets(FaultId fault, const std::vector<Count>& elsewhere) {
  std::vector<Count> counts = read_counts();
  counts.insert(counts.end(), elsewhere.begin(), elsewhere.end());
  return tally_.of_fault(fault, counts, registry_);
}

std::map<Link, PacketCounts> Table::link_packets(const std::vector<Count>& elsewhere) {
  std::vector<Count> counts = read_counts();
  counts.insert(counts.end(), elsewhere.begin(), elsewhere.end());
  return tally_.of_links(counts, registry_);
}

/// Counts that no rule adds to any more stand still: they can be taken over without losing one.
void Table::tidy_counts() {
  const auto counts = read_counts();
  if (counts.size() <= kCountsKept) {
    return;
  }
  std::set<std::uint32_t> in_use;
  for (const auto& [id, use] : installed_.treatments) {
    for (const nft::Rule& rule : use.treatment.rules) {
      for (const nft::Expression& expression : rule.expressions) {
        if (const auto* immediate = std::get_if<nft::Immediate>(&expression);
            immediate != nullptr && immediate->value.size() == sizeof(std::uint32_t)) {
          std::uint32_t value = 0;
          std::memcpy(&value, immediate->value.data(), sizeof value);
          in_use.insert(value);
        }
      }
    }
  }
  std::vector<Count> still;
  std::vector<nft::Element> elements;
  for (const Count& count : counts) {
    if (!in_use.contains(count.id.value)) {
      still.push_back(count);
      elements.emplace_back();
      elements.back().key = count_key(count.link, count.id);
    }
  }
  for (std::size_t i = 0; i < elements.size(); i += kElementsPerPart) {
    nft::Batch batch;
    const auto size = std::min(kElementsPerPart, elements.size() - i);
    batch.delete_elements(counts_spec(), std::span(elements).subspan(i, size));
    send(std::move(batch));
  }
  tally_.bank(still);
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

/// What nothing refers to yet goes ahead in a transaction of its own. It must: a packet reads the
/// generation once, at the start of the hook, but elements as they are at each lookup. If a new
/// chain came with the element that leads to it, a packet that meets the element during the commit
/// would find the chain still empty (nft_do_chain() in the kernel's nf_tables_core.c).
Table::Lateness Table::commit_changes(const Difference& difference, MonoTime now) {
  if (difference.empty()) {
    return {};
  }
  const Stopwatch watch(now);
  Difference rest = difference;
  Difference ahead;
  ahead.new_memories = std::exchange(rest.new_memories, {});
  ahead.new_treatments = std::exchange(rest.new_treatments, {});
  ahead.new_classes = std::exchange(rest.new_classes, {});
  nft::Batch objects;
  put_new_objects(objects, ahead);
  if (!objects.empty()) {
    send(std::move(objects));
    record(ahead, installed_, registry_, now);
  }
  const MonoTime started = watch.now();
  nft::Batch batch;
  put_difference(batch, rest, started);
  if (!connection_.fits(batch.size_bytes() + kBatchEnd)) {
    return commit_in_parts(std::move(rest), started);
  }
  send(std::move(batch));
  record(rest, installed_, registry_, now);
  return watch.now() - started;
}

/// Layers go ahead; `decide` changes in one transaction. Each part is noted when it is done, so
/// that a later failure leaves a state that the next change can start from.
Table::Lateness Table::commit_in_parts(Difference difference, MonoTime now) {
  const Stopwatch watch(now);
  Lateness lateness{};
  Difference behind;
  behind.old_memories = std::exchange(difference.old_memories, {});
  behind.old_treatments = std::exchange(difference.old_treatments, {});
  behind.old_classes = std::exchange(difference.old_classes, {});
  nft::Batch decision;
  for (const MapChange& change : difference.maps) {
    if (change.map.kind == MapId::Kind::Layer) {
      lateness = std::max(lateness, write_layer(change, watch.now()));
    }
  }
  const MonoTime deciding = watch.now();
  for (const MapChange& change : difference.maps) {
    if (change.map.kind == MapId::Kind::Decide) {
      put_map_change(decision, change, deciding);
    }
  }
  send(std::move(decision));
  lateness = std::max(lateness, Lateness(watch.now() - deciding));
  record(difference, installed_, registry_, now);
  nft::Batch removal;
  put_old_objects(removal, behind);
  if (!removal.empty()) {
    send(std::move(removal));
    record(behind, installed_, registry_, now);
  }
  return lateness;
}

Table::Lateness Table::write_layer(const MapChange& change, MonoTime now) {
  const Stopwatch watch(now);
  Lateness lateness{};
  for (const MapChange& part : split(change, kElementsPerPart)) {
    const MonoTime started = watch.now();
    nft::Batch batch;
    put_map_change(batch, part, started);
    send(std::move(batch));
    lateness = std::max(lateness, Lateness(watch.now() - started));
    Difference noted;
    std::map<Link, LinkRecord> records;
    const auto record_of = [&](Link link) -> LinkRecord& {
      const auto held = installed_.links.find(link);
      return records.try_emplace(link, held == installed_.links.end() ? LinkRecord{} : held->second)
          .first->second;
    };
    for (const auto* removed : {&part.remove, &part.remove_timed}) {
      for (const Element& element : *removed) {
        std::erase(record_of(element.link).stale, element);
      }
    }
    for (const Element& element : part.add) {
      record_of(element.link).stale.push_back(element);
    }
    noted.records.assign(records.begin(), records.end());
    record(noted, installed_, registry_, now);
  }
  return lateness;
}

std::vector<std::string> Table::read_back(const Difference& difference, MonoTime now,
                                          Lateness lateness) {
  const Stopwatch watch(now);
  const auto tolerance = [](std::chrono::nanoseconds duration) {
    return kEndTolerance + std::chrono::ceil<std::chrono::milliseconds>(duration);
  };
  if (check_change(view(), difference, now, tolerance(std::min<Lateness>(lateness, kLatenessMax)))
          .empty()) {
    // The longer the reading took, the less exactly it told when an element ends.
    const Lateness reading = watch.now() - now;
    lateness_ = std::max(lateness_, std::min(lateness, kLatenessMax + reading));
    return {};
  }
  // For instance when this process was stopped between reading the clock and sending.
  const MonoTime started = watch.now();
  auto forgotten = rebuild(started);
  const auto drift =
      check_change(view(), difference, watch.now(), tolerance(watch.now() - started));
  if (!drift.empty()) {
    throw_operation("cannot change links: the kernel does not hold what was sent: " +
                    first_of(drift));
  }
  return forgotten;
}

std::vector<std::string> Table::rebuild(MonoTime now) {
  const Stopwatch watch(now);
  std::vector<Count> counts;
  UsedBytes used;
  try {
    counts = read_counts();
    for (const nft::QuotaObject& quota : nft::list_quotas(connection_, table_id())) {
      used[quota.name] = quota.consumed;
    }
  } catch (const Error&) {
    // The table is gone, and with it what it had counted.
  }
  nft::Batch batch;
  // Adding it first makes the deletion safe when it is not there.
  batch.add_table(skeleton_.table);
  batch.delete_table(table_id());
  put_skeleton(batch, skeleton_);
  for (const auto& [fault, memory] : installed_.memories) {
    put_memory(batch, fault, memory, used);
  }
  for (const auto& [id, use] : installed_.treatments) {
    put_treatment(batch, use.treatment);
  }
  if (const auto classes = expected_classes(installed_); !classes.empty()) {
    batch.add_elements(classes_spec(), classes);
  }
  std::map<MapId, std::vector<nft::Element>> maps;
  const MonoTime started = watch.now();
  Difference noted;
  for (const auto& [link, record] : installed_.links) {
    LinkRecord after = record;
    after.stale.clear();
    noted.records.emplace_back(link, std::move(after));
    if (!record.deciding) {
      continue;
    }
    for (const Element& element : elements_of(link, *record.deciding)) {
      if (!element.end || *element.end > started) {
        maps[element.map].push_back(encode(element, started));
      }
    }
  }
  for (const auto& [map, elements] : maps) {
    batch.add_elements(map_spec(map), elements);
  }
  send(std::move(batch));
  lateness_ = std::max(lateness_, Lateness(watch.now() - started));
  tally_.bank(counts);
  record(noted, installed_, registry_, now);
  return forgotten(installed_.memories, used);
}

std::vector<Drift> Table::audit(MonoTime now) {
  const Stopwatch watch(now);
  const Link begun = audited_;
  const auto check = [&] {
    const auto late =
        std::chrono::ceil<std::chrono::milliseconds>(std::max<Lateness>(kLatenessMax, lateness_));
    return check_table(view(), watch.now(), kEndTolerance + late, audited_);
  };
  std::vector<Drift> drift;
  for (std::string& what : check()) {
    drift.push_back({std::move(what), false});
  }
  if (drift.empty()) {
    tidy_counts();
    return drift;
  }
  const auto found = drift.size();
  audit_part(drift, "the table of faults", [&] {
    const auto anew = rebuild(watch.now());
    audited_ = begun;
    const bool repaired = check().empty();
    std::for_each_n(drift.begin(), found, [&](Drift& one) { one.repaired = repaired; });
    for (const std::string& what : anew) {
      drift.push_back({what, false});
    }
  });
  return drift;
}

}  // namespace tinet::fabric
