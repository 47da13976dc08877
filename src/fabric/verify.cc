#include "src/fabric/verify.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "src/fabric/describe.h"
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

std::vector<nft::Element> expected_targets(const Installed& installed) {
  std::vector<nft::Element> targets = {target_element({std::nullopt, Stack::A}),
                                       target_element({std::nullopt, Stack::B})};
  for (const auto& [id, use] : installed.treatments) {
    targets.push_back(target_element({id, Stack::A}));
  }
  return targets;
}

std::vector<nft::Element> expected_classes(const Installed& installed) {
  std::vector<nft::Element> classes;
  for (const auto& [key, use] : installed.classes) {
    classes.push_back(encode(key, use.port_class));
  }
  return classes;
}

TableContent expected_content(const Skeleton& skeleton, const Installed& installed) {
  TableContent content{skeleton.maps, skeleton.chains, skeleton.rules};
  for (const FixedMap& map : skeleton.fixed) {
    content.sets.push_back(map.spec);
  }
  for (const auto& [fault, memory] : installed.memories) {
    auto sets = memory_sets(fault, memory);
    std::move(sets.begin(), sets.end(), std::back_inserter(content.sets));
  }
  for (const auto& [id, use] : installed.treatments) {
    content.chains.push_back({table_id(), chain_name({id, Stack::A}), std::nullopt});
    content.rules.insert(content.rules.end(), use.treatment.rules.begin(),
                         use.treatment.rules.end());
  }
  return content;
}

std::vector<std::string> compare_rules(const std::string& chain,
                                       const std::vector<nft::Rule>& expected,
                                       const std::vector<nft::Rule>& read) {
  if (std::equal(expected.begin(), expected.end(), read.begin(), read.end(), nft::same_rule)) {
    return {};
  }
  return {"rules of chain " + chain + " differ"};
}

std::vector<std::string> compare_content(const TableContent& expected, const TableContent& read) {
  std::vector<std::string> drift;
  for (const nft::SetSpec& map : expected.sets) {
    if (std::find(read.sets.begin(), read.sets.end(), map) == read.sets.end()) {
      drift.push_back("map " + map.name + " is missing or differs");
    }
  }
  std::map<std::string, std::vector<nft::Rule>> wanted;
  for (const nft::Rule& rule : expected.rules) {
    wanted[rule.chain].push_back(rule);
  }
  std::map<std::string, std::vector<nft::Rule>> there;
  for (const nft::Rule& rule : read.rules) {
    there[rule.chain].push_back(rule);
  }
  for (const nft::Chain& chain : expected.chains) {
    if (std::find(read.chains.begin(), read.chains.end(), chain) == read.chains.end()) {
      drift.push_back("chain " + chain.name + " is missing or differs");
      continue;
    }
    auto found = compare_rules(chain.name, wanted[chain.name], there[chain.name]);
    std::move(found.begin(), found.end(), std::back_inserter(drift));
  }
  if (read.chains.size() > expected.chains.size()) {
    drift.push_back("the table has " + std::to_string(read.chains.size()) + " chains, expected " +
                    std::to_string(expected.chains.size()));
  }
  if (read.sets.size() > expected.sets.size()) {
    drift.push_back("the table has " + std::to_string(read.sets.size()) + " maps, expected " +
                    std::to_string(expected.sets.size()));
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
