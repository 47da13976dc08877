#pragma once
/// Buffers and pipes for data under way. A connection holds one only while it holds data, so that
/// thousands of idle connections cost nothing, and the last one given back, still in the
/// processor's cache, is the next one given out.

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "src/base/unique_fd.h"

namespace tinet::proxy {

/// Larger buffers made a relay slower: two of them no longer fit the processor's own cache.
inline constexpr std::size_t kBufferBytes = 64U << 10U;

using Buffer = std::array<char, kBufferBytes>;

/// A pipe, for splice(2).
struct Pipe {
  UniqueFd out;  ///< where bytes are read
  UniqueFd in;   ///< where they are written
};

/// Single-threaded. Keeps a bounded number of what is not in use.
class BufferPool {
 public:
  /// Wanted capacity of a pipe; the kernel may give less.
  static constexpr std::size_t kPipeBytes = 512U << 10U;

  [[nodiscard]] std::unique_ptr<Buffer> take();
  /// So many buffers are in use (512 MiB) that nobody should hold more than one.
  [[nodiscard]] bool is_scarce() const noexcept { return used_ >= kPlenty; }
  void give_back(std::unique_ptr<Buffer> buffer);

  /// @return nullptr when there are enough pipes already, or no descriptors for another
  [[nodiscard]] std::unique_ptr<Pipe> take_pipe();
  /// @param pipe is empty
  void give_back(std::unique_ptr<Pipe> pipe);
  /// For a pipe that is closed instead of given back.
  void lose_pipe() noexcept { --pipes_; }

 private:
  static constexpr std::size_t kPlenty = 8192;
  static constexpr std::size_t kIdleMax = 256;
  static constexpr std::size_t kPipesMax = 128;
  static constexpr std::size_t kIdlePipesMax = 16;

  std::vector<std::unique_ptr<Buffer>> idle_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<Pipe>> idle_pipes_;
  std::size_t pipes_ = 0;  ///< in use and idle
};

}  // namespace tinet::proxy
