#include "src/fabric/memory.h"

#include <algorithm>
#include <array>
#include <string>

#include "src/base/error.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/treatment.h"

namespace tinet::fabric {

namespace {

/// Time in which one more packet counts as one of the first: longer than any experiment. With a
/// longer one, kFirstMax would be less.
constexpr std::uint64_t kDay = 86'400;
constexpr std::size_t kIpv4 = 4;

nft::SetSpec object_map(const std::string& name, nft::MapKind kind) {
  nft::SetSpec spec;
  spec.table = table_id();
  spec.name = name;
  spec.key = {nft::Datatype::IfIndex, nft::Datatype::IfIndex};
  spec.map = kind;
  return spec;
}

nft::SetSpec flow_set(const std::string& name, nft::Datatype address) {
  nft::SetSpec spec;
  spec.table = table_id();
  spec.name = name;
  spec.key = {address, nft::Datatype::InetService, address, nft::Datatype::InetService};
  return spec;
}

/// "first.7.0.3": fault and the numbers of the link's endpoints.
std::string object_name(const char* kind, FaultId fault, Link link) {
  return std::string(kind) + "." + std::to_string(fault.value) + "." + std::to_string(link.from) +
         "." + std::to_string(link.to);
}

std::vector<nft::Element> object_elements(const char* kind, FaultId fault, const Memory& memory) {
  std::vector<nft::Element> elements;
  for (const Link& link : memory.links) {
    nft::Element element;
    element.key = nft::link_key(port_index(link.from), port_index(link.to));
    element.object = object_name(kind, fault, link);
    elements.push_back(std::move(element));
  }
  return elements;
}

void add_address(nft::KeyBuilder& key, const std::vector<std::uint8_t>& address) {
  if (address.size() == kIpv4) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : address) {
      value = (value << 8U) | byte;
    }
    key.ipv4(value);
    return;
  }
  std::array<std::uint8_t, 16> bytes{};
  TINET_ASSERT(address.size() == bytes.size());
  std::copy(address.begin(), address.end(), bytes.begin());
  key.ipv6(bytes);
}

std::vector<nft::Element> flow_elements(const Memory& memory, std::size_t address_size) {
  std::vector<nft::Element> elements;
  for (const Flow& flow : memory.flows) {
    if (flow.from_address.size() != address_size) {
      continue;
    }
    nft::KeyBuilder key;
    add_address(key, flow.from_address);
    key.port(flow.from_port);
    add_address(key, flow.to_address);
    key.port(flow.to_port);
    nft::Element element;
    element.key = key.take();
    elements.push_back(std::move(element));
  }
  return elements;
}

void add_filled(nft::Batch& batch, const nft::SetSpec& set,
                const std::vector<nft::Element>& elements) {
  batch.add_set(set);
  if (!elements.empty()) {
    batch.add_elements(set, elements);
  }
}

}  // namespace

Memories memories_of(const std::vector<Fault>& faults) {
  Memories memories;
  for (const Fault& fault : faults) {
    for (std::size_t i = 0; i < fault.links.size(); ++i) {
      const Match& match = fault.clause(i).match;
      if (fault.clause(i).action.hold) {
        memories[fault.id].holds = true;
      }
      if (!match.remembers()) {
        continue;
      }
      TINET_ASSERT(match.owner == fault.id);
      Memory& memory = memories[fault.id];
      memory.first = match.first;
      memory.after_bytes = match.after_bytes;
      memory.established = match.connections == Connections::Established;
      memory.flows = fault.flows;
      memory.links.push_back(fault.links[i]);
    }
  }
  return memories;
}

std::vector<nft::SetSpec> memory_sets(FaultId fault, const Memory& memory) {
  std::vector<nft::SetSpec> sets;
  if (memory.first) {
    sets.push_back(object_map(first_map_name(fault), nft::MapKind::Limits));
  }
  if (memory.after_bytes) {
    sets.push_back(object_map(after_map_name(fault), nft::MapKind::Quotas));
  }
  if (memory.established) {
    sets.push_back(flow_set(flows_set_name(fault), nft::Datatype::Ipv4Address));
    sets.push_back(flow_set(flows6_set_name(fault), nft::Datatype::Ipv6Address));
  }
  return sets;
}

std::vector<std::string> forgotten(const Memories& memories, const UsedBytes& used) {
  std::vector<std::string> texts;
  const auto add = [&](const char* what, FaultId fault) {
    texts.push_back(std::string("the ") + what + " of " + to_string(fault) +
                    " are counted from the beginning, since the table was made anew");
  };
  for (const auto& [fault, memory] : memories) {
    if (memory.first) {
      add("first packets", fault);
    }
    const FaultId id = fault;
    const bool known = std::all_of(memory.links.begin(), memory.links.end(), [&](Link link) {
      return used.contains(object_name("after", id, link));
    });
    if (memory.after_bytes && !known) {
      add("bytes", fault);
    }
  }
  return texts;
}

void put_memory(nft::Batch& batch, FaultId fault, const Memory& memory, const UsedBytes& used) {
  for (const Link& link : memory.links) {
    if (memory.first) {
      nft::Limit limit;
      limit.rate = 1;
      limit.unit_seconds = kDay;
      limit.burst = *memory.first;
      batch.add_limit({table_id(), object_name("first", fault, link), limit});
    }
    if (memory.after_bytes) {
      nft::QuotaObject quota;
      quota.table = table_id();
      quota.name = object_name("after", fault, link);
      quota.bytes = *memory.after_bytes;
      quota.over = true;
      const auto passed = used.find(quota.name);
      quota.consumed = passed == used.end() ? 0 : passed->second;
      batch.add_quota(quota);
    }
  }
  for (const nft::SetSpec& set : memory_sets(fault, memory)) {
    if (set.map == nft::MapKind::Limits) {
      add_filled(batch, set, object_elements("first", fault, memory));
    } else if (set.map == nft::MapKind::Quotas) {
      add_filled(batch, set, object_elements("after", fault, memory));
    } else {
      const bool is_ipv4 = set.key.front() == nft::Datatype::Ipv4Address;
      add_filled(batch, set, flow_elements(memory, is_ipv4 ? kIpv4 : 16));
    }
  }
}

void remove_memory(nft::Batch& batch, FaultId fault, const Memory& memory) {
  for (const nft::SetSpec& set : memory_sets(fault, memory)) {
    batch.delete_set(table_id(), set.name);
  }
  for (const Link& link : memory.links) {
    if (memory.first) {
      batch.delete_limit(table_id(), object_name("first", fault, link));
    }
    if (memory.after_bytes) {
      batch.delete_quota(table_id(), object_name("after", fault, link));
    }
  }
}

}  // namespace tinet::fabric
