#pragma once
/// Files that the caller's words name, opened with the invoking user's rights: under sudo, tinet as
/// root reads and writes nothing that the user could not.

#include <string>

#include "src/base/unique_fd.h"
#include "src/topology/topology.h"

namespace tinet::cli {

/// Content of a text file of at most 1 MiB. Forks when the caller is not the invoking user.
/// @param what names the file's purpose in errors
/// @throws Error Usage when it cannot be read
[[nodiscard]] std::string read_callers_file(const std::string& path, const std::string& what);

/// load_topology() of a built-in topology's name or a file.
/// @throws Error Usage
[[nodiscard]] Topology load_callers_topology(const std::string& word);

/// Makes or empties a file for writing, mode 0644 less the umask.
/// @throws Error
[[nodiscard]] UniqueFd create_callers_file(const std::string& path);

}  // namespace tinet::cli
