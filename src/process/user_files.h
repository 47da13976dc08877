#pragma once
/// Directories and files of the user, made, read and removed with the user's own rights (run_as.h).
/// Every function blocks for one fork (2 ms) plus the work itself, and throws tinet::Error naming
/// the path.

#include <string>
#include <vector>

#include <sys/types.h>

#include "src/process/run_as.h"

namespace tinet {

/// Makes each directory with its parents, mode 0755 (0700 when `mode` says so) under the umask;
/// existing ones are left as they are.
/// @throws Error Conflict when something else than a directory is in the way
void make_directories(const RunAs& as, const std::vector<std::string>& paths, mode_t mode = 0755);

struct FileToWrite {
  std::string path{};  ///< absolute; the directory must exist
  std::string content{};
  mode_t mode = 0644;
};

/// Writes each file atomically: temporary file in the same directory, then rename. A reader sees
/// the old content or the new one, never half. Stops at the first failure.
void write_files(const RunAs& as, const std::vector<FileToWrite>& files);

/// Content of a file, at most `limit` bytes.
/// @throws Error Operation when it is missing, larger, or no regular file
[[nodiscard]] std::string read_file(const RunAs& as, const std::string& path,
                                    std::size_t limit = 16U << 20U);

/// Last `bytes` bytes of a file; empty when the file is missing.
[[nodiscard]] std::string read_tail(const RunAs& as, const std::string& path, std::size_t bytes);

/// Opens a regular file for reading, or returns an empty descriptor when it is missing.
/// @throws Error when the user may not read it, or it is no regular file
[[nodiscard]] UniqueFd open_for_reading(const RunAs& as, const std::string& path);

enum class Rotate { No, Yes };

/// Opens a log for appending, made 0644 if missing. With Rotate::Yes a non-empty log is first moved
/// to PATH.1, that to PATH.2, that to PATH.3, and an older one is removed.
/// @return close-on-exec, O_APPEND, write only
/// @throws Error when it is a symbolic link, or no regular file
[[nodiscard]] UniqueFd open_log_append(const RunAs& as, const std::string& path, Rotate rotate);

/// Removes a file or a directory with everything in it. Never follows symbolic links, never
/// enters another file system or mount: finding one inside is an error (Conflict) and leaves
/// that part. A missing path is fine.
void remove_tree(const RunAs& as, const std::string& path);

enum class PathKind { Missing, File, Directory, Symlink, Other };

/// What is at the path itself (a symbolic link is not followed).
[[nodiscard]] PathKind path_kind(const RunAs& as, const std::string& path);

/// Names in a directory, sorted, without "." and ".."; empty when the directory is missing.
[[nodiscard]] std::vector<std::string> list_directory(const RunAs& as, const std::string& path);

enum class Access { Execute, Read, WriteDirectory };

struct AccessCheck {
  std::string path{};
  Access access = Access::Execute;
};

/// Checks as the user, in the final namespaces when `as.sandbox` is given, that each path can be
/// used: Execute a regular executable file; Read a file or directory; WriteDirectory a directory
/// in which files can be made.
/// @throws Error Unavailable for the first that cannot. The message names the path, and the
///         directory on the way that blocks; the hint says what would help
void access_check(const RunAs& as, const std::vector<AccessCheck>& checks);

}  // namespace tinet
