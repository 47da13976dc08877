#include "src/fabric/readback.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "src/fabric/encode.h"
#include "src/fabric/verify.h"

namespace tinet::fabric {

namespace {

using std::chrono::milliseconds;

/// Asking for an element by its key takes about as long as listing so many of a small map.
constexpr double kListedPerKey = 3.5;
/// A map of so many elements takes twice as long to list as its size says: for every message of the
/// answer the kernel walks the map from its beginning (nft_rhash_walk(), rhashtable_walk_next()).
constexpr double kWalkDoubles = 25'000;

bool listing_is_cheaper(std::size_t held, std::size_t asked) {
  const auto size = static_cast<double>(held);
  return size * (1 + size / kWalkDoubles) <= kListedPerKey * static_cast<double>(asked);
}

void append(std::vector<std::string>& drift, std::vector<std::string> found) {
  std::move(found.begin(), found.end(), std::back_inserter(drift));
}

std::vector<nft::Element> list(const TableView& view, const std::string& name) {
  return nft::list_elements(view.connection, table_id(), name);
}

/// What a map holds for these links.
std::vector<nft::Element> find(const TableView& view, const MapId& map,
                               const std::set<Link>& links) {
  std::vector<nft::Bytes> keys;
  keys.reserve(links.size());
  for (const Link link : links) {
    keys.push_back(nft::link_key(port_index(link.from), port_index(link.to)));
  }
  std::vector<nft::Element> found;
  for (auto& element : nft::find_elements(view.connection, table_id(), map_name(map), keys)) {
    if (element) {
      found.push_back(std::move(*element));
    }
  }
  return found;
}

/// Compares what `read` reads of a map with the intent.
class MapCheck {
 public:
  MapCheck(const TableView& view, MonoTime now, milliseconds end_tolerance)
      : view_(view), start_(now), end_tolerance_(end_tolerance) {}

  template <typename Read>
  void compare(const MapId& map, const ExpectedElements& expected, Read&& read) {
    static const std::map<Link, Element> kNone;
    const auto wanted = expected.find(map);
    const MonoTime asked = now();
    const std::vector<nft::Element> elements = read();
    // An element's remaining time is of some moment in between.
    const MonoTime answered = now();
    const auto tolerance = end_tolerance_ + std::chrono::ceil<milliseconds>(answered - asked);
    append(drift_, compare_elements(map, wanted == expected.end() ? kNone : wanted->second,
                                    elements, view_.ports, {answered, tolerance}));
  }

  [[nodiscard]] std::vector<std::string> take() { return std::move(drift_); }

 private:
  /// The caller's clock goes on while the kernel is asked.
  [[nodiscard]] MonoTime now() const {
    return start_ + (std::chrono::steady_clock::now() - began_);
  }

