#pragma once
/// What the view service keeps in its data directory, so that a restart of it neither forgets who
/// holds the data nor lets a blank server become the "first" primary.

#include <cstdint>
#include <string>

#include "src/refstore/view_service.h"

namespace tinet::refstore {

struct PdState {
  std::uint64_t cluster_id = 0;  ///< random, not 0
  std::uint64_t term = 0;        ///< counts the starts of the view service
  DurableState views;
  friend bool operator==(const PdState&, const PdState&) = default;
};

/// Reads `directory`/refstore-pd.json; a missing file is a PdState of zeros.
/// @throws Error when the file cannot be read or is not what save_pd_state() writes
[[nodiscard]] PdState load_pd_state(const std::string& directory);

/// Replaces the file atomically. Safe against the death of the process, not of the machine: that
/// one takes the servers' state, which is in memory, with it.
/// @throws Error
void save_pd_state(const std::string& directory, const PdState& state);

/// Makes the directory (and its parents) if needed and writes a small file that says which program
/// owns it.
/// @throws Error
void prepare_data_dir(const std::string& directory, const std::string& role,
                      const std::string& name);

}  // namespace tinet::refstore
