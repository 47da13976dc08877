#pragma once
/// The only system calls of this module: looking for programs and reading the user's files.

#include <string>

#include "src/topology/binaries.h"

namespace tinet {

/// The machine's file system as the caller sees it.
class SystemFiles : public FileView {
 public:
  [[nodiscard]] bool is_executable(const std::string& path) const override;
  [[nodiscard]] bool exists(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& directory) const override;
};

/// Content of a file that the user named, at most 1 MiB.
/// @param what names the flag in errors, e.g. "--tikv.config"
/// @throws Error Usage when it cannot be read or is too large
[[nodiscard]] std::string read_user_file(const std::string& path, const std::string& what);

/// The topology that the first word of `tinet start` means: a built-in name or a file.
/// @throws Error Usage
[[nodiscard]] Topology load_topology(const std::string& word);

}  // namespace tinet
