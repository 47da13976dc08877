#pragma once
/// What is remembered for faults whose conditions depend on earlier packets: how many of the first
/// are left, how many bytes have passed, which connections were open, what is held. It belongs to
/// the fault and survives every change of others. When the table has to be made anew, bytes are
/// taken along; how many of the first packets are left cannot be read from a kernel. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "netns/nft/batch.h"
#include "src/model/fault.h"

namespace tinet::fabric {

struct Memory {
  std::optional<std::uint32_t> first;        ///< packets of each link
  std::optional<std::uint64_t> after_bytes;  ///< bytes of each link
  bool established = false;
  bool holds = false;  ///< packets wait in a process, not in the table
  std::vector<Link> links;
  std::vector<Flow> flows;
  friend bool operator==(const Memory&, const Memory&) = default;
};

/// By fault.
using Memories = std::map<FaultId, Memory>;

/// The memories that these faults need.
[[nodiscard]] Memories memories_of(const std::vector<Fault>& faults);

/// Bytes that have passed, by the name of the quota.
using UsedBytes = std::map<std::string, std::uint64_t>;

/// Maps, sets and objects of one memory, as they are sent.
/// @param used what quotas start with; those that are not named start with nothing
void put_memory(nft::Batch& batch, FaultId fault, const Memory& memory, const UsedBytes& used = {});
/// What these memories begin to count anew in a table that is made with `used`, one text each.
[[nodiscard]] std::vector<std::string> forgotten(const Memories& memories, const UsedBytes& used);
/// Only valid when no rule refers to it any more.
void remove_memory(nft::Batch& batch, FaultId fault, const Memory& memory);
/// Declarations of all maps and sets of one memory.
[[nodiscard]] std::vector<nft::SetSpec> memory_sets(FaultId fault, const Memory& memory);

}  // namespace tinet::fabric
