#pragma once
/// Looking for the programs that instances run, as the invoking user would find them.

#include <vector>

#include "src/cli/context.h"
#include "src/cli/doctor_report.h"
#include "src/process/user.h"
#include "src/topology/binaries.h"

namespace tinet::cli {

/// Where find_binaries() of src/topology shall look for this user.
[[nodiscard]] BinarySearch search_for(const UserIds& user, const Context& context);

/// Fills in the versions that the paths did not tell, by running each program with its version
/// flag as the user; one that does not answer within a second keeps an empty version.
void ask_versions(Binaries& binaries, const UserIds& user);

/// The programs of all built-in topologies, found or not.
[[nodiscard]] std::vector<ProgramReport> find_programs(const Context& context);

}  // namespace tinet::cli
