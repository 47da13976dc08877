#pragma once
/// Memory that two processes share: one writes, the other may only read. It has one size for good,
/// so that neither can take it from under the other's feet.

#include <cstddef>
#include <span>

#include "src/base/unique_fd.h"

namespace tinet {

/// Zeroed memory that no name leads to; pages count once they are written. Close-on-exec.
/// @param bytes sealed: the file can neither grow nor shrink
/// @throws Error Operation
/// @see memfd_create(2)
[[nodiscard]] UniqueFd make_shared_memory(std::size_t bytes);

/// A mapping of it; goes with the object, the memory with its last mapping and descriptor.
class SharedMapping {
 public:
  enum class Access { Read, Write };

  SharedMapping() noexcept = default;
  /// All of the file. @param fd borrowed. @throws Error Operation
  SharedMapping(int fd, Access access);
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  ~SharedMapping();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Of a mapping with Access::Write.
  [[nodiscard]] std::span<std::byte> writable() noexcept { return bytes_; }

 private:
  std::span<std::byte> bytes_{};
};

}  // namespace tinet
