#include "src/fabric/verify.h"

#include <algorithm>
#include <chrono>

#include "src/fabric/encode.h"

namespace tinet::fabric {

namespace {

std::string in_map(const MapId& map) {
  return "in map " + map_name(map);
}

bool may_be_gone(const Element& element, const ReadTime& time) {
  return element.end && *element.end <= time.now + time.end_tolerance;
}

/// Whether the kernel's remaining time leads to the expected end.
bool ends_on_time(const Element& expected, const nft::Element& read, const ReadTime& time) {
  if (!expected.end || !read.expires) {
    return expected.end.has_value() == read.timeout.has_value();
  }
  const auto off = time.now + *read.expires - *expected.end;
  return std::chrono::abs(off) <= time.end_tolerance;
}

template <typename Item, typename Same>
std::size_t count_of(const std::vector<Item>& items, Same&& same) {
  return static_cast<std::size_t>(std::count_if(items.begin(), items.end(), same));
}

}  // namespace

ExpectedElements expected_elements(const Applied& applied) {
  ExpectedElements expected;
  for (const auto& [link, record] : applied) {
    for (const Element& element : record.stale) {
      expected[element.map].insert_or_assign(link, element);
    }
    if (record.deciding) {
      for (const Element& element : elements_of(link, *record.deciding)) {
        expected[element.map].insert_or_assign(link, element);
      }
    }
  }
  return expected;
}

std::vector<std::string> compare_elements(const MapId& map, const std::map<Link, Element>& expected,
                                          const std::vector<nft::Element>& read,
                                          const std::vector<std::string>& ports,
                                          const ReadTime& time) {
  std::vector<std::string> drift;
  std::map<Link, const nft::Element*> found;
  for (const nft::Element& element : read) {
    const auto decoded = decode(map, element);
    const auto wanted = decoded ? expected.find(decoded->link) : expected.end();
    if (wanted == expected.end()) {
      const bool known = decoded && std::max(decoded->link.from, decoded->link.to) < ports.size();
      drift.push_back("element " +
                      (known ? describe(*decoded, ports, time.now) : "of no endpoint") +
                      " should not be " + in_map(map));
      continue;
    }
    found[decoded->link] = &element;
    if (decoded->target != wanted->second.target) {
      drift.push_back("element " + describe(*decoded, ports, time.now) + " leads elsewhere " +
                      in_map(map));
    } else if (!ends_on_time(wanted->second, element, time)) {
      drift.push_back("element " + describe(*decoded, ports, time.now) + " ends at another time " +
                      in_map(map));
    }
  }
  for (const auto& [link, element] : expected) {
    if (!found.contains(link) && !may_be_gone(element, time)) {
      drift.push_back("element " + describe(element, ports, time.now) + " is missing " +
                      in_map(map));
    }
  }
  return drift;
}

std::vector<std::string> compare_content(const Skeleton& expected, const TableContent& read) {
  std::vector<std::string> drift;
  std::vector<nft::SetSpec> maps = expected.maps;
  for (const FixedMap& map : expected.fixed) {
    maps.push_back(map.spec);
  }
  for (const nft::SetSpec& map : maps) {
    if (std::find(read.sets.begin(), read.sets.end(), map) == read.sets.end()) {
      drift.push_back("map " + map.name + " is missing or differs");
    }
  }
  for (const nft::Chain& chain : expected.chains) {
    if (std::find(read.chains.begin(), read.chains.end(), chain) == read.chains.end()) {
      drift.push_back("chain " + chain.name + " is missing or differs");
      continue;
    }
    std::vector<nft::Rule> wanted;
    std::vector<nft::Rule> there;
    const auto in_chain = [&](const nft::Rule& rule) { return rule.chain == chain.name; };
    std::copy_if(expected.rules.begin(), expected.rules.end(), std::back_inserter(wanted),
                 in_chain);
    std::copy_if(read.rules.begin(), read.rules.end(), std::back_inserter(there), in_chain);
    if (!std::equal(wanted.begin(), wanted.end(), there.begin(), there.end(), nft::same_rule)) {
      drift.push_back("rules of chain " + chain.name + " differ");
    }
  }
  if (read.chains.size() > expected.chains.size()) {
    drift.push_back("the table has " + std::to_string(read.chains.size()) + " chains, expected " +
                    std::to_string(expected.chains.size()));
  }
  if (read.sets.size() > maps.size()) {
    drift.push_back("the table has " + std::to_string(read.sets.size()) + " maps, expected " +
                    std::to_string(maps.size()));
  }
  return drift;
}

std::vector<std::string> compare_fixed(const nft::SetSpec& spec,
                                       const std::vector<nft::Element>& expected,
                                       const std::vector<nft::Element>& read) {
  std::map<nft::Bytes, const nft::Element*> by_key;
  for (const nft::Element& element : read) {
    by_key[element.key] = &element;
  }
  const std::size_t right = count_of(expected, [&](const nft::Element& element) {
    const auto found = by_key.find(element.key);
    return found != by_key.end() && nft::same_element(*found->second, element);
  });
  if (right == expected.size() && read.size() == expected.size()) {
    return {};
  }
  return {"map " + spec.name + " has " + std::to_string(read.size()) + " elements, " +
          std::to_string(right) + " of " + std::to_string(expected.size()) + " are right"};
}

}  // namespace tinet::fabric