  const TableView& view_;
  MonoTime start_;
  milliseconds end_tolerance_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::vector<std::string> drift_;
};

Applied only(const Applied& applied, const std::set<Link>& links) {
  Applied some;
  for (const Link link : links) {
    if (const auto held = applied.find(link); held != applied.end()) {
      some.insert(*held);
    }
  }
  return some;
}

std::set<Link> touched(const MapChange& change) {
  std::set<Link> links;
  for (const auto* elements : {&change.remove, &change.remove_timed, &change.add}) {
    for (const Element& element : *elements) {
      links.insert(element.link);
    }
  }
  return links;
}

std::vector<std::string> check_changed_maps(const TableView& view,
                                            const std::vector<MapChange>& changes, MonoTime now,
                                            milliseconds end_tolerance) {
  MapCheck check(view, now, end_tolerance);
  std::optional<ExpectedElements> everything;
  for (const MapChange& change : changes) {
    const std::set<Link> links = touched(change);
    if (listing_is_cheaper(view.installed.links.size(), links.size())) {
      if (!everything) {
        everything = expected_elements(view.installed.links);
      }
      check.compare(change.map, *everything, [&] { return list(view, map_name(change.map)); });
    } else {
      check.compare(change.map, expected_elements(only(view.installed.links, links)),
                    [&] { return find(view, change.map, links); });
    }
  }
  return check.take();
}

std::vector<std::string> check_whole_maps(const TableView& view, MonoTime now,
                                          milliseconds end_tolerance) {
  MapCheck check(view, now, end_tolerance);
  const ExpectedElements expected = expected_elements(view.installed.links);
  for (const MapId& map : all_maps()) {
    check.compare(map, expected, [&] { return list(view, map_name(map)); });
  }
  return check.take();
}

/// The links that follow `progress`, which moves on; from the first one again after the last.
std::set<Link> next_links(const Applied& applied, std::size_t count, Link& progress) {
  std::set<Link> links;
  auto next = applied.upper_bound(progress);
  while (next != applied.end() && links.size() < count) {
    links.insert(links.end(), next->first);
    ++next;
  }
  progress = next == applied.end() ? Link{} : *links.rbegin();
  return links;
}

std::vector<std::string> check_some_links(const TableView& view, MonoTime now,
                                          milliseconds end_tolerance, std::size_t count,
                                          Link& progress) {
  MapCheck check(view, now, end_tolerance);
  const std::set<Link> links = next_links(view.installed.links, count, progress);
  for (const auto& [map, elements] : expected_elements(only(view.installed.links, links))) {
    std::set<Link> there;
    for (const auto& [link, element] : elements) {
      there.insert(there.end(), link);
    }
    check.compare(map, {{map, elements}}, [&] { return find(view, map, there); });
  }
  return check.take();
}

}  // namespace

std::vector<std::string> check_change(const TableView& view, const Difference& difference,
                                      MonoTime now, milliseconds end_tolerance) {
  auto drift = check_changed_maps(view, difference.maps, now, end_tolerance);
  for (const Treatment& treatment : difference.new_treatments) {
    const std::string chain = chain_name({treatment.id, Stack::A});
    append(drift, compare_rules(chain, treatment.rules,
                                nft::list_rules(view.connection, table_id(), chain)));
  }
  if (!difference.new_treatments.empty()) {
    append(drift, compare_fixed(targets_spec(), expected_targets(view.installed),
                                list(view, targets_spec().name)));
  }
  if (!difference.new_classes.empty()) {
    append(drift, compare_fixed(classes_spec(), expected_classes(view.installed),
                                list(view, classes_spec().name)));
  }
  return drift;
}

std::vector<std::string> check_table(const TableView& view, MonoTime now,
                                     milliseconds end_tolerance, Link& progress,
                                     const AuditSize& size) {
  const auto began = std::chrono::steady_clock::now();
  const auto tables = nft::list_tables(view.connection, nft::Family::Bridge);
  const bool there = std::any_of(tables.begin(), tables.end(), [&](const nft::Table& table) {
    return table.id == table_id() && table.owner_port == view.connection.socket().port();
  });
  if (!there) {
    return {"table " + nft::to_string(table_id()) + " is missing"};
  }
  std::vector<std::string> drift = compare_content(
      expected_content(view.skeleton, view.installed),
      {nft::list_sets(view.connection, table_id()), nft::list_chains(view.connection, table_id()),
       nft::list_rules(view.connection, table_id())});
  if (!drift.empty()) {
    return drift;  // maps may be missing, which can't be read then
  }
  for (const FixedMap& map : view.skeleton.fixed) {
    append(drift, compare_fixed(map.spec, map.elements, list(view, map.spec.name)));
  }
  append(drift, compare_fixed(targets_spec(), expected_targets(view.installed),
                              list(view, targets_spec().name)));
  append(drift, compare_fixed(classes_spec(), expected_classes(view.installed),
                              list(view, classes_spec().name)));
  const MonoTime later = now + (std::chrono::steady_clock::now() - began);
  append(drift, view.installed.links.size() <= size.listed_max
                    ? check_whole_maps(view, later, end_tolerance)
                    : check_some_links(view, later, end_tolerance, size.links, progress));
  return drift;
}

}  // namespace tinet::fabric
