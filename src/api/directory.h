#pragma once
/// Directory work that follows no symbolic link, for directories below ones that others can write
/// to (/tmp). Internal to src/api.

#include <cstdint>
#include <string>

#include <sys/stat.h>

#include "src/base/unique_fd.h"

namespace tinet {

/// Opens a directory; a symbolic link as last component is refused.
/// @return an empty UniqueFd when it is absent, no directory or not accessible (errno says which)
[[nodiscard]] UniqueFd open_directory(int parent, const std::string& name) noexcept;

/// Attributes of an open file; all zero when fstat(2) fails, which matches no directory.
[[nodiscard]] struct stat stat_of(int fd) noexcept;

/// Makes the missing directories of an absolute path and opens the last one. The last two belong to
/// tinet alone: they must be real directories owned by the calling process's effective user, and
/// get exactly `mode`, whatever the umask is. Begins anew when one of them is removed meanwhile.
/// @throws Error Conflict when somebody else's directory or a link is in the way, else as
///         throw_errno()
[[nodiscard]] UniqueFd make_private_directory(const std::string& path, mode_t mode);

/// After a state directory is gone: removes the one it was in, when that is of the kind
/// TMP/tinet-UID and empty. The other places stay, because what hides them from instances (masks)
/// would go with them; instances do not see the machine's /tmp at all. Whoever makes a state
/// directory there at the same moment begins anew, see make_private_directory().
void remove_empty_place(const std::string& state_path) noexcept;

/// Removes everything in an open directory, following no links, at most `depth` levels deep.
/// @param keep name of an entry that stays, or null
/// @return false when something could not be removed
bool remove_contents(int directory, int depth, const char* keep = nullptr) noexcept;

}  // namespace tinet
